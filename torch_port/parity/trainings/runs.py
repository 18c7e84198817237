"""A training in lock-step: every step of both sides begins where JAX is in float32."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
import torch

from torch_port.parity.compare import Compared, compare_sides
from torch_port.parity.comparison import Scope, Sides, carried, filled, shared
from torch_port.parity.matching.matching import match
from torch_port.parity.sides.jax_side import jax_program, named, side_of
from torch_port.parity.sides.side import Name, Side, Values
from torch_port.parity.sides.torch_side import torch_side as side_of_torch
from torch_port.parity.trainings.batches import Batch, Batches
from torch_port.parity.trainings.sides import OUTPUTS, jax_training, torch_training
from torch_port.parity.updates.runs import Fed, JaxUpdates, Leaf, Leaves

AnySide = TypeVar("AnySide", bound=Side)

SEED = 0
"""Of masks, and of what moves values by one unit."""


class Step(NamedTuple):
    """One step in lock-step.

    Attributes:
      number: counted from 1.
      sides: with the values from which both begin.
      compared: what was found.
    """

    number: int
    sides: Sides
    compared: Compared


class LockStep:
    """Both trainings from JAX's parameters.

    Args:
      jax_side: the model.
      torch_side: the model.
      data: the batches of both.
      params: of the JAX side; None takes PyTorch's.
      losses: JAX's and PyTorch's.
      transformation: JAX's optimiser.
    """

    def __init__(
        self,
        jax_side: Any,
        torch_side: torch.nn.Module,
        data: Batches,
        params: Any,
        losses: tuple[Callable[..., Any], Callable[..., Any]],
        transformation: Any,
    ):
        self.data = data
        inputs = [*data.ours[0].inputs]
        program = jax_program(jax_side, inputs, params=params, train=True, seed=SEED)
        self.program = jax_training(program, losses[0])
        self.module = torch_training(torch_side, losses[1], data.one_hot)
        self.names = named(program.params, program.name)[1]
        self.known: dict[tuple[Any, ...], Sides] = {}
        first = self._sides(data.ours[0])
        self.start = shared(first.jax, first.torch, first.matching, params is not None)
        self.jax_updates = JaxUpdates(transformation, jax.tree.structure(program.params))

    def run(self, steps: int) -> Iterator[Step]:
        """The steps one after the other."""
        params, state = self.start.jax_values[:2]
        optimizer = self.jax_updates.begun(self.leaves(params))
        for t in range(steps):
            sides = self.at(t, params, state)
            compared = compare_sides(sides, Scope(True, True, SEED))
            yield Step(t + 1, sides, compared)
            run = compared.jax.in_float32
            after = optimizer.after(self.leaves(params), self.leaves(run.params_gradients))
            params, state = self.named(after), run.statistics

    def at(self, t: int, params: Mapping[Name, Any], state: Mapping[Name, Any]) -> Sides:
        """Both sides before a step, with JAX's values and its batch."""
        batch = self.data.ours[t % len(self.data.ours)]
        sides = self._sides(batch)
        values = Values(params, state, [*batch.inputs, batch.labels])
        theirs = {**self.start.torch_values.params} | {
            name: array + t if name.short == "num_batches_tracked" else array
            for name, array in self.start.torch_values.state.items()
        }
        own = filled(sides.torch_values._replace(inputs=values.inputs), theirs)
        torch_values = carried(sides._replace(torch_values=own), values)
        return sides._replace(jax_values=values, torch_values=torch_values)

    def fed(self, done: Sequence[Step]) -> Fed:
        """What both optimisers are fed: JAX's parameters and gradients of all steps."""
        pairs = {pair.jax: pair for pair in self.start.matching.pairs}
        leaves = [
            Leaf(str(name), str(pairs[name].torch), pairs[name].to_torch, pairs[name].to_jax)
            if name in pairs
            else Leaf(str(name), "")
            for name in self.names
        ]
        theirs = [name for name, _ in self.module.named_parameters()]
        place = lambda i: theirs.index(path) if (path := leaves[i].torch_path) else len(theirs)
        order = sorted(range(len(leaves)), key=place)
        params = [self.leaves(step.sides.jax_values.params) for step in done]
        gradients = [self.leaves(s.compared.jax.in_float32.params_gradients) for s in done]
        return Fed(self.jax_updates.structure, leaves, order, params, gradients)

    def leaves(self, arrays: Mapping[Name, Any]) -> Leaves:
        """Parameters or gradients in the order of JAX's tree."""
        return [np.asarray(arrays[name]) for name in self.names]

    def named(self, leaves: Leaves) -> dict[Name, np.ndarray]:
        """Leaves by name, in the order of the side."""
        arrays = dict(zip(self.names, leaves, strict=True))
        return {name: arrays[name] for name in self.start.jax_values.params}

    def _sides(self, batch: Batch) -> Sides:
        """Both sides for batches of these shapes, compiled once."""
        arrays = [*batch.inputs, batch.labels]
        shapes = tuple((array.shape, str(array.dtype)) for array in arrays)
        if shapes not in self.known:
            ours = side_of(self.program, arrays, SEED)
            theirs = side_of_torch(self.module, arrays, train=True, seed=SEED)
            ours, theirs = _asked_once(ours), _asked_once(theirs)
            matching = match(ours, theirs)
            matching.layers.setdefault(OUTPUTS, OUTPUTS)
            self.known[shapes] = Sides(ours, theirs, matching, ours.values, theirs.values)
        return self.known[shapes]


def _asked_once(side: AnySide) -> AnySide:
    """The side, which finds out but once what it computes in float32: that is so in all steps."""
    answers: list[list[str]] = []

    def float32_inside(values: Values) -> list[str]:
        if not answers:
            answers.append(side.float32_inside(values))
        return answers[0]

    return replace(side, float32_inside=float32_inside)
