"""The docstrings as Griffe is to read them: doctests in their section, equations marked."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import griffe
from mkdocs.exceptions import PluginError

from tools import prose
from tools.equations import NotAnEquation

UNTOUCHED = {griffe.DocstringSectionKind.examples, griffe.DocstringSectionKind.admonition}
"""Programs, and what is quoted."""


def with_section(docstring: str) -> str:
    """Heads the examples `Examples:`, as Griffe has it, whether or not they have a heading.

    >>> print(with_section("One more.\\n\\n>>> one_more(1)\\n2"))
    One more.
    <BLANKLINE>
    Examples:
        >>> one_more(1)
        2
    """
    named = re.sub(r"^Example:$", "Examples:", docstring, flags=re.M)
    if "\nExamples:\n" in named or not (first := re.search(r"^>>> ", named, re.M)):
        return named
    text, examples = named[: first.start()], named[first.start() :]
    return f"{text}Examples:\n{textwrap.indent(examples, '    ')}"


def texts(docstring: griffe.Docstring) -> Iterator[tuple[Any, str]]:
    """Where the texts are that Griffe has read: objects, and the names of their attributes."""
    for section in docstring.parsed:
        if section.kind is griffe.DocstringSectionKind.text:
            yield section, "value"
        elif section.kind not in UNTOUCHED:
            for item in section.value:
                yield item, "description"


def mark_equations(docstring: griffe.Docstring) -> None:
    """Marks the equations of a docstring, and the letters of them that stand alone."""
    known = prose.letters("\n\n".join(getattr(part, name) for part, name in texts(docstring)))
    for part, name in texts(docstring):
        setattr(part, name, prose.with_equations(getattr(part, name), known))


class Docstrings(griffe.Extension):
    """Gives every docstring its section of examples, and marks its equations."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring:
            obj.docstring.value = with_section(obj.docstring.value)
            try:
                mark_equations(obj.docstring)
            except NotAnEquation as error:
                raise PluginError(f"{obj.path}: {error}") from error
