"""The loss over two directions of parameters, and the ways of optimisers on it (lecture part 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnn.plots.inputs import check_vector
from jaxnn.plots.style import QUIET, SERIES, WIDTH, Series, new_figure, quiet_ticks, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEVELS = 14
_SHADES = ("#ffffff", "#dde5ee", "#a3b4c6")


def loss_landscape(x: Any, y: Any, losses: Any, paths: Mapping[str, Any] | None = None) -> Figure:
    """Draws contours of the loss over a plane of parameters, and optimisers' paths in it.

    The levels are evenly spaced in the logarithm of the height above the lowest loss, so that the
    floor of a valley shows as well as its walls.

    Args:
      x: places along the first direction (columns,), rising.
      y: places along the second direction (rows,), rising.
      losses: the loss at each place (rows, columns); what is not finite stays blank.
      paths: the places (steps, 2) of each optimiser, by its name, six at most; a path begins at a
        hollow marker and ends at a full one.

    Returns:
      A figure with the two directions as axes.

    Raises:
      ValueError: shapes that do not fit, places that do not rise, no finite loss, too many paths.

    Example:
      >>> x = y = np.linspace(-1, 1, 21)
      >>> path = np.array([[0.9, 0.9], [0.5, 0.4], [0.0, 0.0]])
      >>> figure = loss_landscape(x, y, x**2 + 3 * y[:, None] ** 2, {"sgd": path})
      >>> figure.get_label()
      'Contours of the loss, from 0 to 4, and the paths of sgd.'
    """
    where = "loss_landscape"
    x, y, losses = _check_grid(where, x, y, losses)
    paths = {name: _check_path(where, name, path) for name, path in (paths or {}).items()}
    if len(paths) > len(SERIES):
        raise ValueError(f"{where}: expected at most {len(SERIES)} paths, got {len(paths)}")
    with style():
        names = f", and the paths of {', '.join(paths)}" if paths else ""
        description = f"Contours of the loss, from {losses.min():.3g} to {losses.max():.3g}{names}."
        figure = new_figure(WIDTH, 4.2, description)
        axes = figure.add_subplot()
        shading = _shading(losses)
        levels = shading["norm"].boundaries
        filled = axes.contourf(x, y, losses, levels, **shading)
        axes.contour(x, y, losses, levels, colors="white", linewidths=0.6)
        bar = figure.colorbar(filled, ax=axes, label="loss", format="%.3g", aspect=30)
        bar.outline.set_visible(False)
        for (name, path), series in zip(paths.items(), SERIES, strict=False):
            _draw_path(axes, name, path, series)
        axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
        axes.set(xlabel="along the first direction", ylabel="along the second direction")
        quiet_ticks(axes)
        quiet_ticks(bar.ax)
        if paths:
            figure.legend(loc="outside upper left", ncols=3)
    return figure


def loss_surface(x: Any, y: Any, losses: Any) -> Figure:
    """Draws the loss over a plane of parameters as a surface in three dimensions.

    Args:
      x: places along the first direction (columns,), rising.
      y: places along the second direction (rows,), rising.
      losses: the loss at each place (rows, columns); what is not finite stays blank.

    Returns:
      A figure with the two directions and the loss as axes.

    Raises:
      ValueError: shapes that do not fit, places that do not rise, no finite loss.

    Example:
      >>> x = y = np.linspace(-1, 1, 21)
      >>> loss_surface(x, y, x**2 + 3 * y[:, None] ** 2).get_label()
      'Surface of the loss, from 0 to 4.'
    """
    x, y, losses = _check_grid("loss_surface", x, y, losses)
    with style():
        low, high = losses.min(), losses.max()
        figure = new_figure(WIDTH, 4.2, f"Surface of the loss, from {low:.3g} to {high:.3g}.")
        figure.set_layout_engine("none")  # which does not see labels in three dimensions
        axes: Any = figure.add_axes((-0.04, 0.02, 0.94, 1.06), projection="3d")
        grid, heights = np.meshgrid(x, y), losses.filled(np.nan)
        lines = {"linewidth": 0.15, "edgecolor": QUIET, "rcount": 50, "ccount": 50}
        axes.plot_surface(*grid, heights, **_shading(losses), **lines)
        axes.set(xlabel="first direction", ylabel="second direction", zlabel="loss")
        axes.tick_params(labelsize=8)
        axes.locator_params(nbins=5)
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.set_pane_color("white")
    return figure


def _check_grid(
    where: str, x: Any, y: Any, losses: Any
) -> tuple[np.ndarray, np.ndarray, np.ma.MaskedArray]:
    x, y = check_vector(where, "x", x), check_vector(where, "y", y)
    for name, places in (("x", x), ("y", y)):
        if len(places) < 2 or not (np.diff(places) > 0).all():
            raise ValueError(
                f"{where}: expected {name} to rise over two places or more, got {places}"
            )
    losses = np.ma.masked_invalid(np.asarray(losses, dtype=np.float64))
    if losses.shape != (len(y), len(x)):
        raise ValueError(
            f"{where}: expected losses of shape (rows, columns) = ({len(y)}, {len(x)}),"
            f" got {losses.shape}"
        )
    if losses.count() == 0:
        raise ValueError(f"{where}: expected finite losses, got none among {losses.size}")
    return x, y, losses


def _check_path(where: str, name: str, path: Any) -> np.ndarray:
    path = np.asarray(path, dtype=np.float64)
    if path.ndim != 2 or path.shape[1] != 2 or not len(path):
        raise ValueError(f"{where}: expected the path of {name} as (steps, 2), got {path.shape}")
    return path


def _shading(losses: np.ma.MaskedArray) -> dict[str, Any]:
    """Bands of loss, evenly spaced in the logarithm of the height above the lowest."""
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

    low = losses.min()
    heights = (losses - low).compressed()
    heights = heights[heights > 0]
    steps = (
        np.geomspace(np.quantile(heights, 0.01), heights.max(), _LEVELS) if heights.size else [1]
    )
    levels = np.unique(np.concatenate([[low], low + steps]))
    shades = LinearSegmentedColormap.from_list("losses", _SHADES)
    return {"norm": BoundaryNorm(levels, shades.N), "cmap": shades}


def _draw_path(axes: Axes, name: str, path: np.ndarray, series: Series) -> None:
    from matplotlib.patheffects import withStroke

    color, linestyle, marker = series
    axes.plot(
        *path.T,
        color=color,
        linestyle=linestyle,
        marker=marker,
        markevery=[len(path) - 1],
        label=name,
    )
    axes.plot(*path[0], color=color, marker=marker, markerfacecolor="white")
    for line in axes.lines[-2:]:
        line.set_path_effects([withStroke(linewidth=3.5, foreground="white")])
