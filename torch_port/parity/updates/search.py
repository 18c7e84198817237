"""The search for the changes of a recipe that reproduce updates: one, two, then three at a time."""

from collections.abc import Sequence

from torch_port.parity.updates.fitting import Fit, Target, Trial, nearest
from torch_port.parity.updates.recipes import Recipe

PAIRED_WITH_ALL, TRIPLED_WITH_ALL = 12, 4
"""Of the changes, and of the pairs of them, that leave least of the difference, so many are tried
together with every other change: the defaults of two optimisers often differ in three settings."""


EXCHANGED = 4
"""Of so many pairs each change is exchanged for the others that touch the same settings."""

FREER = ("tensor", "step")
"""Changes of the learning rate that leave many numbers open."""


class Search:
    """Fits of changes of a recipe; none is looked for twice.

    Args:
      recipe: to be changed.
      trials: the changes.
      target: the updates that should be reproduced.
    """

    def __init__(self, recipe: Recipe, trials: Sequence[Trial], target: Target):
        self.recipe, self.target = recipe, target
        self.trials = [trial for trial in trials if trial.change.rate not in FREER]
        self.freer = [trial for trial in trials if trial.change.rate in FREER]
        self.known: dict[tuple[Trial, ...], Fit] = {}

    def explanations(self) -> list[Fit]:
        """All ways to reproduce the updates that assume least, best first.

        Once two changes together fit, only such are tried that share one with them.
        """
        alone = [(trial,) for trial in self.trials]
        fitting = [fit for trials in alone if (fit := self.nearest(trials)).left <= 1]
        if fitting:
            return _simplest(fitting)
        of_tensors, of_steps = ([(t,) for t in self.freer if t.change.rate == k] for k in FREER)
        pairs = self._extended(alone, PAIRED_WITH_ALL)
        fitting = self._related([*of_tensors, *pairs])
        fitting += [fit for t in self._exchanged() if (fit := self.nearest(t)).left <= 1]
        if fitting := fitting or self._related(of_steps):
            return _simplest(fitting)
        with_freer = [(one, trial) for (one,) in self._ordered(alone) for trial in self.freer]
        triples = self._extended(pairs, TRIPLED_WITH_ALL)
        return _simplest(self._related([*with_freer, *triples]))

    def nearest(self, trials: tuple[Trial, ...]) -> Fit:
        """The changes with their best constants."""
        if trials not in self.known:
            self.known[trials] = nearest(self.recipe, trials, self.target)
        return self.known[trials]

    def _related(self, combined: Sequence[tuple[Trial, ...]]) -> list[Fit]:
        """Those that fit; after the first, of those that share a change with it."""
        fitting: list[Fit] = []
        for trials in combined:
            related = not fitting or {*trials} & {*fitting[0].trials}
            if related and (fit := self.nearest(trials)).left <= 1:
                fitting.append(fit)
        return fitting

    def _extended(
        self, combined: Sequence[tuple[Trial, ...]], most: int
    ) -> list[tuple[Trial, ...]]:
        """The nearest of them, each with every other change."""
        longer = [
            self._in_order((*trials, one))
            for trials in self._varied(combined)[:most]
            for (one,) in self._ordered([(trial,) for trial in self.trials])
            if all(one.change.touches != trial.change.touches for trial in trials)
        ]
        return [*dict.fromkeys(longer)]

    def _exchanged(self) -> list[tuple[Trial, ...]]:
        """The nearest of the pairs tried, with either change exchanged for another of its kind."""
        pairs = self._ordered([trials for trials in self.known if len(trials) == 2])
        found = []
        for pair in pairs[:EXCHANGED]:
            for kept, given_up in (pair, pair[::-1]):
                alike = [t for t in self.trials if t.change.touches == given_up.change.touches]
                found += [self._in_order((kept, t)) for t in alike if t is not given_up]
        return found

    def _varied(self, combined: Sequence[tuple[Trial, ...]]) -> list[tuple[Trial, ...]]:
        """The nearest of those that touch the same settings, in order."""
        nearest: dict[frozenset[str], tuple[Trial, ...]] = {}
        for trials in self._ordered(combined):
            nearest.setdefault(frozenset(t.change.touches for t in trials), trials)
        return [*nearest.values()]

    def _in_order(self, trials: tuple[Trial, ...]) -> tuple[Trial, ...]:
        """As the catalogue has them, so that what is the same is tried once."""
        return tuple(sorted(trials, key=self.trials.index))

    def _ordered(self, combined: Sequence[tuple[Trial, ...]]) -> list[tuple[Trial, ...]]:
        """What leaves least of the difference first."""
        return sorted(combined, key=lambda trials: self.nearest(trials).distance)


def _simplest(fitting: list[Fit]) -> list[Fit]:
    """Those with fewer constants first; of the same ids only the first."""
    constants = lambda fit: sum(value is not None for value in fit.values)
    ordered = sorted(fitting, key=constants)
    return [*{frozenset(fit.ids): fit for fit in reversed(ordered)}.values()][::-1]
