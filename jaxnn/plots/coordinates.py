"""The members of a sweep as lines across its hyperparameters: parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxnn.plots.style import QUIET, WIDTH, WRONG, new_figure, shorten, style
from jaxnn.plots.table import (
    Rows,
    best_place,
    check_rows,
    label,
    number,
    score,
    shading,
    value_in_words,
    values_of,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CATEGORIES = 8  # an axis of more values than these is a scale


class _Axis(NamedTuple):
    """Where the values of one column stand between 0 and 1, and what is written beside it."""

    name: str
    places: np.ndarray
    ticks: list[tuple[float, str]]


def parallel_coordinates(rows: Rows, names: Sequence[str], *, metric: str | None = None) -> Figure:
    """Draws each member as a line across one axis for each hyperparameter, to its figure of merit.

    Args:
      rows: of a `SweepResult`.
      names: the hyperparameters, from left to right.
      metric: the figure on the last axis; None: `validation_loss`, or `loss` where there is none.

    Returns:
      A figure with a line a member, darker the better; the best stands out.

    Raises:
      ValueError: no rows, no names, or a name that the rows do not have.

    Example:
      >>> rows = [{"rate": rate, "size": 8, "loss": rate} for rate in (0.1, 0.2)]
      >>> parallel_coordinates(rows, ["rate", "size"]).get_label()
      'The loss of 2 members across rate, size: the best, 0.1, at rate 0.1, size 8.'
    """
    if not names:
        raise ValueError("parallel_coordinates: expected names of at least one column, got none")
    metric = check_rows("parallel_coordinates", rows, names, metric)
    scores = np.array([score(row, metric) for row in rows])
    finished = [row for row, score in zip(rows, scores, strict=True) if np.isfinite(score)]
    scores = scores[np.isfinite(scores)]
    with style():
        width = max(WIDTH, 1.35 * (len(names) + 1))
        figure = new_figure(width, 3.4, _description(finished, names, metric, scores))
        axes = figure.add_subplot()
        columns = [_axis(name, [row[name] for row in finished]) for name in names]
        columns.append(_scale(metric, scores, lambda value: number(metric, value)))
        if len(scores):
            places = np.array([column.places for column in columns])
            _draw_lines(axes, places, metric, scores)
        for place, column in enumerate(columns):
            _draw_axis(axes, place, column)
        axes.set(xlim=(-0.05, len(columns) - 0.5), ylim=(-0.04, 1.16))
        axes.axis("off")
    return figure


def _axis(name: str, column: Sequence[Any]) -> _Axis:
    """Few values or names stand evenly; many numbers stand where they lie on a scale."""
    values = values_of([{name: value} for value in column], name)
    if len(values) > _CATEGORIES and all(isinstance(value, (int, float)) for value in values):
        return _scale(name, np.array(column, dtype=np.float64), lambda value: f"{value:.2g}")
    place = lambda index: index / (len(values) - 1) if len(values) > 1 else 0.5
    ticks = [(place(index), label(value)) for index, value in enumerate(values)]
    return _Axis(name, np.array([place(values.index(value)) for value in column]), ticks)


def _scale(name: str, column: np.ndarray, in_words: Any) -> _Axis:
    """From the smallest number to the largest, by logarithm where they differ much."""
    if not len(column):
        return _Axis(name, column, [])
    low, high = column.min(), column.max()
    forward, back = (np.log, np.exp) if 0 < 5 * low < high else (np.asarray, np.asarray)
    if low == high:
        return _Axis(name, np.full(len(column), 0.5), [(0.5, in_words(float(low)))])
    first, last = forward(low), forward(high)
    ticks = [
        (place, in_words(float(back(first + place * (last - first)))))
        for place in np.linspace(0, 1, 5)
    ]
    return _Axis(name, (forward(column) - first) / (last - first), ticks)


def _draw_lines(axes: Axes, places: np.ndarray, metric: str, scores: np.ndarray) -> None:
    """The worst first, so that the better lie above them."""
    norm, shades = shading(metric, scores)
    best = best_place(metric, scores)
    order = np.argsort(scores if metric.endswith("accuracy") else -scores, kind="stable")
    for member in order:
        accent = {"color": WRONG, "linewidth": 3.0, "zorder": 3}
        quiet = {"color": shades(norm(scores[member])), "linewidth": 1.4}
        axes.plot(places[:, member], **(accent if member == best else quiet))


def _draw_axis(axes: Axes, place: int, axis: _Axis) -> None:
    from matplotlib.patheffects import withStroke

    axes.plot([place, place], [0, 1], color=QUIET, linewidth=0.8, zorder=4)
    axes.text(place, 1.09, shorten(words(axis.name), 16), ha="center", va="bottom")
    for height, text in axis.ticks:
        axes.plot([place, place + 0.03], [height, height], color=QUIET, linewidth=0.8, zorder=4)
        axes.text(
            place + 0.05, height, text, va="center", fontsize=9, zorder=5,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )  # fmt: skip


def _description(rows: Rows, names: Sequence[str], metric: str, scores: np.ndarray) -> str:
    start = f"The {words(metric)} of {len(rows)} members across {', '.join(names)}"
    if not len(scores):
        return f"{start}: no member finished."
    best = best_place(metric, scores)
    where = ", ".join(f"{name} {value_in_words(rows[best][name])}" for name in names)
    return f"{start}: the best, {number(metric, scores[best])}, at {where}."
