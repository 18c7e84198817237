"""The pictures that several topics draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmarks.frame import duration
from jaxnn.plots.style import QUIET, RIGHT, WIDTH, new_figure, quiet_ticks, style

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
        axes.tick_params(axis="y", length=0, labelcolor="#222222")
    return figure
