"""The report of a run: one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxnn.files import write_atomically
from jaxnn.plots.style import WIDTH, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LARGEST_SVG = 400_000  # bytes; what has more strokes than that is embedded as pixels
_PIXELS_PER_INCH = 112  # of the page, for a figure that has the room
_SHARES = ("accuracy", "recall", "precision")


class Picture(NamedTuple):
    """A figure as a page shows it, which needs matplotlib no more."""

    width: float
    kind: str
    source: str
    description: str


def picture(figure: Figure) -> Picture:
    """Draws a figure for a page; photographs keep their dark.

    >>> from jaxnn.plots.style import new_figure
    >>> picture(new_figure(5, 3, "Nothing yet.")).description
    'Nothing yet.'
    """
    images = [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]
    kind = "photo" if any(image.ndim == 3 for image in images) else "ink"
    width = float(figure.get_size_inches()[0])
    return Picture(width, kind, _embed(figure), str(figure.get_label()))


def write_report(
    path: str | os.PathLike[str],
    *,
    title: str,
    results: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    figures: Mapping[str, Figure | Picture],
    config: Mapping[str, Any],
    environment: Mapping[str, Any],
    layers: Sequence[Mapping[str, Any]] = (),
    classes: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Writes one self-contained HTML page that shows a run, without scripts or anything to load.

    The page appears at its place complete or not at all. Names that hold `accuracy`, `recall` or
    `precision` are shown in percent where their value is in [0, 1]. Mappings within `results`,
    `config` and `environment` are flattened: `optimizer · name`.

    Args:
      path: where the page is written; its folder is made if there is none.
      title: the heading of the page.
      results: the headline figures, in order: `{"test accuracy": 0.978, "parameters": 235146}`.
      history: one row an epoch, as for `loss_curves`.
      figures: figures of this package, or their pictures, by their captions, in order.
      config: the settings of the run.
      environment: versions, devices and the like.
      layers: one row a layer: path, shape, parameters.
      classes: one row a class, as `class_table` gives them.

    Returns:
      The path of the page.

    Raises:
      TypeError: something in `figures` is not a figure.
      OSError: the page cannot be written; an older one is then as it was.

    Example:
      >>> from tempfile import TemporaryDirectory
      >>> folder = TemporaryDirectory()
      >>> page = write_report(
      ...     Path(folder.name) / "report.html", title="A run", results={"test accuracy": 0.978},
      ...     history=[], figures={}, config={"optimizer": {"name": "adam"}}, environment={})
      >>> "97.80 %" in page.read_text("utf-8"), "optimizer · name" in page.read_text("utf-8")
      (True, True)
      >>> folder.cleanup()
    """
    for caption, figure in figures.items():
        if not (isinstance(figure, Picture) or hasattr(figure, "savefig")):
            raise TypeError(f"write_report: expected a Figure as {caption!r}, got {figure!r}")
    sections = (
        _section("Figures", _figures(figures)),
        _section("Epochs", _table(history, "Epochs")),
        '<div class="pair">',
        _section("Classes", _table(classes, "Classes")),
        _section("Layers", _table(layers, "Layers")),
        _section("Settings", _settings(config)),
        _section("Environment", _settings(environment)),
        "</div>",
    )
    template = Template(files("jaxnn.plots").joinpath("report.html").read_text("utf-8"))
    page = template.substitute(
        title=escape(title), headline=_headline(results), sections="\n".join(filter(None, sections))
    )
    write_atomically(path, page)
    return Path(path)


def _section(heading: str, content: str) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{content}\n</section>" if content else ""


def _headline(results: Mapping[str, Any]) -> str:
    cards = [
        f"<div><dt>{_name(name)}</dt><dd>{_measure(name, value)}</dd></div>"
        for name, value in _flatten(results)
    ]
    return f'<dl class="headline">\n{_lines(cards)}\n</dl>' if cards else ""


