"""Both sides and what belongs together: run in both precisions, and put side by side in order."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from torch_port.parity.ladder import Evidence
from torch_port.parity.matching.matching import Matching
from torch_port.parity.matching.pairing import Pair
from torch_port.parity.sides.images import channels_first, channels_last, is_turned
from torch_port.parity.sides.locks import Locked
from torch_port.parity.sides.side import Name, Precision, Run, Side, Values, is_floating
from torch_port.parity.sides.torch_side import TorchSide


class Sides(NamedTuple):
    """Both sides, what belongs together, and the values from which both start."""

    jax: Side
    torch: TorchSide
    matching: Matching
    jax_values: Values
    torch_values: Values


class Scope(NamedTuple):
    """What is compared beside outputs: statistics where both train, gradients, by which seed."""

    train: bool
    gradients: bool
    seed: int
    moved_in: Precision = "float64"


class Runs(NamedTuple):
    """One side in both precisions, and in one with all values moved by one unit of it."""

    in_float32: Run
    in_float64: Run
    moved: Run


class Item(NamedTuple):
    """One quantity: its kind and its path on both sides, and its numbers."""

    place: tuple[str, str, str]
    evidence: Evidence


def shared(jax: Side, torch: TorchSide, matching: Matching, from_jax: bool) -> Sides:
    """The sides after the values of one are copied to the other."""
    ours, theirs = {**jax.values.params, **jax.values.state}, {}
    theirs |= {**torch.values.params, **torch.values.state}
    for pair in matching.pairs:
        if from_jax:
            theirs[pair.torch] = pair.to_torch(ours[pair.jax])
        else:
            ours[pair.jax] = pair.to_jax(theirs[pair.torch])
    return Sides(jax, torch, matching, filled(jax.values, ours), filled(torch.values, theirs))


def filled(values: Values, arrays: Mapping[Name, np.ndarray]) -> Values:
    """The values with other parameters and statistics."""
    params, state = ({name: arrays[name] for name in part} for part in values[:2])
    return Values(params, state, values.inputs)


def carried(sides: Sides, values: Values) -> Values:
    """PyTorch's values with parameters and statistics of JAX put in; the inputs stay its own."""
    ours = {**values.params, **values.state}
    theirs = {**sides.torch_values.params, **sides.torch_values.state}
    theirs |= {pair.torch: pair.to_torch(ours[pair.jax]) for pair in sides.matching.pairs}
    return filled(sides.torch_values, theirs)


def run_jax(sides: Sides, scope: Scope) -> Runs:
    """All runs of the JAX side."""
    values, moved = sides.jax_values, moved_values(sides, scope)[0]
    run = sides.jax.run
    return Runs(run(values, "float32"), run(values, "float64"), run(moved, scope.moved_in))


def run_torch(sides: Sides, scope: Scope) -> Runs:
    """All runs of the PyTorch side."""
    values, moved = sides.torch_values, moved_values(sides, scope)[1]
    run = sides.torch.run
    return Runs(run(values, "float32"), run(values, "float64"), run(moved, scope.moved_in))


def moved_values(sides: Sides, scope: Scope) -> tuple[Values, Values]:
    """All values moved by one unit in the last place towards 0, or not: so none leaves a domain."""
    generator = np.random.default_rng([scope.seed, 2])
    precision = scope.moved_in
    unit = np.finfo(precision).eps

    def move(array):
        if not is_floating(array):
            return array
        signs = generator.choice([-1.0, 0.0], array.shape)
        return (array.astype(precision) * (1 + signs * unit)).astype(precision)

    of_all = lambda arrays: {name: move(array) for name, array in arrays.items()}
    params, state = of_all(sides.jax_values.params), of_all(sides.jax_values.state)
    inputs = [move(array) for array in sides.jax_values.inputs]
    moved = Values(params, state, inputs)
    lying = zip(sides.jax_values.inputs, sides.torch_values.inputs, inputs, strict=True)
    turned = [channels_first(x) if is_turned(a, b) else x for a, b, x in lying]
    return moved, carried(sides, moved)._replace(inputs=turned)


def items(sides: Sides, jax: Runs, torch: Runs, scope: Scope) -> Iterator[Item]:
    """Kind, both paths, and the numbers of all that can be compared, in order of computation."""
    yield from forward_items(sides, jax, torch, scope)
    if scope.gradients:
        yield from gradient_items(sides, jax, torch)


