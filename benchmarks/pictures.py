"""The pictures that several topics draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmarks.frame import duration
from jaxnn.plots.style import INK, QUIET, RIGHT, SERIES, WIDTH, new_figure, quiet_ticks, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bars(title: str, seconds: Mapping[str, float], ours: str = "jaxnn") -> Figure:
    """A bar for every contender, its time beside it; those whose name begins with `ours` are dark.

    Args:
      title: what was measured.
      seconds: by name, from the top downwards.
      ours: how the names of the bars to be seen first begin.
    """
    said = ", ".join(f"{name} {duration(value)}" for name, value in seconds.items())
    with style():
        figure = new_figure(1.3 * WIDTH, 0.8 + 0.28 * len(seconds), f"{title}: {said}.")
        axes = figure.add_subplot()
        colors = [RIGHT if name.startswith(ours) else "#a9b4c0" for name in seconds]
        drawn = axes.barh([*seconds], [*seconds.values()], color=colors, height=0.7)
        axes.bar_label(
            drawn, [duration(value) for value in seconds.values()], padding=4, color=QUIET
        )
        axes.set_title(title)
        axes.set_xlim(0, 1.15 * max(seconds.values()))
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.invert_yaxis()
        quiet_ticks(axes)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
    return figure


def lines(title: str, curves: Mapping[str, Mapping[int, float]], x_label: str) -> Figure:
    """The time of each contender over something that doubles, both on logarithmic scales.

    Args:
      title: what was measured.
      curves: by contender, seconds by place.
      x_label: what the places are.
    """
    places = sorted({place for curve in curves.values() for place in curve})
    with style():
        figure = new_figure(1.3 * WIDTH, 3.6, f"{title}: {', '.join(curves)}, by {x_label}.")
        axes = figure.add_subplot()
        for (name, curve), series in zip(curves.items(), SERIES, strict=False):
            axes.loglog([*curve], [*curve.values()], label=name, **series._asdict())
        axes.set(title=title, xlabel=x_label)
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda seconds, _: duration(seconds))
        axes.legend()
        quiet_ticks(axes, grid="y")
    return figure
