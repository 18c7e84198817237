"""The members of a sweep, and which of them share a compiled program.

Of a member's hyperparameters the floats are traced, so that members that differ in nothing else
share one program; whatever else differs may change shapes or code, and makes a group of its own.
So does a float that is 0, since 0 often means "without": a network without dropout has no layer
for it.
"""

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from jaxnn import checks
from jaxnn.typing import GradientTransformation, Key, Layer

Grid: TypeAlias = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]
Make: TypeAlias = Callable[..., tuple[Layer, GradientTransformation]]

RESERVED = ("seed", "batch_size", "epochs")
"""Names of a grid that say how a member is trained, not what `make` makes."""

COLUMNS = ("status", "seconds", "loss", "accuracy", "validation_loss", "validation_accuracy")
"""Columns of a result, which no hyperparameter may be called."""


class Member(NamedTuple):
    """One training of a sweep.

    Attributes:
      number: its place in the grid, from 0.
      row: its hyperparameters as the grid has them, reserved ones too.
      floats: those of them that are traced.
      others: what `make` is given besides, sorted by name.
      batch_size: examples a step.
      epochs: passes over the data.
    """

    number: int
    row: dict[str, Any]
    floats: dict[str, float]
    others: tuple[tuple[str, Any], ...]
    batch_size: int
    epochs: int

    @property
    def group(self) -> Any:
        """Equal for members that share a program."""
        return (tuple(sorted(self.floats)), self.others, self.batch_size, self.epochs)

    def key(self, key: Key) -> Key:
        """The key that a lone `fit` would be given: the sweep's, with the seed folded in."""
        return jax.random.fold_in(key, self.row["seed"]) if "seed" in self.row else key


def read_grid(grid: Grid, make: Make, *, batch_size: int, epochs: int) -> list[Member]:
    """The members of a grid, in its order; of a product the last name varies fastest.

    Args:
      grid: a list of dicts with the same names, or a dict of lists, which means their product.
      make: `(**hyperparameters) -> (model, optimizer)`; it is given `batch_size` and `epochs` too
        if it names them among its parameters.
      batch_size: of the members whose row does not say.
      epochs: of the members whose row does not say.

    Returns:
      The members.

    Raises:
      ValueError: on an empty grid, rows of different names, values that cannot be told apart.
    """
    rows = [*map(dict, grid)] if not isinstance(grid, Mapping) else _product(grid)
    if not rows or not rows[0]:
        raise ValueError(f"sweep.fit: grid must hold at least one hyperparameter, got {grid!r}")
    for number, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            raise ValueError(
                f"sweep.fit: all rows of grid must have the names {sorted(rows[0])}, "
                f"got {sorted(row)} in row {number}"
            )
    if taken := [name for name in COLUMNS if name in rows[0]]:
        raise ValueError(f"sweep.fit: {taken[0]!r} is a column of the result, not a hyperparameter")
    parameters = inspect.signature(make).parameters
    wanted = [name for name in ("batch_size", "epochs") if name in parameters]
    return [_member(*pair, wanted, batch_size, epochs) for pair in enumerate(rows)]


def _product(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    for name, values in grid.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise ValueError(f"sweep.fit: grid[{name!r}] must be a list of values, got {values!r}")
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _member(number, row, wanted, batch_size, epochs) -> Member:
    training = {"batch_size": batch_size, "epochs": epochs, **row}
    for name in ("batch_size", "epochs"):
        checks.require_positive_integer(training[name], f"sweep.fit: {name}")
    if "seed" in row and (isinstance(row["seed"], bool) or not hasattr(row["seed"], "__index__")):
        raise ValueError(f"sweep.fit: seed must be a whole number, got {row['seed']!r}")
    given = {name: value for name, value in row.items() if name not in RESERVED}
    given |= {name: training[name] for name in wanted}
    floats = {name: float(value) for name, value in given.items() if _is_traced(value)}
    others = {name: value for name, value in given.items() if name not in floats}
    for name, value in others.items():
        if getattr(type(value), "__hash__", None) is None:
            raise ValueError(
                f"sweep.fit: the values of {name!r} must be hashable, such as a tuple in the place "
                f"of a list, got {value!r}"
            )
    return Member(
        number, row, floats, tuple(sorted(others.items())), training["batch_size"],
        training["epochs"],
    )  # fmt: skip


def _is_traced(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) and value != 0
