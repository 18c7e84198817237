"""Which changes of a recipe reproduce the updates of an optimiser, and with which constants."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import solve
from torch_port.parity.updates.recipe_changes import RecipeChange
from torch_port.parity.updates.recipes import Recipe, Stream, updates

DIGITS = 12
"""With at most so many a constant is written; one that needs more is left as it was found."""


BEGINNING, FEW, NEARLY = 8, 6, 0.2
"""Constants are looked for in so many steps of the optimiser and of Newton's method first; if what
is left is smaller than that, relative to the updates, they are worth a longer look."""

CLOSE = 1e6
"""How many times its limit an error may be for its constants to be worth rounding."""


class Trial(NamedTuple):
    """An entry of the catalogue and one of its changes."""

    entry: Entry
    change: RecipeChange


class Fit(NamedTuple):
    """Changes that together reproduce the updates.

    Attributes:
      trials: the changes with their entries.
      values: their constants; None for one without.
      recipe: what they make of the recipe.
      left: the worst error over its limit; up to 1 they fit.
      distance: how far the updates are, all in all.
    """

    trials: tuple[Trial, ...]
    values: tuple[Any, ...]
    recipe: Recipe
    left: float
    distance: float

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the entries."""
        return tuple(trial.entry.id for trial in self.trials)


class Target:
    """The updates that should be reproduced.

    Args:
      stream: what the optimiser was fed.
      wanted: (steps, elements), its updates.
      limits: (steps, tensors), the error of each up to which they are reproduced.
    """

    def __init__(self, stream: Stream, wanted: np.ndarray, limits: np.ndarray):
        self.stream, self.wanted, self.limits = stream, wanted, limits
        sizes = self._sizes(wanted)
        typical = np.median(sizes[sizes > 0]) if np.any(sizes > 0) else 1.0
        self.scale = np.repeat(np.where(sizes > 0, sizes, typical), stream.sizes, axis=1)

    @cached_property
    def beginning(self) -> "Target":
        """The first steps alone."""
        few = slice(BEGINNING)
        return Target(self.stream.first(BEGINNING), self.wanted[few], self.limits[few])

    def left(self, found: np.ndarray) -> float:
        """The worst error of any step and tensor over its limit; at most 1 if all fit."""
        with np.errstate(all="ignore"):
            errors = self._sizes(found - self.wanted) / self.limits
        errors = np.where(np.isnan(errors), 0.0, errors) if np.isfinite(found).all() else np.inf
        return float(np.max(errors))

    def distance(self, found: np.ndarray) -> float:
        """How far updates are from those wanted, all steps and tensors counting alike."""
        return float(np.mean(np.log1p(np.square(self.residual(found)))))

    def residual(self, found: np.ndarray) -> np.ndarray:
        """The difference of each element, relative to the size of its step and tensor."""
        return np.nan_to_num((found - self.wanted) / self.scale, nan=1e3, posinf=1e3, neginf=-1e3)

    def factors(self, found: np.ndarray, kind: str) -> np.ndarray:
        """By what the rates are to be multiplied, as least squares have it."""
        weighed = np.nan_to_num(found / self.scale), self.wanted / self.scale
        starts = np.cumsum(self.stream.sizes) - self.stream.sizes
        sums = [np.add.reduceat(weighed[0] * x, starts, axis=1) for x in weighed]
        axes = {"all": None, "tensor": (0,), "step": (1,)}[kind]
        own, common = (s.sum(axes) for s in sums)
        return np.maximum(np.divide(common, own, out=np.ones_like(own), where=own > 0), 0.0)

    def _sizes(self, array: np.ndarray) -> np.ndarray:
        starts = np.cumsum(self.stream.sizes) - self.stream.sizes
        return np.sqrt(np.add.reduceat(np.square(array), starts, axis=1) / self.stream.sizes)


def nearest(recipe: Recipe, trials: tuple[Trial, ...], target: Target) -> Fit:
    """The changes with the constants that leave least of the difference.

    Args:
      recipe: to be changed.
      trials: the changes.
      target: the updates that should be reproduced.
    """
    touched = [trial.change.touches for trial in trials]
    if len({*touched}) < len(touched):
        return Fit(trials, (None,) * len(trials), recipe, np.inf, np.inf)
    # settings first, so that a constant finds the place that they have given it
    trials = tuple(sorted(trials, key=lambda trial: bool(trial.change.starts)))
    open_ones = [trial.change for trial in trials if trial.change.starts]
    if not open_ones:
        return _fit(recipe, trials, [], target)
    best = Fit(trials, (None,) * len(trials), recipe, np.inf, np.inf)
    for start in _starts(recipe, trials, open_ones, target.beginning):
        fit = _fit(recipe, trials, _solved(recipe, trials, open_ones, start, target), target)
        if fit.distance < best.distance:
            best = fit
        if best.left <= 1:
            break
    return best


