"""The comparison itself: match, copy, run both sides in both precisions, judge in order."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from torch_port.parity.jax_sides import jax_side as side_of_jax
from torch_port.parity.ladder import Evidence, Judgement, Verdict, judge, judge_in_float32
from torch_port.parity.matching import Matching, Pair, match
from torch_port.parity.report import Difference, Report
from torch_port.parity.sides import Name, Precision, Run, Side, Values, is_floating
from torch_port.parity.torch_sides import torch_side as side_of_torch

LOCALISES_ONLY = {"layer"}
"""What says where, and not whether: layers may be put together otherwise and mean the same."""


def compare(
    jax_side: Any,
    torch_side: Any,
    inputs: Any,
    *,
    params: Any = None,
    train: bool = False,
    gradients: bool = True,
    seed: int = 0,
    mapping: Mapping[str, str] | None = None,
) -> Report:
    """Says whether a JAX program and a PyTorch program compute the same, and if not, where.

    Both run in float32 and in float64 from the same float32 values and the same dropout masks; no
    tolerance is chosen. Neither program is changed.

    Args:
      jax_side: a `jaxnn.Layer`, a Flax linen or nnx module, or a function of arrays, which with
        `params` is a function of `(params, *inputs)`.
      torch_side: a `torch.nn.Module`, or a function of tensors.
      inputs: one array or tensor, or a tuple of them: the arguments of both sides.
      params: of the JAX side, copied to PyTorch; None copies PyTorch's the other way. For a linen
        module the variables or their `"params"`, for a `jaxnn.Layer` params or `(params, state)`.
      train: whether both sides train; running statistics are then compared after the step.
      gradients: whether gradients by parameters and inputs are compared, of a fixed random sum of
        the outputs.
      seed: of masks, of that sum, and of initial parameters where neither side has any.
      mapping: where parameters could be matched in several ways, PyTorch's path of a layer by
        JAX's.

    Returns:
      A report: `verdict`, `first`, `differences`; `print` shows it in at most ten lines.

    Raises:
      ValueError: parameters do not match or match in several ways; a side draws random numbers that
        cannot be given to the other.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import layers
      >>> module = torch.nn.Linear(3, 2)
      >>> report = compare(layers.dense(3, 2), module, np.ones((5, 3), np.float32))
      >>> report.verdict in ("equal", "rounding")
      True
      >>> compare(jnp.sin, torch.cos, np.ones(3, np.float32), gradients=False).verdict
      'semantic'
    """
    arrays = [_as_array(x) for x in (inputs if isinstance(inputs, tuple) else (inputs,))]
    ours = side_of_jax(jax_side, arrays, params=params, train=train, seed=seed)
    theirs = side_of_torch(torch_side, arrays, train=train, seed=seed)
    matching = match(ours, theirs, mapping)
    pair = _Pair(ours, theirs, matching, *_shared(ours, theirs, matching, params is not None))
    items = [*_items(pair, _runs(pair, "float64", seed), gradients, train)]
    found = [Difference(*item.place, judge(item.evidence)) for item in items]
    notes = []
    if _verdict(found) == "semantic" and (notes := _float32_inside(pair)):
        again = _items(pair, _runs(pair, "float32", seed), gradients, train)
        found = [
            Difference(*item.place, judge_in_float32(item.evidence, *moved.evidence[2::3]))
            for item, moved in zip(items, again, strict=True)
        ]
    found = _with_alone(found, matching, ours, theirs)
    verdict = _verdict(found)
    if verdict != "semantic":
        notes += [f"{d.kind} {d.jax_path}: {d.judgement.note}" for d in found if d.judgement.note]
    return Report(verdict, tuple(found), tuple(_not_compared(pair, train)), tuple(notes))


class _Pair(NamedTuple):
    """Both sides, what belongs together, and the values from which both start."""

    jax: Side
    torch: Side
    matching: Matching
    jax_values: Values
    torch_values: Values


class _Runs(NamedTuple):
    """Both sides in both precisions, and in one with all values moved by one unit of it."""

    jax32: Run
    jax64: Run
    jax_moved: Run
    torch32: Run
    torch64: Run
    torch_moved: Run


def _as_array(x: Any) -> np.ndarray:
    array = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    return array.astype(np.float32) if is_floating(array) else array


def _shared(jax: Side, torch: Side, matching: Matching, from_jax: bool) -> tuple[Values, Values]:
    """The values of both sides after those of one are copied to the other."""
    ours, theirs = {**jax.values.params, **jax.values.state}, {}
    theirs |= {**torch.values.params, **torch.values.state}
    for pair in matching.pairs:
        if from_jax:
            theirs[pair.torch] = pair.to_torch(ours[pair.jax])
        else:
            ours[pair.jax] = pair.to_jax(theirs[pair.torch])
    return _filled(jax.values, ours), _filled(torch.values, theirs)


def _filled(values: Values, arrays: Mapping[Name, np.ndarray]) -> Values:
    params, state = ({name: arrays[name] for name in part} for part in values[:2])
    return Values(params, state, values.inputs)


def _runs(pair: _Pair, moved_in: Precision, seed: int) -> _Runs:
    runs = []
    for side, values, moved in zip(
        (pair.jax, pair.torch), pair[3:], _moved(pair, moved_in, seed), strict=True
    ):
        runs += [side.run(values, "float32"), side.run(values, "float64")]
        runs += [side.run(moved, moved_in)]
    return _Runs(*runs)


def _moved(pair: _Pair, precision: Precision, seed: int) -> tuple[Values, Values]:
    """All values moved by one unit in the last place, up or down; what is 0 stays 0."""
    generator = np.random.default_rng([seed, 2])
    unit = np.finfo(precision).eps

    def move(array):
        if not is_floating(array):
            return array
        signs = generator.choice([-1.0, 1.0], array.shape)
        return (array.astype(precision) * (1 + signs * unit)).astype(precision)

    of_all = lambda arrays: {name: move(array) for name, array in arrays.items()}
    params, state = of_all(pair.jax_values.params), of_all(pair.jax_values.state)
    inputs = [move(array) for array in pair.jax_values.inputs]
    theirs = {**pair.torch_values.params, **pair.torch_values.state}
    theirs |= {p.torch: p.to_torch((params | state)[p.jax]) for p in pair.matching.pairs}
    return Values(params, state, inputs), _filled(pair.torch_values._replace(inputs=inputs), theirs)


class _Item(NamedTuple):
    """One quantity: its kind and its path on both sides, and its numbers."""

    place: tuple[str, str, str]
    evidence: Evidence


def _items(pair: _Pair, runs: _Runs, gradients: bool, train: bool) -> Iterator[_Item]:
    """Kind, both paths, and the numbers of all that can be compared, in order of computation."""
    statistics = [p for p in pair.matching.pairs if train and p.jax in pair.jax_values.state]
    for path, other in pair.matching.layers.items():
        numbers = [run.layers[path] for run in runs[:3]] + [run.layers[other] for run in runs[3:]]
        if (evidence := _aligned(numbers)) is not None:
            yield _Item(("layer", path, other), evidence)
        yield from (
            _statistic(p, runs) for p in statistics if p.jax.layer == path.partition("#")[0]
        )
    seen = {path.partition("#")[0] for path in pair.matching.layers}
    yield from (_statistic(p, runs) for p in statistics if p.jax.layer not in seen)
    yield from _outputs(runs)
    if gradients:
        yield from _gradients(pair, runs)


def _statistic(p: Pair, runs: _Runs) -> _Item:
    numbers = [run.statistics[p.jax] for run in runs[:3]]
    numbers += [p.to_jax(run.statistics[p.torch]) for run in runs[3:]]
    return _Item(("statistic", str(p.jax), str(p.torch)), Evidence(*numbers))


def _outputs(runs: _Runs) -> Iterator[_Item]:
    counts = len(runs.jax64.outputs), len(runs.torch64.outputs)
    if counts[0] != counts[1]:
        raise ValueError(f"compare: JAX gives {counts[0]} outputs and PyTorch {counts[1]}")
    for i in range(counts[0]):
        name = "output" if counts[0] == 1 else f"output {i}"
        numbers = [run.outputs[i] for run in runs]
        yield _Item(("output", name, name), _aligned(numbers) or Evidence(*numbers))


def _gradients(pair: _Pair, runs: _Runs) -> Iterator[_Item]:
    for p in reversed(pair.matching.pairs):
        if p.jax in pair.jax_values.params and p.torch in pair.torch_values.params:
            numbers = [run.params_gradients[p.jax] for run in runs[:3]]
            numbers += [p.to_jax(run.params_gradients[p.torch]) for run in runs[3:]]
            yield _Item(("parameter gradient", str(p.jax), str(p.torch)), Evidence(*numbers))
    for i in runs.jax64.inputs_gradients:
        numbers = [run.inputs_gradients[i] for run in runs]
        yield _Item(("input gradient", f"input {i}", f"input {i}"), Evidence(*numbers))


def _aligned(numbers: list[np.ndarray]) -> Evidence | None:
    """The evidence, with PyTorch's channels moved to the end where that makes the shapes equal."""
    ours, theirs = numbers[0].shape, numbers[3].shape
    if ours != theirs and len(theirs) > 2 and ours == (theirs[0], *theirs[2:], theirs[1]):
        numbers = numbers[:3] + [np.moveaxis(array, 1, -1) for array in numbers[3:]]
    return Evidence(*numbers) if numbers[0].shape == numbers[3].shape else None


