"""Some elements of each parameter in one row of numbers, for recipes to be tried on."""

from collections.abc import Sequence

import numpy as np

from torch_port.parity.ladder import (
    CLEARLY_ROUNDING,
    CLEARLY_SEMANTIC,
    OWN_MOVES,
    OWN_MOVES_IN_FLOAT32,
    UNITS,
)
from torch_port.parity.updates.fitting import Target
from torch_port.parity.updates.recipes import Stream
from torch_port.parity.updates.runs import Fed, Leaves

MOST_ELEMENTS = 64
"""Of a parameter, as many at most are looked at."""


class Sample:
    """What both optimisers were fed, and the elements at which it is looked at.

    Args:
      fed: parameters and gradients.
    """

    def __init__(self, fed: Fed):
        self.places = [_spaced(p.size) for p in fed.params[0]]
        self.kernels = tuple(p.ndim > 1 for p in fed.params[0])
        self.params = self._rows(fed.params)
        sizes = np.array([len(places) for places in self.places])
        whole = np.array([p.size for p in fed.params[0]])
        gradients = self._rows(fed.gradients)
        squares = lambda rows: np.array([[np.vdot(g, g) for g in leaves] for leaves in rows])
        in_all = squares([[np.float64(g) for g in leaves] for leaves in fed.gradients])
        here = squares([np.split(row, np.cumsum(sizes)[:-1]) for row in gradients])
        left_out = np.where(sizes == whole, 0.0, np.maximum(in_all - here, 0))
        self.stream = Stream(self.params, gradients, sizes, left_out, whole)

    def target(self, runs: Sequence[list[Leaves]], precision: str, params: bool = False) -> Target:
        """The updates of a side, and how precise they are: of PyTorch, as precise as parameters."""
        in_float32, in_float64, moved = map(self._rows, runs)
        size = self._sizes(self.params if params else in_float64)
        own = self._sizes(moved - (in_float64 if precision == "float64" else in_float32))
        if precision == "float32":
            limits = OWN_MOVES_IN_FLOAT32 * np.maximum(own, 2.0**-24 * size)
        else:
            noise = 2 * UNITS * np.maximum(self._sizes(in_float32 - in_float64), 2.0**-24 * size)
            limits = np.minimum(CLEARLY_SEMANTIC * noise, OWN_MOVES * own)
            limits = np.maximum(CLEARLY_ROUNDING * noise, limits)
        return Target(self.stream, in_float64, limits)

    def _rows(self, steps: Sequence[Leaves]) -> np.ndarray:
        row = lambda leaves: np.concatenate(
            [
                np.float64(leaf).ravel()[places]
                for leaf, places in zip(leaves, self.places, strict=True)
            ]
        )
        return np.stack([row(leaves) for leaves in steps])

    def _sizes(self, rows: np.ndarray) -> np.ndarray:
        sizes = self.stream.sizes
        return np.sqrt(np.add.reduceat(np.square(rows), np.cumsum(sizes) - sizes, axis=1) / sizes)


def _spaced(size: int) -> np.ndarray:
    return np.unique(np.linspace(0, size - 1, min(size, MOST_ELEMENTS)).astype(int))