def _solved(recipe, trials, open_ones, start, target) -> list[float]:
    """From the first steps alone, and where these are nearly reproduced, from all."""

    def residual(target):
        return lambda values: target.residual(_changed(recipe, trials, values, target)[1]).ravel()

    domains = [change.domain for change in open_ones]
    values = solve(residual(target.beginning), start, domains, steps=FEW)
    left = np.sqrt(np.mean(np.square(residual(target.beginning)(values))))
    return solve(residual(target), values, domains) if left < NEARLY else values


def _starts(recipe, trials, open_ones, target) -> list[list[float]]:
    """Where to look from: the two best of the likely values of each constant."""
    base, second = [change.starts[0] for change in open_ones], []
    for i, change in enumerate(open_ones):
        tried = [[*base[:i], start, *base[i + 1 :]] for start in change.starts]
        far = lambda v: target.distance(_changed(recipe, trials, v, target)[1])
        tried.sort(key=far)
        base, second = tried[0], tried[1:2]
    return [base, *second]


def _changed(
    recipe: Recipe, trials: Sequence[Trial], values: Sequence[float], target: Target
) -> tuple[Recipe, np.ndarray, list[Any]]:
    """The recipe with all changes, its updates, and all constants."""
    values, given, rate = [*values], [], None
    for trial in trials:
        change = trial.change
        if change.rate:
            rate = change.rate
            given.append(None)
            continue
        constant = [values.pop(0)] if change.starts else []
        recipe = change.change(recipe, *constant)
        given.append(constant[0] if constant else None)
    found = updates(recipe, target.stream)
    if rate:
        factors = target.factors(found, rate)
        recipe = with_rates(recipe, factors, rate)
        found = found * _spread(factors, rate, target)
        given[[bool(trial.change.rate) for trial in trials].index(True)] = recipe.rates
    return recipe, found, given


def with_rates(recipe: Recipe, factors: np.ndarray, kind: str) -> Recipe:
    """The recipe with its rates multiplied."""
    scaled = lambda rate, factor: (
        tuple(np.multiply(rate, factor).tolist()) if isinstance(rate, tuple) or np.ndim(factor)
        else float(rate * factor)
    )  # fmt: skip
    last = len(factors) - 1 if kind == "step" else 0
    of_step = lambda t: factors[min(t, last)] if kind == "step" else factors
    rates = tuple(scaled(rate, of_step(t)) for t, rate in enumerate(recipe.rates))
    return replace(recipe, rates=rates)


def _spread(factors: np.ndarray, kind: str, target: Target) -> Any:
    if kind == "tensor":
        return np.repeat(factors, target.stream.sizes)
    return factors[:, None] if kind == "step" else factors


def _fit(recipe, trials, values, target) -> Fit:
    """With as few digits as do; a constant that is far off is left as it is."""
    whole = _evaluated(recipe, trials, values, target)
    if whole.left > CLOSE:
        return whole
    for digits in range(DIGITS if values else 0):
        short = _evaluated(recipe, trials, [_rounded(v, digits) for v in values], target)
        if short.left <= 1:
            whole = short
            break
    return _short_rates(whole, target)


def _evaluated(recipe, trials, values, target) -> Fit:
    changed, _, given = _changed(recipe, trials, values, target)
    found = updates(changed, target.stream)
    return Fit(trials, tuple(given), changed, target.left(found), target.distance(found))


def _short_rates(fit: Fit, target: Target) -> Fit:
    if not any(trial.change.rate for trial in fit.trials):
        return fit
    for digits in range(DIGITS):
        rates = tuple(_rounded(rate, digits) for rate in fit.recipe.rates)
        recipe = replace(fit.recipe, rates=rates)
        if (left := target.left(updates(recipe, target.stream))) <= 1:
            given = [
                rates if trial.change.rate else value
                for trial, value in zip(fit.trials, fit.values, strict=True)
            ]
            return fit._replace(values=tuple(given), recipe=recipe, left=left)
    return fit


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, tuple):
        return tuple(_rounded(v, digits) for v in value)
    return float(f"{value:.{digits}e}")