def forward_items(sides: Sides, jax: Runs, torch: Runs, scope: Scope) -> Iterator[Item]:
    """Layers, statistics where both train, and outputs."""
    matching = sides.matching
    statistics = [p for p in matching.pairs if scope.train and p.jax in sides.jax_values.state]
    for path, other in matching.layers.items():
        numbers = [r.layers[path] for r in jax] + [r.layers[other] for r in torch]
        evidence = aligned(numbers)
        if evidence is not None or _of_other_sizes(numbers):
            yield Item(("layer", path, other), evidence or Evidence(*numbers))
        yield from (
            _statistic(p, jax, torch) for p in statistics if p.jax.layer == path.partition("#")[0]
        )
    seen = {path.partition("#")[0] for path in matching.layers}
    yield from (_statistic(p, jax, torch) for p in statistics if p.jax.layer not in seen)
    yield from _outputs(jax, torch)


def _statistic(p: Pair, jax: Runs, torch: Runs) -> Item:
    numbers = [r.statistics[p.jax] for r in jax]
    numbers += [p.to_jax(r.statistics[p.torch]) for r in torch]
    return Item(("statistic", str(p.jax), str(p.torch)), Evidence(*numbers))


def _outputs(jax: Runs, torch: Runs) -> Iterator[Item]:
    count = len(jax.in_float64.outputs)
    for i in range(count):
        name = "output" if count == 1 else f"output {i}"
        numbers = [r.outputs[i] for r in [*jax, *torch]]
        yield Item(("output", name, name), aligned(numbers) or Evidence(*numbers))


def gradient_items(sides: Sides, jax: Runs, torch: Runs) -> Iterator[Item]:
    """The gradients by parameters and inputs."""
    for p in reversed(sides.matching.pairs):
        if p.jax in sides.jax_values.params and p.torch in sides.torch_values.params:
            numbers = [r.params_gradients[p.jax] for r in jax]
            numbers += [p.to_jax(r.params_gradients[p.torch]) for r in torch]
            yield Item(("parameter gradient", str(p.jax), str(p.torch)), Evidence(*numbers))
    for i in jax.in_float64.inputs_gradients:
        numbers = [r.inputs_gradients[i] for r in [*jax, *torch]]
        evidence = aligned(numbers) or Evidence(*numbers)
        yield Item(("input gradient", f"input {i}", f"input {i}"), evidence)


def layer_gradients(sides: Sides, jax: Runs, torch: Runs) -> Iterator[Item]:
    """The gradients that arrive at the outputs of layers, from the last layer to the first."""
    for path, other in reversed(sides.matching.layers.items()):
        if all(path in r.cotangents for r in jax) and all(other in r.cotangents for r in torch):
            numbers = [r.cotangents[path] for r in jax] + [r.cotangents[other] for r in torch]
            if (evidence := aligned(numbers)) is not None:
                yield Item(("layer gradient", path, other), evidence)


def aligned(numbers: list[np.ndarray]) -> Evidence | None:
    """The evidence, with PyTorch's channels moved to the end where JAX has them; None if the shapes
    differ."""
    if is_turned(numbers[1], numbers[4]):
        numbers = numbers[:3] + [channels_last(array) for array in numbers[3:]]
    return Evidence(*numbers) if numbers[0].shape == numbers[3].shape else None


def _of_other_sizes(numbers: list[np.ndarray]) -> bool:
    """Whether these are images of as many channels, but not as many rows and columns."""
    ours, theirs = numbers[0].shape, numbers[3].shape
    alike = len(ours) == len(theirs) > 2 and ours[0] == theirs[0]
    return alike and ours[-1] in (theirs[1], theirs[-1]) and numbers[0].size != numbers[3].size


def locked_to(sides: Sides, run: Run, theirs: Run) -> Locked:
    """The outputs of JAX's layers and the gradients by them, as PyTorch's layers would have them.

    Args:
      sides: for the layers that belong together.
      run: of the JAX side.
      theirs: of the PyTorch side, for how its outputs lie.
    """
    outputs, cotangents = {}, {}
    for path, other in sides.matching.layers.items():
        array = run.layers[path]
        turn = channels_first if is_turned(array, theirs.layers[other]) else (lambda a: a)
        if np.isfinite(array).all() and turn(array).shape == theirs.layers[other].shape:
            outputs[other] = turn(array)
            if path in run.cotangents:
                cotangents[other] = turn(run.cotangents[path])
    return Locked(outputs, cotangents)
