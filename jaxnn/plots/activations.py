"""Activations and their derivatives (lecture part 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnn.plots.inputs import check_vector
from jaxnn.plots.style import QUIET, SERIES, WIDTH, new_figure, quiet_ticks, shorten, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 3


def activation_curves(x: Any, values: Mapping[str, Any], derivatives: Mapping[str, Any]) -> Figure:
    """Draws each activation f(x) and its derivative f′(x) in a panel of its own, axes shared.

    Args:
      x: the points (n,).
      values: f(x) (n,) of each activation, by its name; a value that is not finite leaves a gap.
      derivatives: f′(x) (n,) of the same activations.

    Returns:
      A figure with a panel an activation, three to a row.

    Raises:
      ValueError: no activations, other names in `derivatives` than in `values`, unequal lengths.

    Example:
      >>> x = np.linspace(-3, 3, 61)
      >>> figure = activation_curves(x, {"tanh": np.tanh(x)}, {"tanh": 1 - np.tanh(x) ** 2})
      >>> figure.get_label()
      'Activations and their derivatives for x from -3 to 3: tanh.'
    """
    where = "activation_curves"
    x = check_vector(where, "x", x)
    if not values or values.keys() != derivatives.keys():
        raise ValueError(
            f"{where}: expected values and derivatives of the same activations, at least one,"
            f" got {list(values)} and {list(derivatives)}"
        )
    curves = {
        name: (
            check_vector(where, f"values of {name}", values[name], len(x)),
            check_vector(where, f"derivatives of {name}", derivatives[name], len(x)),
        )
        for name in values
    }
    with style():
        description = (
            f"Activations and their derivatives for x from {x.min():g} to {x.max():g}:"
            f" {', '.join(curves)}."
        )
        columns = min(_COLUMNS, len(curves))
        rows = -(-len(curves) // columns)
        figure = new_figure(WIDTH, 1.0 + 1.6 * rows, description)
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, (name, (value, derivative)) in zip(panels, curves.items(), strict=False):
            _draw(axes, shorten(name, 20), x, value, derivative)
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
        for axes in panels[max(len(curves) - columns, 0) : len(curves)]:
            axes.set_xlabel("x")
            axes.tick_params(labelbottom=True)
        for axes in panels[::columns]:
            axes.set_ylabel("f(x), f′(x)")
        handles, _ = panels[0].get_legend_handles_labels()
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def _draw(axes: Axes, name: str, x: np.ndarray, value: np.ndarray, derivative: np.ndarray) -> None:
    axes.axhline(0, color=QUIET, linewidth=0.6)
    axes.axvline(0, color=QUIET, linewidth=0.6)
    for y, series, label in zip((value, derivative), SERIES, ("f(x)", "f′(x)"), strict=False):
        axes.plot(x, y, color=series.color, linestyle=series.linestyle, label=label)
    axes.set_title(name, size=9)
    quiet_ticks(axes)
