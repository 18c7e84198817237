"""The figures where they are read: docs/data/benchmarks.json, docs/benchmarks.md, the README.

A page has, for every topic that it shows, a pair of lines `<!-- benchmarks: epoch -->` and
`<!-- end -->`; what stands between them is written from the JSON.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from benchmarks.frame import ROOT, Table, Target, markdown
from benchmarks.machine import in_words
from jaxnn.files import write_atomically

JSON = ROOT / "docs" / "data" / "benchmarks.json"
IMAGES = ROOT / "docs" / "images"
PAGE = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
_BLOCK = re.compile(r"(<!-- benchmarks: ([\w-]+) -->\n).*?(<!-- end -->)", re.S)


def topic(name: str) -> ModuleType:
    """The module of a topic."""
    return import_module(f"benchmarks.{name}")


def shown(name: str, entry: Mapping[str, Any]) -> str:
    """All that a topic says: its tables, what was asked for, the machine."""
    module, measured = topic(name), entry["measured"]
    parts = [f"**{table.title}**\n\n{markdown(table)}" for table in module.tables(measured)]
    parts += ["\n".join(map(target_line, found))] if (found := module.targets(measured)) else []
    return "\n\n".join([*parts, f"Measured on: {in_words(entry['machine'])}."])


def section(name: str, entry: Mapping[str, Any]) -> str:
    """What a page shows of a topic: all that it says, and its pictures."""
    pictures = [
        f"![{figure.get_label()}](images/{stem}.png)"
        for stem, figure in topic(name).figures(entry["measured"]).items()
    ]
    return "\n\n".join([shown(name, entry), *pictures])


def target_line(target: Target) -> str:
    """A target in words.

    >>> target_line(Target("an epoch, to the bare products", 1.3, "at most", 1.35))
    '- an epoch, to the bare products: 1.30, asked for is at most 1.35: met'
    """
    asked = f"asked for is {target.bound} {target.limit:g}"
    if math.isnan(target.value):
        return f"- {target.name}: not measured, {asked}"
    verdict = "met" if target.met else "**not met**"
    return f"- {target.name}: {target.value:.2f}, {asked}: {verdict}"


def filled(text: str, write: Callable[[str], str | None]) -> str:
    """A page with the text between its markers written anew.

    Args:
      text: of the page.
      write: gives what stands between the markers of that name, or None to leave it.

    Example:
      >>> filled("<!-- benchmarks: epoch -->\\nold\\n<!-- end -->", lambda name: f"new {name}")
      '<!-- benchmarks: epoch -->\\n\\nnew epoch\\n\\n<!-- end -->'
    """

    def block(match):
        new = write(match[2])
        return match[0] if new is None else f"{match[1]}\n{new}\n\n{match[3]}"

    return _BLOCK.sub(block, text)


def read() -> dict[str, Any]:
    """What has been measured, by topic: `{"machine": ..., "measured": ...}`."""
    return json.loads(JSON.read_text(encoding="utf-8")) if JSON.exists() else {}


def short(entries: Mapping[str, Any]) -> str:
    """What the README shows: the epoch, by contender."""
    entry = entries["epoch"]
    table, *_ = topic("epoch").tables(entry["measured"])
    columns = ["an epoch", "median", "to jaxnn"]
    rows = [[row[0], row[1], row[3]] for row in table.rows]
    return f"{markdown(Table('', columns, rows))}\n\nMeasured on: {in_words(entry['machine'])}."


def page(text: str, entries: Mapping[str, Any]) -> str:
    """A page with these figures: `short` stands for the README's, else a name is a topic's."""

    def block(name):
        if name == "short" and "epoch" in entries:
            return short(entries)
        return section(name, entries[name]) if name in entries else None

    return filled(text, block)


def write(entries: Mapping[str, Any]) -> None:
    """Writes what has been measured over what was there of the same topics, and the pages."""
    entries = {**read(), **entries}
    write_atomically(JSON, (json.dumps(entries, indent=1, ensure_ascii=False) + "\n").encode())
    from jaxnn.plots import save

    for name, entry in entries.items():
        for stem, figure in topic(name).figures(entry["measured"]).items():
            save(figure, IMAGES / f"{stem}.png")
    for path in (PAGE, README):
        text = path.read_text(encoding="utf-8")
        write_atomically(path, page(text, entries).encode())
