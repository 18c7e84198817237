"""A report as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from torch_port.parity.reports import words
from torch_port.parity.reports.cards import card
from torch_port.parity.reports.curves import trajectory_curves
from torch_port.parity.reports.data import versions
from torch_port.parity.reports.errors import error_rows

if TYPE_CHECKING:
    from torch_port.parity.report import Difference, Report, Setting

GLYPHS = {"equal": "=", "rounding": "≈", "semantic": "≠"}


def page(report: Report) -> str:
    """The whole page, every word from outside escaped.

    Args:
      report: what a comparison found.

    Example:
      >>> from torch_port.parity.report import Report
      >>> "<li>layer &lt;0&gt;</li>" in page(Report("equal", (), not_compared=("layer <0>",)))
      True
    """
    says = words.SAYS[report.verdict]
    sections = [
        _headline(report),
        _section("What is wrong, and what mends it", _faults(report)),
        _section("Settings that could be read off", _settings(report.settings)),
        _section("The training, step by step", trajectory_curves(report.trajectory)),
        _section("How far apart, in the order of computation", error_rows(report.differences)),
        _section("All that was compared", _differences(report.differences)),
        '<div class="pair">',
        _section("Not compared", _list(report.not_compared)),
        _section("Notes", _list(report.notes)),
        _section("Versions", _versions()),
        "</div>",
    ]
    template = Template(files("torch_port.parity.reports").joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        title=escape(f"parity: {report.verdict}"),
        verdict=report.verdict,
        glyph=GLYPHS[report.verdict],
        says=escape(says[0].upper() + says[1:]),
        counted=escape(_counted(report)),
        sections="\n".join(filter(None, sections)),
    )


def _section(heading: str, content: str) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{content}\n</section>" if content else ""


def _counted(report: Report) -> str:
    counted = words.counted(report.differences)
    return f"{counted} differ." if report.verdict == "semantic" else f"Compared: {counted}."


def _headline(report: Report) -> str:
    """The figures that a reader looks for first."""
    apart = [d for d in report.differences if d.verdict == "semantic"]
    shown = apart or report.differences
    largest = lambda name: max(
        (x for d in shown if np.isfinite(x := getattr(d.judgement, name))), default=float("nan")
    )
    groups = words.together(report.faults)
    figures = {
        "mistakes": len(groups) if groups else "",
        "of them explained": sum(bool(faults[0].causes) for faults in groups) if groups else "",
        "quantities compared": len(report.differences),
        "largest error, float32": words.power(largest("error32")),
        "largest error, float64": words.power(largest("error64")),
    }
    cards = [f"<div><dt>{name}</dt><dd>{x}</dd></div>" for name, x in figures.items() if x != ""]
    return '<dl class="headline">\n' + "\n".join(cards) + "\n</dl>"


def _faults(report: Report) -> str:
    groups = words.together(report.faults)
    return "\n".join(card(number, faults) for number, faults in enumerate(groups, 1))


def _settings(settings: Sequence[Setting]) -> str:
    heads = ["", "place", "setting", "JAX", "PyTorch"]
    return _chosen("settings", heads, [(one.differs, _setting(one)) for one in settings])


def _setting(setting: Setting) -> list[str]:
    mark = "≠" if setting.differs else ""
    return [mark, setting.place, setting.name, _value(setting.jax), _value(setting.torch)]


def _differences(differences: Sequence[Difference]) -> str:
    heads = ["", "kind", "JAX", "PyTorch", "step", "error in float32", "error in float64"]
    heads += ["times rounding", "ULPs", "note"]
    rows = [(d.verdict == "semantic", _figures(d)) for d in differences]
    return _chosen("differences", heads, rows)


def _chosen(name: str, heads: Sequence[str], rows: Sequence[tuple[bool, Sequence[str]]]) -> str:
    """A table, of which a reader can ask for what differs alone where it is not all or none."""
    choice = '<label class="filter"><input type="checkbox"> only what differs</label>'
    mixed = len({apart for apart, _ in rows}) == 2
    table = _table(name, heads, rows)
    return f'<div class="all">\n{choice if mixed else ""}\n{table}\n</div>' if table else ""


def _figures(difference: Difference) -> list[str]:
    """The cells of one row."""
    judgement = difference.judgement
    figures = [judgement.error32, judgement.error64, judgement.ratio, judgement.ulps]
    hidden = "too small to be seen in float32" if judgement.hidden else ""
    return [
        "≠" if difference.verdict == "semantic" else "",
        difference.kind,
        difference.jax_path,
        difference.torch_path,
        "" if difference.step is None else str(difference.step),
        *(words.power(x) if np.isfinite(x) else "–" for x in figures[:2]),
        *(_count(x) if np.isfinite(x) else "–" for x in figures[2:]),
        "; ".join(filter(None, [hidden, judgement.note])),
    ]


def _count(x: float) -> str:
    """A multiple of something: in full while it is short."""
    return f"{x:.2g}" if x < 10 else f"{x:.0f}" if x < 1e5 else words.power(x)


NUMBERS = {
    "step", "error in float32", "error in float64", "times rounding", "ULPs",
}  # fmt: skip


def _table(name: str, heads: Sequence[str], rows: Sequence[tuple[bool, Sequence[str]]]) -> str:
    """A table without the columns that are empty; rows that are apart are marked."""
    used = [i for i in range(len(heads)) if any(cells[i] for _, cells in rows)]
    if not used:
        return ""
    head = "".join(f'<th{_kind(heads[i])} scope="col">{heads[i]}</th>' for i in used)
    lines = [_row(apart, [(heads[i], cells[i]) for i in used]) for apart, cells in rows]
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">\n<table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody>\n</table>"
        "\n</div>"
    )


def _row(apart: bool, cells: Iterable[tuple[str, str]]) -> str:
    shown = [
        # its name goes with each cell, for a telephone has no room for a row of heads
        f'<td{_kind(head)} data-name="{head}">{escape(cell)}</td>'
        for head, cell in cells
    ]
    kind = ' class="apart"' if apart else ""
    return f"<tr{kind}>{''.join(shown)}</tr>"


def _kind(head: str) -> str:
    if not head:
        return ' class="mark"'
    return ' class="number"' if head in NUMBERS else ""


def _value(value: Any) -> str:
    return "–" if value is None else words.number(value)


def _list(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return '<ul class="plain">\n' + "\n".join(f"<li>{escape(x)}</li>" for x in lines) + "\n</ul>"


def _versions() -> str:
    found = versions()
    rows = [f'<tr><th scope="row">{x}</th><td>{found[x] or "–"}</td></tr>' for x in found]
    return "<table>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>"
