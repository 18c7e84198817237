"""Which hypotheses make a difference vanish, and with which constants."""

import warnings
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.hypotheses import Context, Hypothesis, combined, shortest, solve
from torch_port.parity.lockstep import Bench, Place, place_of
from torch_port.parity.report import Difference
from torch_port.parity.torch_calls import Call, Edits

MOST_PAIRED = 14
"""Of the hypotheses that leave least of the difference, how many are tried two at a time."""

STILL_FAR = 0.9
"""A hypothesis with a constant that leaves more than this of the difference at its first start is
not looked into from there."""


class Trial(NamedTuple):
    """An entry of the catalogue and one of its hypotheses about a call."""

    entry: Entry
    hypothesis: Hypothesis


class Fit(NamedTuple):
    """Hypotheses that together make a difference vanish, and the constants that do.

    Attributes:
      trials: the hypotheses with their entries.
      values: their constants; None for one without.
      mended: how many places they mend.
    """

    trials: tuple[Trial, ...]
    values: tuple[float | None, ...]
    mended: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the entries."""
        return tuple(trial.entry.id for trial in self.trials)

    def edits(self) -> Edits:
        """All edits together."""
        edits: Edits = {}
        for trial, value in zip(self.trials, self.values, strict=True):
            edits = combined(edits, trial.hypothesis.edits(value))
        return edits


class Near(NamedTuple):
    """Hypotheses with their best constants, and what they leave of the difference."""

    trials: tuple[Trial, ...]
    values: tuple[float | None, ...]
    left: float


def candidates(entries: Sequence[Entry], calls: Iterable[Call], bench: Bench) -> list[Trial]:
    """All hypotheses of the catalogue about some calls, the simplest first."""
    context = Context(bench.trace.calls, bench.sides)
    calls = [*calls]
    return [
        Trial(entry, hypothesis)
        for entry in entries
        for call in calls
        for hypothesis in entry.hypotheses(call, context)
    ]


def fits(
    trials: Iterable[Trial],
    bench: Bench,
    edits: Edits,
    found: list[Difference],
    fault: Difference,
) -> tuple[list[Fit], list[Near]]:
    """Those that alone make the difference vanish, best first, and what the others leave of it."""
    target = Target(bench, edits, place_of(fault))
    near = [target.nearest((trial,)) for trial in trials]
    fitting = [fit for one in near if (fit := _confirmed(one, target, found))]
    return sorted(fitting, key=lambda fit: -fit.mended), near


def pairs_that_fit(
    near: Sequence[Near], bench: Bench, edits: Edits, found: list[Difference], fault: Difference
) -> list[Fit]:
    """Likewise for two at a time, of those that leave least alone."""
    target = Target(bench, edits, place_of(fault))
    nearest = sorted((one for one in near if np.isfinite(one.left)), key=lambda one: one.left)
    for first, second in combinations(nearest[:MOST_PAIRED], 2):
        trials = first.trials + second.trials
        starts = first.values + second.values
        if fit := _confirmed(target.nearest(trials, starts), target, found):
            return [fit]
    return []


class Target:
    """One place whose difference should vanish: runs the PyTorch side and measures what is left.

    Args:
      bench: on which it is run.
      edits: which are in force already.
      place: of the difference.
    """

    def __init__(self, bench: Bench, edits: Edits, place: Place):
        self.bench, self.edits, self.place = bench, edits, place
        self.limit = bench.limit(edits, place)
        self.before = _size(self.residual(()))

    def residual(self, trials: Sequence[Trial], values: Sequence[float | None] = ()) -> np.ndarray:
        """What is left at the place; infinite where the program cannot be run that way."""
        edits = combined(self.edits, Fit((*trials,), (*values,)).edits())
        try:
            with warnings.catch_warnings(action="ignore"):
                return self.bench.residual(edits, self.place)
        except Exception:  # a change may be anything but applicable
            return np.full(1, np.inf)

    def nearest(self, trials: tuple[Trial, ...], starts: Sequence[float | None] = ()) -> Near:
        """The constants that leave least of the difference, from the given or the likely ones."""
        likely = [trial.hypothesis.starts for trial in trials]
        open_ones = [i for i, starts in enumerate(likely) if starts]
        if not open_ones:
            values = (None,) * len(trials)
            return Near(trials, values, _size(self.residual(trials, values)))
        best = Near(trials, tuple(starts) or (None,) * len(trials), np.inf)
        for tried in [starts] if starts else [[s] for s in likely[open_ones[0]]]:
            one = self._solved(trials, open_ones, [tried[i] for i in open_ones])
            if one.left < best.left:
                best = one
            if best.left <= self.limit or not best.left < STILL_FAR * self.before:
                break
        return best

    def _solved(self, trials, open_ones, starts) -> Near:
        """By Gauss and Newton's method, then with as few digits as do."""

        def put(values):
            full: list[float | None] = [None] * len(trials)
            for i, value in zip(open_ones, values, strict=True):
                full[i] = value
            return tuple(full)

        residual = lambda values: self.residual(trials, put(values))
        domains = [trials[i].hypothesis.domain for i in open_ones]
        values = solve(residual, starts, domains, self.limit)
        for i in range(len(values)):
            values[i] = self._shortest(residual, values, i)
        return Near(trials, put(values), _size(residual(values)))

    def _shortest(self, residual, values, i) -> float:
        with_one = lambda value: [*values[:i], value, *values[i + 1 :]]
        fits = lambda value: _size(residual(with_one(value))) <= self.limit
        short = shortest(values[i], fits) if fits(values[i]) else None
        return values[i] if short is None else short


def _confirmed(near: Near, target: Target, found: list[Difference]) -> Fit | None:
    """A fit if all that is compared, in both precisions, says so: mended there, and no worse."""
    if not near.left <= target.limit:
        return None
    fit = Fit(near.trials, near.values)
    after = target.bench.differences(combined(target.edits, fit.edits()))
    apart, before = (
        {place_of(d) for d in differences if d.verdict == "semantic"}
        for differences in (after, found)
    )
    if target.place in apart or not apart <= before:
        return None
    return fit._replace(mended=len(before - apart))


def _size(residual: np.ndarray) -> float:
    """The root of the mean square; infinite where it is not a number."""
    with np.errstate(all="ignore"):
        size = float(np.sqrt(np.mean(np.square(residual)))) if residual.size else 0.0
    return size if np.isfinite(size) else np.inf
