"""Which hypotheses make a difference vanish, and with which constants."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis, combined, shortest, solve
from torch_port.parity.diagnosis.lockstep import BACKWARD, Bench, Place, place_of
from torch_port.parity.report import Difference
from torch_port.parity.sides.torch_calls import Call, Edits

BEST, MOST_RUNS = 8, 800
"""How many of the hypotheses that leave least are tried with all others, and for how long."""

BEST_OF_FEW = 24
UNLIKELY_OF_FEW = {"activation-missing", "activation-different"}
"""What is left of a single number says little of what is near; of losses other things go wrong."""

FEW = 16
"""With fewer numbers than these a difference may vanish by chance."""

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
    """All hypotheses of the catalogue about some calls, the simplest first.

    A module that is called several times, as a recurrent cell is, is wrong each time.
    """
    context = Context(bench.trace.calls, bench.sides)
    first = [call for call in calls if not any(_alike(call, other) for other in
                                               context.calls[: call.index])]  # fmt: skip
    return [
        Trial(entry, _each_time(hypothesis, context.calls))
        for entry in entries
        for call in first
        for hypothesis in entry.hypotheses(call, context)
    ]


def _each_time(hypothesis: Hypothesis, calls: Sequence[Call]) -> Hypothesis:
    """The change made to every call that is alike."""
    call = calls[hypothesis.call]
    again = [other.index for other in calls[call.index + 1 :] if _alike(call, other)]
    return replace(hypothesis, also=(*hypothesis.also, *((n, hypothesis.change) for n in again)))


def _alike(call: Call, other: Call) -> bool:
    """Whether two calls are of one function, with the same parameters."""
    ours, theirs = _parameters(call), _parameters(other)
    return call.name == other.name and bool(ours) and ours == theirs


def _parameters(call: Call) -> list[str]:
    given = [*call.args, *call.kwargs.values()]
    held = {id(x) for x in given if isinstance(x, torch.Tensor) and x.is_leaf and x.requires_grad}
    named = [name for name, tensor in call.named.items() if id(tensor) in held]
    return [name for name in named if not name.startswith("input ")]


def fits(
    trials: Iterable[Trial], target: "Target", found: list[Difference]
) -> tuple[list[Fit], list[Near]]:
    """Those that alone make the difference vanish, best first, and what the others leave of it."""
    near = [target.nearest((trial,)) for trial in trials]
    fitting = [fit for one in near if (fit := _confirmed(one, target, found))]
    return sorted(fitting, key=lambda fit: -fit.mended), near


def pairs_that_fit(near: Sequence[Near], target: "Target", found: list[Difference]) -> list[Fit]:
    """The first that fits of two at a time: those that leave least alone, each with any other."""
    likely = lambda one: (target.few and one.trials[0].entry.id in UNLIKELY_OF_FEW, one.left)
    best = BEST_OF_FEW if target.few else BEST
    until = target.runs + MOST_RUNS
    for first, second in _pairs(sorted(near, key=likely), best):
        if target.runs > until:
            break
        trials = first.trials + second.trials
        if fit := _confirmed(target.nearest(trials, first.values + second.values), target, found):
            return [fit]
    return []


def _gradients(found: list[Difference], bench: Bench) -> list[Place]:
    """The gradients that are apart, and say so."""
    apart = [d for d in found if d.verdict == "semantic" and bench.decides(d)]
    return [place_of(d) for d in apart if d.kind in BACKWARD]


def _pairs(near: Sequence[Near], best: int) -> Iterator[tuple[Near, Near]]:
    """Each of the best with each behind it, nearest first; of one call in either order."""
    for i, first in enumerate(one for one in near[:best] if np.isfinite(one.left)):
        for second in near[i + 1 :]:
            yield first, second
            if first.trials[0].hypothesis.call == second.trials[0].hypothesis.call:
                yield second, first


class Target:
    """A place whose difference should vanish: runs the PyTorch side and measures what is left.

    A few numbers can be met by chance; with these the gradients that are apart should vanish too.

    Args:
      bench: on which it is run.
      edits: which are in force already.
      found: all that was compared under these.
      fault: the difference.
    """

    def __init__(self, bench: Bench, edits: Edits, found: list[Difference], fault: Difference):
        self.bench, self.edits, self.place = bench, edits, place_of(fault)
        self.few = bench.residuals(edits, [self.place])[0].size < FEW
        gradients = _gradients(found, bench) if self.few else []
        self.limits = bench.limits(edits, [self.place, *gradients])
        self.runs = 0
        self.before = _size(self.residual(()))

    def residual(self, trials: Sequence[Trial], values: Sequence[float | None] = ()) -> np.ndarray:
        """What is left, in units of what rounding explains; infinite where it cannot be run."""
        self.runs += 1
        edits = combined(self.edits, Fit((*trials,), (*values,)).edits())
        try:
            with warnings.catch_warnings(action="ignore"):
                left = self.bench.residuals(edits, [*self.limits])
        except Exception:  # a change may be anything but applicable
            return np.full(1, np.inf)
        pairs = zip(left, self.limits.values(), strict=True)
        return np.concatenate([r / (limit * np.sqrt(max(r.size, 1))) for r, limit in pairs])

    def nearest(self, trials: tuple[Trial, ...], known: Sequence[float | None] = ()) -> Near:
        """The constants that leave least of the difference, from likely ones or from known ones."""
        likely = [trial.hypothesis.starts for trial in trials]
        open_ones = [i for i, starts in enumerate(likely) if starts]
        best = Near(trials, tuple(known) or (None,) * len(trials), np.inf)
        if not open_ones:
            return best._replace(left=_size(self.residual(trials, best.values)))
        if known:
            usual = [likely[i][0] for i in open_ones]
            tried = [usual, [known[i] or likely[i][0] for i in open_ones]]
        else:
            tried = [[start] for start in likely[open_ones[0]]]
        for values in tried:
            one = self._solved(trials, open_ones, values)
            if one.left < best.left:
                best = one
            if best.left <= 1 or not (best.left < STILL_FAR * self.before or known):
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
        values = solve(residual, starts, domains, enough=1.0)
        for i in range(len(values)):
            values[i] = self._shortest(residual, values, i)
        return Near(trials, put(values), _size(residual(values)))

    def _shortest(self, residual, values, i) -> float:
        with_one = lambda value: [*values[:i], value, *values[i + 1 :]]
        fits = lambda value: _size(residual(with_one(value))) <= 1
        short = shortest(values[i], fits) if fits(values[i]) else None
        return values[i] if short is None else short


def _confirmed(near: Near, target: Target, found: list[Difference]) -> Fit | None:
    """A fit if all that is compared, in both precisions, says so: mended there, and no worse."""
    if not near.left <= 1:
        return None
    fit = Fit(near.trials, near.values)
    after = target.bench.differences(combined(target.edits, fit.edits()))
    judged = {place_of(d) for d in found if target.bench.decides(d)}
    apart = {place_of(d) for d in after if d.verdict == "semantic"} & judged
    before = {place_of(d) for d in found if d.verdict == "semantic"} & judged
    if target.place in apart or not apart <= before:
        return None
    return fit._replace(mended=len(before - apart))


def _size(residual: np.ndarray) -> float:
    """The norm; infinite where it is not a number."""
    with np.errstate(all="ignore"):
        size = float(np.linalg.norm(residual))
    return size if np.isfinite(size) else np.inf