def _verdict(found: list[Difference]) -> Verdict:
    decisive = {d.verdict for d in found if d.kind not in LOCALISES_ONLY}
    return next(v for v in ("semantic", "rounding", "equal") if v in decisive or v == "equal")


def _with_alone(
    found: list[Difference], matching: Matching, jax: Side, torch: Side
) -> list[Difference]:
    """Parameters of one side only, each before its layer, or first of all."""
    alone = [
        (name.layer, Difference("parameter", str(name), "", _MISSING))
        for name in matching.jax_alone
        if name in jax.values.params
    ]
    to_jax = {other: path for path, other in matching.layers.items()}
    alone += [
        (to_jax.get(name.layer, ""), Difference("parameter", "", str(name), _MISSING))
        for name in matching.torch_alone
        if name in torch.values.params
    ]
    for layer, difference in alone:
        places = [i for i, d in enumerate(found) if d.kind == "layer" and d.jax_path == layer]
        found = [*found[: min(places, default=0)], difference, *found[min(places, default=0) :]]
    return found


_MISSING = Judgement("semantic", np.inf, np.inf, np.inf, np.inf, note="it has no partner")


def _float32_inside(pair: _Pair) -> list[str]:
    return [
        f"{side.framework} {found} even in a float64 run, so float32 had to decide"
        for side, values in zip((pair.jax, pair.torch), pair[3:], strict=True)
        for found in side.float32_inside(values)
    ]


def _not_compared(pair: _Pair, train: bool) -> Iterator[str]:
    """Layers and statistics without a partner."""
    layers = pair.matching.layers
    yield from (f"JAX {path}" for path in pair.jax.kinds if path not in layers)
    theirs = {*layers.values()}
    yield from (f"PyTorch {path}" for path in pair.torch.kinds if path not in theirs)
    if train:
        yield from (f"JAX {n}" for n in pair.matching.jax_alone if n in pair.jax.values.state)
        yield from (
            f"PyTorch {n}" for n in pair.matching.torch_alone if n in pair.torch.values.state
        )
