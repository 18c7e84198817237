"""The catalogue as pages: docs/catalogue.md to read, docs/catalogue-search.html to search.

`python -m benchmarks.catalogue_page` joins the entries of `parity.CATALOGUE` with the figures that
were measured for them, docs/data/catalogue-figures.json.
"""

import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from torch_port.parity import CATALOGUE, Entry
from torch_port.parity.reports.words import power

DOCS = Path(__file__).parents[1] / "docs"
FIGURES = DOCS / "data" / "catalogue-figures.json"

ABOUT = {
    "program": "In what a model or a loss computes",
    "optimizer": "In the updates",
    "data": "In what both are fed",
    "settings": "In what can only be read off",
}
"""Headings, in the order of the page."""

INTRODUCTION = """\
The {count} differences of meaning that `parity` knows by name. Most are a hypothesis: put in, it
makes the difference vanish if it is the cause. What can only be read off is in `report.settings`.
The figures say how far the parameters of the two sides are apart on a typical small net, relative
to how far the right ones have moved, after one step and after an epoch on 10 000 images of MNIST
(or the running statistics, where the parameters are the same). `docs/data/catalogue-figures.json`
has the spread over three seeds, the accuracies, and the same figures of rounding alone.
[The same table, to be searched](catalogue-search.html).
This page is written by `python -m benchmarks.catalogue_page`."""

PLACEHOLDERS = {"{torch}": "PyTorch's", "{jax}": "JAX's"}
"""What stands in the pages for a constant that a report would name."""

Figures = Mapping[str, Mapping[str, Any]]


def markdown(entries: Iterable[Entry], figures: Figures) -> str:
    """The page to read: a table of figures for each kind, then every entry in full.

    Args:
      entries: of the catalogue.
      figures: by id, `"step"` and `"epoch"`, and `"of"`: what they are the size of.
    """
    entries = [*entries]
    lines = ["# The catalogue", "", INTRODUCTION.format(count=len(entries))]
    for about, heading in ABOUT.items():
        of_kind = [entry for entry in entries if entry.about == about]
        lines += ["", f"## {heading}", "", "| | after one step | after an epoch |", "|---|---|---|"]
        lines += [_row(entry, figures.get(entry.id, {})) for entry in of_kind]
        for entry in of_kind:
            lines += ["", *_section(entry, figures.get(entry.id, {}))]
    return "\n".join(lines) + "\n"


def _row(entry: Entry, figure: Mapping[str, Any]) -> str:
    title = _cell(entry.title)
    return f"| [{title}](#{entry.id}) | {size(figure, 'step')} | {size(figure, 'epoch')} |"


def _section(entry: Entry, figure: Mapping[str, Any]) -> list[str]:
    measured = [f"- Measured: {said}"] if (said := _of(figure)) else []
    return [
        f"### {entry.id}",
        "",
        f"{_sentence(entry.title)} {entry.explanation}",
        "",
        f"- JAX: {filled(entry.jax_fix)}",
        f"- PyTorch: {filled(entry.torch_fix)}",
        f"- Source: {entry.source}",
        *measured,
    ]


def _sentence(title: str) -> str:
    return f"{title[0].upper()}{title[1:]}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def filled(fix: str) -> str:
    """A fix as it reads without a report, which would have the constants.

    Args:
      fix: of an entry, with `{torch}` and `{jax}`.

    Example:
      >>> filled("epsilon={torch}")
      "epsilon=PyTorch's"
    """
    for name, word in PLACEHOLDERS.items():
        fix = fix.replace(name, word)
    return fix


def size(figure: Mapping[str, Any], when: str) -> str:
    """A figure with two digits; a dash where none was measured.

    Args:
      figure: of an entry.
      when: `"step"` or `"epoch"`.

    Example:
      >>> size({"step": 1.84e-4, "epoch": None}, "step"), size({}, "epoch")
      ('1.8e-4', '—')
    """
    value = figure.get(when)
    if value is None:
        return "—"
    if isinstance(value, str):
        return value
    return f"{value:.2g}" if 0.01 <= value < 100 else power(value)


def page(entries: Iterable[Entry], figures: Figures) -> str:
    """The page to search: one table, and a box whose words every row that is shown has.

    Args:
      entries: of the catalogue.
      figures: by id.
    """
    rows = [_html_row(entry, figures.get(entry.id, {})) for entry in entries]
    template = Path(__file__).with_name("catalogue.html").read_text(encoding="utf-8")
    return Template(template).substitute(rows="\n".join(rows), count=len(rows))


def _html_row(entry: Entry, figure: Mapping[str, Any]) -> str:
    cells = [
        f"<h2>{escape(entry.title)}</h2><code>{escape(entry.id)}</code>"
        f"<p>{escape(entry.explanation)}</p>",
        f"<p><b>JAX</b> {escape(filled(entry.jax_fix))}</p>"
        f"<p><b>PyTorch</b> {escape(filled(entry.torch_fix))}</p>"
        f"<p class=source>{escape(entry.source)}</p>{_measured(figure)}",
        f"<span>one step</span> {escape(size(figure, 'step'))}",
        f"<span>an epoch</span> {escape(size(figure, 'epoch'))}",
    ]
    kinds = ("what", "fix", "figure", "figure")
    marked = [f'<td class="{kind}">{cell}</td>' for kind, cell in zip(kinds, cells, strict=True)]
    return f'<tr id="{escape(entry.id)}" data-about="{entry.about}">{"".join(marked)}</tr>'


def _measured(figure: Mapping[str, Any]) -> str:
    said = _of(figure)
    return f"<p class=source>Measured: {escape(said)}</p>" if said else ""


def _of(figure: Mapping[str, Any]) -> str:
    """What the figures are those of, or why there are none."""
    return figure.get("of", figure.get("words", ""))


def main() -> None:
    """Writes both pages."""
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    (DOCS / "catalogue.md").write_text(markdown(CATALOGUE, figures), encoding="utf-8")
    (DOCS / "catalogue-search.html").write_text(page(CATALOGUE, figures), encoding="utf-8")


if __name__ == "__main__":
    main()
