"""Lock-step: every layer, gradient and statistic of PyTorch computed from JAX's values.

The PyTorch side goes on with JAX's outputs behind every layer, and backwards with JAX's gradients,
so that each place shows what it alone does otherwise: one fault in one place, and all of them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from torch_port.parity.comparison import (
    Item,
    Runs,
    Scope,
    Sides,
    forward_items,
    gradient_items,
    items,
    layer_gradients,
    locked_to,
    moved_values,
    run_jax,
    run_torch,
)
from torch_port.parity.ladder import judge, judge_in_float32, rounding_limit
from torch_port.parity.report import Difference
from torch_port.parity.sides.locks import FREE, Locked
from torch_port.parity.sides.side import Run, Values
from torch_port.parity.sides.torch_calls import Call, Edits
from torch_port.parity.sides.torch_side import Trace

UNLOCKED = (FREE, FREE, FREE)

Place = tuple[str, str, str]
"""Kind, JAX path, PyTorch path."""

LOCALISES_ONLY = {"layer", "layer gradient"}
"""What says where, and not whether."""

BACKWARD = {"layer gradient", "parameter gradient", "input gradient"}


def judged(item: Item, scope: Scope) -> Difference:
    """The item with the verdict of the precision that can be asked."""
    evidence = item.evidence
    if scope.moved_in == "float64":
        return Difference(*item.place, judge(evidence))
    return Difference(*item.place, judge_in_float32(evidence, *evidence[2::3]))


def run_and_judged(sides: Sides, scope: Scope) -> tuple[Runs, list[Difference]]:
    """What the JAX side computes, and every quantity of both, judged."""
    jax = run_jax(sides, scope)
    found = items(sides, jax, run_torch(sides, scope), scope)
    return jax, [judged(item, scope) for item in found]


class Bench(NamedTuple):
    """The PyTorch side, set up to be run again and again under edits of its calls.

    Attributes:
      sides: both sides.
      jax: what the JAX side computed; it is not run again.
      scope: what is compared.
      locks: what the PyTorch side is locked to in each of its runs; nothing, to run it freely.
      moved: PyTorch's values, moved by one unit.
      trace: its calls, and where its layers end.
      is_free: whether it is locked to nothing.
    """

    sides: Sides
    jax: Runs
    scope: Scope
    locks: tuple[Locked, Locked, Locked]
    moved: Values
    trace: Trace
    is_free: bool = False

    def run(self, edits: Edits) -> Runs:
        """All runs of the PyTorch side."""
        values, rerun = self.sides.torch_values, self.sides.torch.rerun
        given = zip(
            (values, values, self.moved), ("float32", "float64", self.scope.moved_in), self.locks,
            strict=True,
        )  # fmt: skip
        return Runs(*(rerun(v, precision, lock, edits)[0] for v, precision, lock in given))

    def run_once(self, edits: Edits, *, gradients: bool) -> Run:
        """The run in float64 alone."""
        values, lock = self.sides.torch_values, self.locks[1]
        return self.sides.torch.rerun(values, "float64", lock, edits, gradients)[0]

    def differences(self, edits: Edits) -> list[Difference]:
        """Every quantity under edits, judged, in the order of computation."""
        return [judged(item, self.scope) for item in _items(self, self.run(edits))]

    def unlocked(self) -> "Bench":
        """The same without locks: the PyTorch side goes on with its own values."""
        return self._replace(locks=UNLOCKED, is_free=True)

    def decides(self, difference: Difference) -> bool:
        """Whether a difference says that the sides part, or only where.

        Where nothing is locked, layers may be put together otherwise and mean the same.
        """
        return not self.is_free or difference.kind not in LOCALISES_ONLY

    def item(self, edits: Edits, place: Place) -> Item | None:
        """One quantity under edits, of the run in float64 alone."""
        torch = self.run_once(edits, gradients=place[0] in BACKWARD)
        found = _items(self, Runs(torch, torch, torch))
        return next((item for item in found if item.place == place), None)

    def residuals(self, edits: Edits, places: Sequence[Place]) -> list[np.ndarray]:
        """PyTorch's numbers less JAX's in float64; infinite where the shapes differ."""
        torch = self.run_once(edits, gradients=any(place[0] in BACKWARD for place in places))
        found = {}
        for item in _items(self, Runs(torch, torch, torch)):
            found[item.place] = _residual(item)
            if all(place in found for place in places):
                break
        return [found.get(place, np.full(1, np.inf)) for place in places]

    def limits(self, edits: Edits, places: Sequence[Place]) -> dict[Place, float]:
        """The rms of residuals that are rounding still."""
        return {
            item.place: rounding_limit(item.evidence, self.scope.moved_in)
            for item in (_items(self, self.run(edits)) if places else ())
            if item.place in places
        }

    def calls_before(self, fault: Difference) -> Iterator[list[Call]]:
        """The calls that may be at fault: first those since the layer before, then all others."""
        calls, ends = self.trace
        own = [call for call in calls if call.path == fault.torch_path]
        if fault.kind in ("statistic", "parameter gradient"):
            layer = fault.torch_path.rpartition(".")[0]
            own = [call for call in calls if call.path == layer]
        elif fault.kind in ("layer", "output"):
            end = ends.get(fault.torch_path, len(calls))
            locked = [ends[path] for path in self.locks[1].outputs if ends[path] < end]
            own = calls[max(locked, default=0) : end]
        yield own
        yield [call for call in calls if all(call is not other for other in own)]


def _residual(item: Item) -> np.ndarray:
    if item.evidence.torch64.shape != item.evidence.jax64.shape:
        return np.full(1, np.inf)
    ours, theirs = np.ravel(item.evidence.jax64), np.ravel(item.evidence.torch64)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, theirs - ours)


def _items(bench: Bench, torch: Runs) -> Iterator[Item]:
    yield from forward_items(bench.sides, bench.jax, torch, bench.scope)
    if bench.scope.gradients:
        yield from layer_gradients(bench.sides, bench.jax, torch)
        yield from gradient_items(bench.sides, bench.jax, torch)


def bench_of(sides: Sides, jax: Runs, scope: Scope, *, free: bool = False) -> Bench:
    """A bench that is locked to what the JAX side computed.

    Args:
      sides: both sides.
      jax: all runs of the JAX side.
      scope: what is compared.
      free: whether the PyTorch side goes on with its own values instead.
    """
    run, trace = sides.torch.rerun(sides.torch_values, "float64", FREE, {})
    locks = UNLOCKED if free else tuple(locked_to(sides, r, run) for r in jax)
    moved = moved_values(sides, scope)[1]
    return Bench(sides, jax, scope, locks, moved, trace, free)  # type: ignore[arg-type]


def place_of(difference: Difference) -> Place:
    """Where a difference is."""
    return difference.kind, difference.jax_path, difference.torch_path
