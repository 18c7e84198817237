"""Two trainings that run freely, and each beside its own copy that was moved by one unit."""

from collections.abc import Iterator, Sequence

import numpy as np

from torch_port.parity.comparison import Scope, Sides, filled, moved_values
from torch_port.parity.report import Trajectory
from torch_port.parity.sides.side import Values
from torch_port.parity.trainings.runs import SEED, LockStep, Step
from torch_port.parity.updates.runs import Fed, Leaves, TorchFactory, TorchSteps


def trajectory_of(
    lock_step: LockStep, factory: TorchFactory, fed: Fed, done: Sequence[Step]
) -> Trajectory:
    """How far the two sides part, and how far each from its copy.

    Args:
      lock_step: both sides; JAX's own way is the one that it went.
      factory: of PyTorch's optimiser.
      fed: for the order and layout of parameters.
      done: its steps.
    """
    steps, start = len(done), lock_step.start
    moved = start._replace(**_moved(start))
    jax, jax_moved = (_free_jax(lock_step, sides, steps) for sides in (start, moved))
    theirs, theirs_moved = (
        _free_torch(lock_step, factory, fed, sides, steps) for sides in (start, moved)
    )
    found = zip(jax, jax_moved, theirs, theirs_moved, strict=True)
    rows = [
        (_distance(ours, other), _distance(ours, copy), _distance(other, other_copy), *losses)
        for (l1, ours), (_, copy), (l2, other), (_, other_copy) in found
        for losses in [(l1, l2)]
    ]
    return Trajectory(tuple(range(1, steps + 1)), *map(tuple, zip(*rows, strict=True)))


def _moved(start: Sides) -> dict[str, Values]:
    """Both sides' values with parameters moved by one unit in the last place of float32."""
    scope = Scope(True, True, SEED, moved_in="float32")
    ours, theirs = moved_values(start, scope)
    keep = lambda moved, values: Values(moved.params, values.state, values.inputs)
    return {
        "jax_values": keep(ours, start.jax_values),
        "torch_values": keep(theirs, start.torch_values),
    }


def _free_jax(lock_step: LockStep, start: Sides, steps: int) -> Iterator[tuple[float, Leaves]]:
    """The loss of each step, and the parameters after it."""
    params, state = start.jax_values[:2]
    optimizer = lock_step.jax_updates.begun(lock_step.leaves(params))
    for t in range(steps):
        sides = lock_step.at(t, params, state)
        run = sides.jax.run(sides.jax_values, "float32")
        leaves = lock_step.leaves(params), lock_step.leaves(run.params_gradients)
        after = optimizer.after(*leaves)
        params, state = lock_step.named(after), run.statistics
        yield float(run.outputs[0]), after


def _free_torch(
    lock_step: LockStep, factory: TorchFactory, fed: Fed, start: Sides, steps: int
) -> Iterator[tuple[float, Leaves]]:
    """Likewise; with its own values and its own optimiser, from JAX's start and batches."""
    pairs = {pair.jax: pair for pair in start.matching.pairs}
    leaves = lock_step.leaves(start.jax_values.params)
    values = start.torch_values
    optimizer = TorchSteps(factory, fed, leaves, "float32")
    for t in range(steps):
        sides = lock_step.at(t, start.jax_values.params, start.jax_values.state)
        values = values._replace(inputs=sides.torch_values.inputs)
        run = sides.torch.run(values, "float32")
        gradients = [
            pairs[name].to_jax(run.params_gradients[pairs[name].torch])
            if name in pairs
            else np.zeros_like(leaf)
            for name, leaf in zip(lock_step.names, leaves, strict=True)
        ]
        leaves = optimizer.after(leaves, gradients)
        after = {
            pairs[name].torch: pairs[name].to_torch(leaf)
            for name, leaf in zip(lock_step.names, leaves, strict=True)
            if name in pairs
        }
        values = filled(values, {**values.params, **values.state, **run.statistics, **after})
        yield float(run.outputs[0]), leaves


def _distance(ours: Leaves, theirs: Leaves) -> float:
    """Of all parameters, relative to their size."""
    flat = lambda leaves: np.concatenate([np.float64(leaf).ravel() for leaf in leaves])
    a, b = flat(ours), flat(theirs)
    return float(np.linalg.norm(a - b) / (np.linalg.norm(a) or 1.0))
