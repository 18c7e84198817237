"""What a sweep found: a heat map over two hyperparameters, curves over seeds.

The figures take the rows of a `SweepResult`. Dark is good, the best is framed, and a member that
did not finish does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnn.plots.style import INK, SERIES, WIDTH, WRONG, new_figure, quiet_ticks, style
from jaxnn.plots.table import (
    Rows,
    as_float,
    best_place,
    check_rows,
    finished,
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


def heat_map(rows: Rows, x: str, y: str, *, metric: str | None = None) -> Figure:
    """Draws a figure of merit over two hyperparameters, its mean over all others and seeds.

    Args:
      rows: of a `SweepResult`.
      x: the hyperparameter of the columns.
      y: the hyperparameter of the rows.
      metric: the figure; None: `validation_loss`, or `loss` where there is none.

    Returns:
      A figure with a cell for each pair of values; the best is framed.

    Raises:
      ValueError: no rows, or a name that they do not have.

    Example:
      >>> rows = [{"rate": 0.1, "size": size, "loss": 1 / size} for size in (8, 16)]
      >>> heat_map(rows, "rate", "size").get_label()
      'Mean loss by rate and size, from 0.0625 to 0.125: the best at rate 0.1, size 16.'
    """
    metric = check_rows("heat_map", rows, [x, y], metric)
    columns, lines = values_of(rows, x), values_of(rows, y)
    cells = np.array([[_mean(rows, metric, {x: a, y: b}) for a in columns] for b in lines])
    with style():
        width, height = max(WIDTH, 1.6 + 0.75 * len(columns)), 1.1 + 0.42 * len(lines)
        figure = new_figure(width, height, _found(metric, {x: columns, y: lines}, cells))
        axes = figure.add_subplot()
        norm, shades = shading(metric, cells)
        axes.imshow(cells, norm=norm, cmap=shades, aspect="auto", origin="lower")
        for (i, j), value in np.ndenumerate(cells):
            dark = np.isfinite(value) and abs(norm(value) - metric.endswith("accuracy")) < 0.45
            text = number(metric, value) if np.isfinite(value) else "–"
            color = "white" if dark else INK
            axes.text(j, i, text, color=color, ha="center", va="center", fontsize=9)
        if np.isfinite(cells).any():
            _frame(axes, *divmod(best_place(metric, cells), len(columns)))
        axes.set_xticks(range(len(columns)), [label(value) for value in columns])
        axes.set_yticks(range(len(lines)), [label(value) for value in lines])
        axes.set(xlabel=words(x), ylabel=words(y), title=f"mean {words(metric)}")
        axes.spines[:].set_visible(False)
        quiet_ticks(axes)
    return figure


def seed_curves(
    rows: Rows, curves: Sequence[Rows], by: str, *, metric: str | None = None
) -> Figure:
    """Draws a curve for each value of a hyperparameter: mean and standard deviation by epoch.

    Args:
      rows: of a `SweepResult`.
      curves: of the same, the history of each member.
      by: the hyperparameter, of six values at most; all others and the seeds are averaged over.
      metric: the figure; None: `validation_loss`, or `loss` where there is none.

    Returns:
      A figure with a line for each value, in a band of one standard deviation to either side.

    Raises:
      ValueError: no rows, a name that they do not have, or more than six values.

    Example:
      >>> rows = [{"rate": 0.1, "seed": seed, "loss": 0.5} for seed in (0, 1)]
      >>> curves = [[{"epoch": 1, "loss": 0.9}, {"epoch": 2, "loss": loss}] for loss in (0.4, 0.6)]
      >>> seed_curves(rows, curves, "rate").get_label()
      'Loss by epoch, mean and standard deviation: rate 0.1 ends at 0.5 ± 0.141.'
    """
    metric = check_rows("seed_curves", rows, [by], metric)
    values = values_of(rows, by)
    if len(values) > len(SERIES):
        raise ValueError(
            f"seed_curves: expected at most {len(SERIES)} values of {by}, got {len(values)}"
        )
    from matplotlib.ticker import MaxNLocator

    ends, lows = [], []
    with style():
        figure = new_figure(WIDTH, 3.2, "")
        axes = figure.add_subplot()
        for value, series in zip(values, SERIES, strict=False):
            members = [
                [as_float(epoch[metric]) for epoch in curve]
                for row, curve in zip(rows, curves, strict=True)
                if row[by] == value and finished(row)
            ]
            epochs, mean, spread = _mean_and_spread(members)
            name = f"{words(by)} {label(value)}"
            axes.plot(
                epochs, mean, color=series.color, linestyle=series.linestyle,
                marker=series.marker if len(epochs) <= 25 else "None", label=name,
            )  # fmt: skip
            band = {"color": series.color, "alpha": 0.15, "linewidth": 0}
            axes.fill_between(epochs, mean - spread, mean + spread, **band)
            lows.append(min(mean, default=0))
            ends.append(f"{by} {value_in_words(value)} {_end(metric, mean, spread)}")
        title = words(metric).capitalize()
        figure.set_label(f"{title} by epoch, mean and standard deviation: {', '.join(ends)}.")
        axes.set(xlabel="epoch", ylabel=words(metric))
        if metric.endswith("loss") and all(lowest >= 0 for lowest in lows):
            axes.set_ylim(bottom=0)  # a band may reach below what the figure can be
        if metric.endswith("accuracy"):
            axes.set_ylim(top=min(axes.get_ylim()[1], 1.005))
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        quiet_ticks(axes, grid="y")
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def _mean(rows: Rows, metric: str, values: Mapping[str, Any]) -> float:
    """Over the members of these values; NaN where none finished."""
    chosen = [row for row in rows if all(row[name] == value for name, value in values.items())]
    scores = np.array([score(row, metric) for row in chosen])
    scores = scores[np.isfinite(scores)]
    return scores.mean() if len(scores) else float("nan")


def _mean_and_spread(members: Sequence[Sequence[float]]) -> tuple[np.ndarray, ...]:
    """Epochs, mean and standard deviation; of members of unlike length, over what all have."""
    length = min(map(len, members), default=0)
    table = np.array([member[:length] for member in members]).reshape(len(members), length)
    epochs = np.arange(1, length + 1)
    if len(members) < 2:
        return epochs, table.sum(0), np.zeros(length)
    return epochs, table.mean(0), table.std(0, ddof=1)


def _found(metric: str, values: Mapping[str, Sequence[Any]], cells: np.ndarray) -> str:
    """The heat map in words."""
    (x, columns), (y, lines) = values.items()
    start = f"Mean {words(metric)} by {x} and {y}"
    if not np.isfinite(cells).any():
        return f"{start}: no member finished."
    low, high = (number(metric, bound) for bound in (np.nanmin(cells), np.nanmax(cells)))
    line, column = divmod(best_place(metric, cells), len(columns))
    where = f"{x} {value_in_words(columns[column])}, {y} {value_in_words(lines[line])}"
    return f"{start}, from {low} to {high}: the best at {where}."


def _frame(axes: Axes, line: int, column: int) -> None:
    from matplotlib.patches import Rectangle

    corner = (column - 0.48, line - 0.46)
    axes.add_patch(Rectangle(corner, 0.96, 0.92, fill=False, edgecolor=WRONG, linewidth=2.5))


def _end(metric: str, mean: np.ndarray, spread: np.ndarray) -> str:
    if not len(mean):
        return "did not finish"
    return f"ends at {number(metric, mean[-1])} ± {number(metric, spread[-1])}"
