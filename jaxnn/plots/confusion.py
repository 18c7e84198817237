"""Which class is taken for which: the confusion matrix, and a row of figures for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnn.plots.inputs import check_class_names
from jaxnn.plots.style import (
    INK,
    PALE_RIGHT,
    QUIET,
    RULE,
    WIDTH,
    WRONG,
    new_figure,
    quiet_ticks,
    shorten,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAME = 14  # characters of a class name at an axis


def confusion_matrix(matrix: Any, class_names: Sequence[str] | None = None) -> Figure:
    """Draws how often each class was taken for each class, the errors standing out.

    The colour of an error is its count over the largest count of errors, so that the many right
    ones do not drown it; an empty cell off the diagonal is a count of 0. To the right stands the
    recall of each class.

    Args:
      matrix: counts (classes, classes); row = true class, column = predicted class.
      class_names: names of the classes; without them their numbers.

    Returns:
      A figure with the counts written in the cells.

    Raises:
      ValueError: a matrix that is not square, counts that are negative or not whole, too few names.

    Example:
      >>> figure = confusion_matrix([[9, 1], [0, 10]])
      >>> figure.get_label()
      'Confusion matrix of 2 classes: 19 of 20 right; most often 0 is taken for 1, 1 time.'
    """
    counts = _check_matrix("confusion_matrix", matrix)
    names = check_class_names("confusion_matrix", class_names, len(counts))
    errors = counts - np.diag(counts.diagonal())
    with style():
        size = max(WIDTH, 1.6 + 0.36 * len(counts))
        height = min(0.92 * size, 1.2 + 0.5 * len(counts))
        figure = new_figure(size, height, _describe(counts, errors, names))
        axes = figure.add_subplot()
        _draw_cells(axes, counts, errors)
        _name_classes(axes, [shorten(name, _NAME) for name in names])
        _write_recall(axes, counts)
    return figure


def class_table(matrix: Any, class_names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Says of each class how often it occurs, is found, is rightly named, and is mistaken.

    recall = right / examples of the class; precision = right / predictions of the class; of a class
    that never occurs, or is never predicted, they are NaN.

    Args:
      matrix: counts (classes, classes); row = true class, column = predicted class.
      class_names: names of the classes; without them their numbers.

    Returns:
      A dict a class, for `write_report`: class, examples, recall, precision, most often taken for.

    Raises:
      ValueError: a matrix that is not square, counts that are negative or not whole, too few names.

    Example:
      >>> class_table([[9, 1], [0, 10]], ["cat", "dog"])[0]
      {'class': 'cat', 'examples': 10, 'recall': 0.9, 'precision': 1.0,
       'most often taken for': 'dog (1)'}
    """
    counts = _check_matrix("class_table", matrix)
    names = check_class_names("class_table", class_names, len(counts))
    right, examples, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    errors = counts - np.diag(right)
    mistaken = errors.argmax(axis=1)
    return [
        {
            "class": name,
            "examples": int(examples[i]),
            "recall": _ratio(right[i], examples[i]),
            "precision": _ratio(right[i], predicted[i]),
            "most often taken for": (
                f"{names[mistaken[i]]} ({errors[i].max()})" if errors[i].any() else "none"
            ),
        }
        for i, name in enumerate(names)
    ]


def _check_matrix(where: str, matrix: Any) -> np.ndarray:
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"{where}: expected a square matrix of counts, got shape {counts.shape}")
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts == counts.round()).all()):
        raise ValueError(f"{where}: expected whole counts of at least 0, got {counts.tolist()}")
    return counts.astype(np.int64)


def _ratio(part: int, whole: int) -> float:
    return float(part / whole) if whole else float("nan")


def _describe(counts: np.ndarray, errors: np.ndarray, names: Sequence[str]) -> str:
    right = f"{counts.trace()} of {counts.sum()} right"
    if not errors.any():
        return f"Confusion matrix of {len(counts)} classes: {right}."
    true, predicted = divmod(int(errors.argmax()), len(errors))
    times = "1 time" if errors.max() == 1 else f"{errors.max()} times"
    return (
        f"Confusion matrix of {len(counts)} classes: {right};"
        f" most often {names[true]} is taken for {names[predicted]}, {times}."
    )


def _draw_cells(axes: Axes, counts: np.ndarray, errors: np.ndarray) -> None:
    """The errors in colour, and the count in each cell that is not an error of 0."""
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    shades = LinearSegmentedColormap.from_list("errors", ["#fdeee6", WRONG, "#8c2f04"])
    largest = max(errors.max(), 1)
    diagonal = np.eye(len(counts), dtype=bool)
    for values, hidden, shade in (
        (errors, errors == 0, shades),
        (counts, ~diagonal, ListedColormap([PALE_RIGHT])),
    ):
        shown = np.ma.array(values, mask=hidden)
        axes.imshow(shown, cmap=shade, vmin=0, vmax=largest, interpolation="none", aspect="auto")
    for row, column in np.argwhere((counts > 0) | diagonal):
        axes.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            size=8 if counts.max() < 10_000 else 6,
            color="white" if errors[row, column] > 0.7 * largest else INK,
            weight="bold" if row == column else "normal",
        )


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    """The classes at both axes, slanting below where they are long, and lines between cells."""
    places = np.arange(len(names))
    axes.set_xticks(places, names)
    axes.set_yticks(places, names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    quiet_ticks(axes)
    if max(map(len, names)) > max(3, 43 / len(names)):
        axes.tick_params(axis="x", labelrotation=45)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.set_xticks(places[1:] - 0.5, minor=True)
    axes.set_yticks(places[1:] - 0.5, minor=True)
    axes.grid(which="minor", color=RULE, linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set(visible=True, color=RULE)


def _write_recall(axes: Axes, counts: np.ndarray) -> None:
    """Beside each row the share of its class that was found."""
    beside = axes.get_yaxis_transform()
    for row, (right, whole) in enumerate(zip(counts.diagonal(), counts.sum(axis=1), strict=True)):
        recall = f"{100 * right / whole:.1f} %" if whole else "no example"
        axes.text(1.02, row, recall, transform=beside, va="center", size=8, color=QUIET)
    axes.text(1.02, 1.02, "recall", transform=axes.transAxes, size=8, color=QUIET)
