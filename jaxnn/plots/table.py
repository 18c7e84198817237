"""What the figures of a sweep share: its rows, its metrics, their shades and their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnn.plots.style import PALE_RIGHT, RIGHT, shorten

if TYPE_CHECKING:
    from matplotlib.colors import Colormap, Normalize

Rows = Sequence[Mapping[str, Any]]

_LETTERS = 14


def value_in_words(value: Any) -> str:
    """A hyperparameter or a figure of a table, in few characters.

    Args:
      value: a number, a tuple, a function, or anything that can be printed.

    Returns:
      A text; items of a tuple are joined by "x".

    Example:
      >>> [value_in_words(value) for value in (0.00123456, (256, 128), max, 3, None)]
      ['0.001235', '256x128', 'max', '3', 'None']
    """
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (tuple, list)):
        return "x".join(map(value_in_words, value))
    return getattr(value, "__name__", None) or str(value)


def check_rows(where: str, rows: Rows, names: Iterable[str], metric: str | None) -> str:
    """The metric, once all names are known to stand in all rows."""
    if not rows:
        raise ValueError(f"{where}: expected at least one row, got none")
    metric = metric or ("validation_loss" if "validation_loss" in rows[0] else "loss")
    for name in (*names, metric):
        for row in rows:
            if name not in row:
                raise ValueError(f"{where}: expected a column of {[*row]}, got {name!r}")
    return metric


def values_of(rows: Rows, name: str) -> list[Any]:
    """The different values of a column: numbers rise, others stand as they come."""
    values = []
    for row in rows:
        if row[name] not in values:
            values.append(row[name])
    return sorted(values) if all(isinstance(value, (int, float)) for value in values) else values


def finished(row: Mapping[str, Any]) -> bool:
    """Whether a member came to its end; rows without a status did."""
    return row.get("status", "finished") == "finished"


def as_float(value: float | None) -> float:
    """None is how JSON without NaN writes what is not finite."""
    return float("nan") if value is None else float(value)


def score(row: Mapping[str, Any], metric: str) -> float:
    """The metric of a member, NaN where it did not finish."""
    return as_float(row[metric]) if finished(row) else float("nan")


def best_place(metric: str, scores: np.ndarray) -> int:
    """Where the best score is: of losses the smallest, of accuracies the highest."""
    return int((np.nanargmax if metric.endswith("accuracy") else np.nanargmin)(scores))


def shading(metric: str, scores: np.ndarray) -> tuple[Normalize, Colormap]:
    """From pale to dark, dark being good; of losses that differ much, by their logarithm."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize

    finite = scores[np.isfinite(scores)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    norm = (LogNorm if 0 < 5 * low < high else Normalize)(low, high if high > low else low + 1)
    colors = ["#f2f5f9", PALE_RIGHT, "#5f83a8", RIGHT]
    shades = LinearSegmentedColormap.from_list(
        "scores", colors if metric.endswith("accuracy") else colors[::-1]
    )
    return norm, shades


def number(metric: str, value: float) -> str:
    """A figure in words, an accuracy in percent."""
    return f"{100 * value:.4g} %" if metric.endswith("accuracy") else f"{value:.3g}"


def label(value: Any) -> str:
    """A value as it stands beside an axis."""
    return shorten(value_in_words(value), _LETTERS)


def words(name: str) -> str:
    """The name of a column in words."""
    return name.replace("_", " ")
