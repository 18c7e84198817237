"""Loss and accuracy by epoch, as training goes (lecture part 14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxnn.plots.style import SERIES, WIDTH, new_figure, quiet_ticks, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKED_EPOCHS = 25  # more markers than these run into each other
_LABEL = 0.16  # height of a label beside a line, in heights of the axes


class _Curve(NamedTuple):
    name: str
    epochs: np.ndarray
    values: np.ndarray


def loss_curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draws the loss of training, and of validation and test where the history has them.

    Args:
      history: one row an epoch, `{"epoch": 1, "loss": 0.3, "validation_loss": 0.2, ...}`, epochs
        rising; `test_loss` is drawn too. A row may lack a key; what is not finite leaves a gap.

    Returns:
      A figure with one line a series: the loss, averaged over examples, against the epoch.

    Raises:
      ValueError: an empty history, rows without `epoch` or `loss`, epochs that do not rise.

    Example:
      >>> figure = loss_curves([{"epoch": 1, "loss": 0.3}, {"epoch": 2, "loss": 0.1}])
      >>> figure.get_label()
      'Loss by epoch, 1 to 2: training ends at 0.1.'
    """
    curves = _curves("loss_curves", history, "loss")
    with style():
        figure, axes = _draw(curves, "Loss", _three_digits)
        if not any((curve.values < 0).any() for curve in curves):
            axes.set_ylim(bottom=0)
        axes.set_ylabel("loss (mean per example)")
        _label(axes, curves, _three_digits)
    return figure


def accuracy_curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draws the accuracy of training, and of validation and test where the history has them.

    Args:
      history: one row an epoch, `{"epoch": 1, "accuracy": 0.91, "validation_accuracy": 0.95, ...}`,
        epochs rising; `test_accuracy` is drawn too. Accuracies are fractions of 1.

    Returns:
      A figure with one line a series: the accuracy in percent against the epoch.

    Raises:
      ValueError: an empty history, rows without `epoch` or `accuracy`, epochs that do not rise,
        accuracies outside [0, 1].

    Example:
      >>> figure = accuracy_curves([{"epoch": 1, "accuracy": 0.91, "validation_accuracy": 0.95}])
      >>> figure.get_label()
      'Accuracy by epoch, 1 to 1: training ends at 91 %, validation ends at 95 %.'
    """
    curves = _curves("accuracy_curves", history, "accuracy")
    for curve in curves:
        if (curve.values < 0).any() or (curve.values > 1).any():
            raise ValueError(
                f"accuracy_curves: expected {curve.name} accuracies in [0, 1], got values from"
                f" {np.nanmin(curve.values):g} to {np.nanmax(curve.values):g}"
            )
    with style():
        figure, axes = _draw(curves, "Accuracy", _percent)
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.005))
        axes.yaxis.set_major_formatter(lambda value, _: _percent(value))
        axes.set_ylabel("accuracy")
        _label(axes, curves, _percent)
    return figure


def _curves(where: str, history: Sequence[Mapping[str, Any]], quantity: str) -> list[_Curve]:
    """The series of one quantity that the history has, checked."""
    if not history:
        raise ValueError(f"{where}: expected at least one epoch, got an empty history")
    missing = [index for index, row in enumerate(history) if "epoch" not in row]
    if missing:
        raise ValueError(
            f"{where}: expected an epoch in each row of the history, "
            f"got {sorted(history[missing[0]])} in row {missing[0]}"
        )
    epochs = [row["epoch"] for row in history]
    if any(later <= earlier for earlier, later in pairwise(epochs)):
        raise ValueError(f"{where}: expected epochs that rise from row to row, got {epochs}")
    if not any(quantity in row for row in history):
        raise ValueError(f"{where}: expected {quantity!r} in the rows, got {sorted(history[0])}")
    curves = []
    for name in ("training", "validation", "test"):
        key = quantity if name == "training" else f"{name}_{quantity}"
        rows = [row for row in history if key in row]
        if rows:
            # None is how JSON without NaN writes what is not finite
            values = np.array([row[key] for row in rows], dtype=np.float64)
            curves.append(_Curve(name, np.array([row["epoch"] for row in rows]), values))
    return curves


def _draw(
    curves: Sequence[_Curve], quantity: str, number: Callable[[float], str]
) -> tuple[Figure, Axes]:
    """The lines, on an axis of whole epochs."""
    from matplotlib.ticker import MaxNLocator

    first = min(curve.epochs[0] for curve in curves)
    last = max(curve.epochs[-1] for curve in curves)
    ends = ", ".join(f"{curve.name} ends at {number(curve.values[-1])}" for curve in curves)
    figure = new_figure(WIDTH, 3.2, f"{quantity} by epoch, {first} to {last}: {ends}.")
    axes = figure.add_subplot()
    for curve, series in zip(curves, SERIES, strict=False):
        marker = series.marker if len(curve.epochs) <= _MARKED_EPOCHS else "None"
        axes.plot(
            curve.epochs,
            curve.values,
            color=series.color,
            linestyle=series.linestyle,
            marker=marker,
            label=curve.name,
        )
    margin = np.clip(0.03 * (last - first), 0.2, 0.8)  # never as far as an epoch that was not
    axes.set_xlim(first - margin, last + margin)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    quiet_ticks(axes, grid="y")
    return figure, axes


def _label(axes: Axes, curves: Sequence[_Curve], number: Callable[[float], str]) -> None:
    """Each line's name and last value beside its end, or beside the last place where it was."""
    low, high = axes.get_ylim()
    ends = []
    for curve, series in zip(curves, SERIES, strict=False):
        finite = curve.values[np.isfinite(curve.values)]
        place = (finite[-1] - low) / (high - low) if finite.size else 0.5
        ends.append((place, f"{curve.name}\n{number(curve.values[-1])}", series.color))
    ends.sort()
    for place, (_, text, color) in zip(_spread([end[0] for end in ends]), ends, strict=True):
        axes.text(1.02, place, text, color=color, transform=axes.transAxes, va="center")


def _spread(places: Sequence[float]) -> list[float]:
    """Moves ascending places in [0, 1] apart, so that labels of two lines do not touch."""
    spread = [max(place, _LABEL / 2) for place in places]
    for i in range(1, len(spread)):
        spread[i] = max(spread[i], spread[i - 1] + _LABEL)
    ceiling = 1.0
    for i in reversed(range(len(spread))):
        spread[i] = min(spread[i], ceiling)
        ceiling = spread[i] - _LABEL
    return spread


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "not finite"


def _percent(value: float) -> str:
    return f"{100 * value:.4g} %" if np.isfinite(value) else "not finite"
