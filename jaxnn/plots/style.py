"""The one style of all figures: its colours, its type, its axes, its files.

Neighbouring series differ in lightness, dash and marker as well as in hue, so a figure printed in
grey reads as it does in colour, and to colour-blind eyes. All figures are `WIDTH` inches wide
unless what they show needs more, so that their type has one size when they stand side by side.
"""

from __future__ import annotations

import io
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jaxnn.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 5.0
INK = "#222222"
QUIET = "#6b6b6b"
RULE = "#dddddd"
RIGHT, WRONG = "#12436d", "#f46a25"
PALE_RIGHT, PALE_WRONG = "#c9d6e4", "#fbc3a5"


class Series(NamedTuple):
    """How one series of a figure is drawn."""

    color: str
    linestyle: str
    marker: str


SERIES = (
    Series(RIGHT, "-", "o"),
    Series(WRONG, "--", "s"),
    Series("#801650", "-.", "^"),
    Series("#28a197", ":", "D"),
    Series("#3d3d3d", (0, (5, 1, 1, 1, 1, 1)), "v"),  # type: ignore[arg-type]
    Series("#a285d1", (0, (1, 1)), "P"),  # type: ignore[arg-type]
)
"""The series in the order in which figures use them: dark and light take turns."""

_SETTINGS = {
    "figure.dpi": 200,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a class name may hold a dollar sign
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "lines.linewidth": 2.0,
    "lines.markersize": 5.0,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
}


def style() -> AbstractContextManager[None]:
    """Draws in the one style, whatever the user's own settings are; they come back after it.

    >>> import matplotlib
    >>> with style():
    ...     matplotlib.rcParams["legend.frameon"]
    False
    """
    import matplotlib.style

    return matplotlib.style.context(["default", _SETTINGS])


def new_figure(width: float, height: float, description: str) -> Figure:
    """An empty figure of this `width` and `height` in inches that carries its own `description`.

    >>> new_figure(5, 3, "Nothing yet.").get_label()
    'Nothing yet.'
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    figure.set_label(description)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a figure to a file, complete or not at all.

    Args:
      figure: any of the figures of this package; it can be drawn on and saved again.
      path: ends in `.png` (200 dots an inch), `.svg` or `.pdf`; its folder is made if need be.

    Raises:
      ValueError: a path with another ending.
      OSError: the file cannot be written; an older one is then as it was.

    Example:
      >>> from tempfile import TemporaryDirectory
      >>> with TemporaryDirectory() as folder:
      ...     save(new_figure(5, 3, "Nothing yet."), Path(folder, "nothing.png"))
      ...     Path(folder, "nothing.png").read_bytes()[:4]
      b'\x89PNG'
    """
    suffix = Path(path).suffix
    if suffix not in (".png", ".svg", ".pdf"):
        raise ValueError(f"save: expected a path that ends in .png, .svg or .pdf, got {path}")
    content = io.BytesIO()
    with style():
        figure.savefig(content, format=suffix[1:])
    write_atomically(path, content.getvalue())


def quiet_ticks(axes: Axes, grid: str | None = None) -> None:
    """Gives `axes` ticks in quiet ink, and a light `grid` on "x" or "y"; later ticks have it too.

    >>> with style():
    ...     axes = new_figure(5, 3, "").add_subplot()
    ...     quiet_ticks(axes, grid="y")
    >>> axes.yaxis.get_tick_params()["grid_color"] == RULE
    True
    """
    axes.tick_params(color=QUIET, labelcolor=INK, width=0.8, length=3, labelsize=9)
    if grid:
        axes.grid(axis=grid, color=RULE, linewidth=0.8)  # type: ignore[arg-type]
        axes.set_axisbelow(True)


def shorten(text: str, length: int) -> str:
    """The `text` on one line, its end cut to an ellipsis where it is longer than `length`.

    >>> shorten("flat-coated retriever", 12)
    'flat-coated…'
    """
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