def _figures(figures: Mapping[str, Figure | Picture]) -> str:
    shown = [
        _figure(caption, figure if isinstance(figure, Picture) else picture(figure))
        for caption, figure in figures.items()
    ]
    return f'<div class="figures">\n{_lines(shown)}\n</div>' if shown else ""


def _figure(caption: str, picture: Picture) -> str:
    """A picture over the whole page where it is wider than a column."""
    wide = ' class="wide"' if picture.width > 1.3 * WIDTH else ""
    return (
        f"<figure{wide}>\n<figcaption>{escape(caption)}</figcaption>\n"
        f'<img class="{picture.kind}" width="{picture.width * _PIXELS_PER_INCH:.0f}"'
        f' src="{picture.source}" alt="{escape(picture.description or caption)}">\n</figure>'
    )


def _embed(figure: Figure) -> str:
    """The figure as a data URL: strokes, or pixels where strokes would be too many."""
    import matplotlib

    drawing, pixels = io.BytesIO(), io.BytesIO()
    # without a date and with a fixed salt, equal runs give equal pages
    settings: dict[Any, Any] = {"svg.hashsalt": "jaxnn", "image.composite_image": False}
    unsigned = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with style(), matplotlib.rc_context(settings):
        figure.savefig(drawing, format="svg", transparent=True, metadata=unsigned)
        if drawing.tell() <= _LARGEST_SVG:
            svg = drawing.getvalue()
            return _data_url("image/svg+xml", svg[svg.index(b"<svg") :])
        figure.savefig(pixels, format="png", transparent=True)
        return _data_url("image/png", pixels.getvalue())


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _table(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """A table with a column a key, in the order in which keys first occur."""
    columns = {key: _alignment(rows, key) for row in rows for key in row}
    if not columns:
        return ""
    heads = [f'<th{number} scope="col">{_name(key)}</th>' for key, number in columns.items()]
    lines = [f"<tr>{''.join(heads)}</tr>"]
    for row in rows:
        cells = [
            # its name goes with each cell, for a telephone has no room for a row of heads
            f'<td{number} data-name="{_name(key)}">{_measure(key, row.get(key, ""))}</td>'
            for key, number in columns.items()
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    many = " many" if len(columns) > 5 else ""
    return (
        f'<div class="scroll{many}" tabindex="0" role="region" aria-label="{name}">\n<table>\n'
        f"<thead>{lines[0]}</thead>\n<tbody>\n{_lines(lines[1:])}\n</tbody>\n</table>\n</div>"
    )


def _alignment(rows: Sequence[Mapping[str, Any]], key: str) -> str:
    """Numbers stand right, under each other."""
    words = any(isinstance(row.get(key), Sequence) for row in rows)
    return "" if words else ' class="number"'


def _settings(settings: Mapping[str, Any]) -> str:
    rows = [
        f'<tr><th scope="row">{_name(name)}</th><td>{escape(_setting(value))}</td></tr>'
        for name, value in _flatten(settings)
    ]
    return f'<table class="settings">\n<tbody>\n{_lines(rows)}\n</tbody>\n</table>' if rows else ""


def _flatten(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings, and of lists of mappings, by the names that lead there."""
    for key, value in mapping.items():
        name = f"{prefix}{key}"
        if isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
            value = dict(enumerate(value))
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{name} · ")
        else:
            yield name, value


def _name(name: Any) -> str:
    return escape(str(name).replace("_", " "))


def _measure(name: Any, value: Any) -> str:
    """A number to four digits, a share in percent, a count with its thousands apart."""
    value = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(value, float) and 0 <= value <= 1 and any(word in str(name) for word in _SHARES):
        return f"{100 * value:.2f} %"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}".replace(",", "\u202f")
    return escape(_setting(value))


def _setting(value: Any) -> str:
    """A setting in the words of a person rather than of Python."""
    if value is None or (isinstance(value, (Mapping, list, tuple)) and not value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_setting, value))
    return str(value)


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
