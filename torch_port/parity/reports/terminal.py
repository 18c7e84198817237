"""A report in at most ten lines: what matters most comes in first, and what is long is cut."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from torch_port.parity.reports import words

if TYPE_CHECKING:
    from torch_port.parity.report import Cause, Fault, Report

WIDTH, HEIGHT = 100, 10
LABEL = 14
MOST_FAULTS = 3
"""So many are told in full; of more, the rest in a line."""

COLOURS = {"equal": "bold green", "rounding": "bold green", "semantic": "bold red"}
EMPHASIS = {"where": "bold", "and at": "bold", "why": "bold"}


class Item(NamedTuple):
    """One thing to say.

    Attributes:
      importance: what is less important (a larger number) is cut first and left out first.
      label: what it is; empty where it goes on with what stands above.
      text: of any length.
    """

    importance: int
    label: str
    text: str


def lines(report: Report) -> list[tuple[str, str]]:
    """The lines of a report, each a label and what stands beside it.

    Args:
      report: what a comparison found.
    """
    said = f"{report.verdict}: {words.SAYS[report.verdict]}"
    items = [item for item in _items(report) if item.text]
    return [("", said), *_fitted(items, HEIGHT - 1)]


def text(report: Report) -> str:
    """The lines as plain text.

    Args:
      report: what a comparison found.

    Example:
      >>> from torch_port.parity.report import Report
      >>> text(Report("equal", ()))
      'equal: both sides give the same numbers in float32, to the last bit.'
    """
    first, *rest = lines(report)
    return "\n".join([first[1], *(f"{label:{LABEL}}{said}" for label, said in rest)])


def show(report: Report) -> None:
    """Prints the lines, in colour where the terminal has any.

    Args:
      report: what a comparison found.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    first, *rest = lines(report)
    console.print(Text(first[1], style=COLOURS[report.verdict]))
    for label, said in rest:
        console.print(
            Text.assemble((f"{label:{LABEL}}", "dim"), (said, EMPHASIS.get(label, "none")))
        )


def _items(report: Report) -> Iterator[Item]:
    groups = words.together(report.faults)
    for number, faults in enumerate(groups[:MOST_FAULTS]):
        yield from _fault(faults, "and at" if number else "where")
    if further := groups[MOST_FAULTS:]:
        told = "; ".join(_explanation(faults[0].causes) for faults in further)
        yield Item(1, "and more", f"{len(further)} further faults: {told}")
    if not groups and (first := report.first):
        yield Item(1, "where", words.place(first))
        yield Item(3, "figures", words.figures(first.judgement))
    counted = "differ" if report.verdict == "semantic" else "compared"
    yield Item(5, counted, words.counted(report.differences))
    if report.verdict == "rounding":
        yield Item(5, "at most", _largest(report))
    yield Item(6, "not compared", _some(report.not_compared))
    yield from (Item(7, "note", note) for note in report.notes)


def _fault(faults: Sequence[Fault], label: str) -> Iterator[Item]:
    """What there is to say of one mistake, wherever it was made."""
    fault = faults[0]
    more = "" if len(faults) == 1 else f", and at {len(faults) - 1} more"
    yield Item(1, label, words.place(fault.difference) + more)
    yield Item(6, "figures", words.figures(fault.difference.judgement))
    for number, cause in enumerate(fault.causes):
        yield Item(2, "and" if number else "why", words.why(cause))
        for line, fix in enumerate(words.fixes(cause)):
            yield Item(3 + line, "" if line else "fix", fix)
    if not fault.causes:
        yield Item(2, "why", words.UNEXPLAINED)
        yield Item(3, "evidence", words.evidence(fault))
    yield from (Item(7, "shown by", cause.evidence) for cause in fault.causes)
    if fault.alternatives:
        others = "; or ".join(map(_explanation, fault.alternatives))
        yield Item(4, "or", others + (f"; {fault.evidence}" if fault.evidence else ""))


def _explanation(causes: Sequence[Cause]) -> str:
    return ", and ".join(map(words.why, causes)) or words.UNEXPLAINED


def _largest(report: Report) -> str:
    """The place that is furthest apart in float32, of those with a figure."""
    finite = [d for d in report.differences if np.isfinite(d.judgement.error32)]
    if not finite:
        return ""
    worst = max(finite, key=lambda difference: difference.judgement.error32)
    return f"{words.figures(worst.judgement)}, at {words.place(worst)}"


def _some(names: Sequence[str]) -> str:
    """The first three, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _fitted(items: Sequence[Item], room: int) -> list[tuple[str, str]]:
    """One line for each of the most important, and more lines to these while there are any."""
    kept = sorted(range(len(items)), key=lambda i: items[i].importance)[:room]
    spare = room - len(kept)
    wrapped = {}
    for i in kept:
        wrapped[i] = _wrapped(items[i].text, 1 + spare)
        spare -= len(wrapped[i]) - 1
    return [
        ("" if number else items[i].label, line)
        for i in sorted(kept)
        for number, line in enumerate(wrapped[i])
    ]


def _wrapped(text: str, most: int) -> list[str]:
    """The text in lines of the width, cut at the end of the last that there is room for."""
    return textwrap.wrap(text, WIDTH - LABEL, max_lines=most, placeholder=" …")
