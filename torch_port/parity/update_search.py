"""The search for the changes of a recipe that reproduce updates: one, two, then three at a time."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from torch_port.parity.recipes import Recipe, updates
from torch_port.parity.update_fitting import Fit, Target, Trial, nearest

MOST_PAIRED, MOST_TRIPLED = 22, 7
"""Of the changes that leave least, how many are tried two, or three, at a time: the defaults of two
optimisers often differ in three settings."""


class Search:
    """Fits of changes of a recipe; none is looked for twice.

    Args:
      recipe: to be changed.
      trials: the changes.
      target: the updates that should be reproduced.
    """

    def __init__(self, recipe: Recipe, trials: Sequence[Trial], target: Target):
        self.recipe, self.target = recipe, target
        self.single = [trial for trial in trials if not trial.change.rate]
        self.rates = [trial for trial in trials if trial.change.rate]
        self.known: dict[tuple[Trial, ...], Fit] = {}

    def explanations(self) -> list[Fit]:
        """All ways to reproduce the updates that assume least, best first.

        Once two changes together fit, only such are tried that share one with them.
        """
        alone = [(trial,) for trial in (*self.single, *self.rates) if trial.change.weight <= 1]
        if fitting := [fit for trials in alone if (fit := self.nearest(trials)).left <= 1]:
            return _simplest(fitting)
        by_weight: dict[float, list[tuple[Trial, ...]]] = {}
        for trials in self._combined():
            by_weight.setdefault(_weight(trials), []).append(trials)
        for weight in sorted(by_weight):
            if fitting := self._related(by_weight[weight]):
                return _simplest(fitting)
        return []

    def nearest(self, trials: tuple[Trial, ...]) -> Fit:
        """The changes with their best constants."""
        if trials not in self.known:
            self.known[trials] = nearest(self.recipe, trials, self.target)
        return self.known[trials]

    def _related(self, combined: Sequence[tuple[Trial, ...]]) -> list[Fit]:
        fitting: list[Fit] = []
        for trials in combined:
            related = not fitting or {*trials} & {*fitting[0].trials}
            if related and (fit := self.nearest(trials)).left <= 1:
                fitting.append(fit)
        return fitting

    def _combined(self) -> Iterator[tuple[Trial, ...]]:
        """What is tried together, the nearest first."""
        order, rates = sorted(self.single, key=self._distance), self.rates
        yield from ((rate,) for rate in rates)
        yield from ((one, rate) for one in order for rate in rates)
        yield from combinations(order[:MOST_PAIRED], 2)
        yield from combinations(order[:MOST_TRIPLED], 3)
        scaled = [rate for rate in rates if rate.change.rate == "all"]
        yield from ((*p, r) for p in combinations(order[:MOST_TRIPLED], 2) for r in scaled)

    def _distance(self, trial: Trial) -> float:
        """What a change leaves, alone or with another rate."""
        scaled = [(trial, rate) for rate in self.rates if rate.change.rate == "all"]
        fits = [self.nearest(trials) for trials in ((trial,), *scaled)]
        distance = lambda fit: self.target.distance(updates(fit.recipe, self.target.stream))
        return min(map(distance, fits))


def _weight(trials: Sequence[Trial]) -> float:
    return sum(trial.change.weight for trial in trials)


def _simplest(fitting: list[Fit]) -> list[Fit]:
    """Those with fewer constants first; of the same ids only the first."""
    constants = lambda fit: sum(value is not None for value in fit.values)
    ordered = sorted(fitting, key=constants)
    return [*{frozenset(fit.ids): fit for fit in reversed(ordered)}.values()][::-1]
