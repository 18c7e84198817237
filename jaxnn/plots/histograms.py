"""How activations, weights or gradients are spread in each layer (lecture part 3).

The pictures of figure 7 of Glorot & Bengio, "Understanding the difficulty of training deep
feedforward neural networks" (2010), with the layers one below the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnn.plots.style import (
    PALE_RIGHT,
    QUIET,
    RIGHT,
    WIDTH,
    new_figure,
    quiet_ticks,
    shorten,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 101
_HEIGHT = 0.85  # of the highest bin, in distances between layers


def layer_histograms(values_by_layer: Mapping[str, Any], *, quantity: str = "value") -> Figure:
    """Draws the distribution of the values of each layer, the first layer on top.

    All layers share the horizontal axis, which holds at least 99.8 % of each layer's values; each
    distribution is drawn to its own greatest height, with its standard deviation σ beside it.
    Values that are exactly 0, as half of those after a ReLU are, would hide the others: they are
    left out of the distribution and their share stands beside it, where it is 1 % or more.

    Args:
      values_by_layer: an array of any shape for each layer, by the layer's name, in order.
      quantity: what the values are, with its unit: the label of the horizontal axis.

    Returns:
      A figure with one distribution a layer.

    Raises:
      ValueError: no layers, or a layer whose values are none or not all finite.

    Example:
      >>> figure = layer_histograms({"0/dense": [-1.0, 1.0], "1/dense": [-3.0, 3.0]})
      >>> figure.get_label()
      'Distribution of value by layer: 0/dense σ = 1, 1/dense σ = 3.'
    """
    panels = {"": _check_layers("layer_histograms", values_by_layer)}
    with style():
        return _draw_panels(panels, quantity)


def compare_layer_histograms(
    panels: Mapping[str, Mapping[str, Any]], *, quantity: str = "value"
) -> Figure:
    """Draws `layer_histograms` of several networks one above the other, with one horizontal axis.

    Args:
      panels: what `layer_histograms` takes, by a title: `{"standard": ..., "normalised": ...}`.
      quantity: what the values are, with its unit: the label of the horizontal axis.

    Returns:
      A figure with one panel a network.

    Raises:
      ValueError: no panels, no layers, or a layer whose values are none or not all finite.

    Example:
      >>> figure = compare_layer_histograms({"A": {"0": [-1.0, 1.0]}, "B": {"0": [-2.0, 2.0]}})
      >>> figure.get_label()
      'Distribution of value by layer. A: 0 σ = 1. B: 0 σ = 2.'
    """
    if not panels:
        raise ValueError("compare_layer_histograms: expected at least one panel, got none")
    checked = {
        title: _check_layers(f"compare_layer_histograms: {title}", values)
        for title, values in panels.items()
    }
    with style():
        return _draw_panels(checked, quantity)


def _check_layers(where: str, values_by_layer: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if not values_by_layer:
        raise ValueError(f"{where}: expected the values of at least one layer, got none")
    layers = {
        name: np.asarray(values, dtype=np.float64).ravel()
        for name, values in values_by_layer.items()
    }
    for name, values in layers.items():
        if not values.size or not np.isfinite(values).all():
            raise ValueError(
                f"{where}: expected finite values of layer {name!r}, at least one, got"
                f" {values.size} of which {np.sum(~np.isfinite(values))} are not finite"
            )
    return layers


def _draw_panels(panels: Mapping[str, Mapping[str, np.ndarray]], quantity: str) -> Figure:
    layers = [values for layers in panels.values() for values in layers.values()]
    edges = _edges(layers)
    figure = new_figure(WIDTH, 0.8 + 0.42 * len(layers), _describe(panels, quantity))
    heights = [len(layers) for layers in panels.values()]
    column = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axes, (title, layers) in zip(column.ravel(), panels.items(), strict=True):
        _draw_ridges(axes, layers, edges)
        axes.set_title(title)
    column[-1, 0].set_xlabel(quantity)
    return figure


def _describe(panels: Mapping[str, Mapping[str, np.ndarray]], quantity: str) -> str:
    sentences = []
    for title, layers in panels.items():
        sigmas = [f"{name} σ = {values.std():.3g}" for name, values in layers.items()]
        sentences.append((f"{title}: " if title else "") + ", ".join(sigmas) + ".")
    colon = ":" if "" in panels else "."
    return f"Distribution of {quantity} by layer{colon} {' '.join(sentences)}"


def _edges(layers: Sequence[np.ndarray]) -> np.ndarray:
    """Edges of bins between which lie 99.8 % of each layer's values, or more."""
    low = min(np.quantile(values, 0.001, method="lower") for values in layers)
    high = max(np.quantile(values, 0.999, method="higher") for values in layers)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, _BINS + 1)


def _draw_ridges(axes: Axes, layers: Mapping[str, np.ndarray], edges: np.ndarray) -> None:
    places = np.arange(len(layers))[::-1]
    for place, values in zip(places, layers.values(), strict=True):
        counts, _ = np.histogram(values[values != 0], edges)
        ridge = place + _HEIGHT * counts / max(counts.max(), 1)
        axes.stairs(ridge, edges, baseline=place, fill=True, color=PALE_RIGHT)
        axes.stairs(ridge, edges, baseline=None, color=RIGHT, linewidth=1.2)
        beside = axes.get_yaxis_transform()
        zero = np.mean(values == 0)
        text = f"σ = {values.std():.3g}" + (f"\n{100 * zero:.0f} % zero" if zero >= 0.01 else "")
        axes.text(1.02, place + 0.35, text, transform=beside, va="center", size=9, color=QUIET)
    axes.set_ylim(0, len(layers))
    axes.set_yticks(places, [shorten(name, 20) for name in layers])
    axes.set_ylabel("layer (density)")
    axes.spines["left"].set_visible(False)
    quiet_ticks(axes, grid="x")
    axes.tick_params(axis="y", length=0)
