"""The docstrings as Griffe is to read them: every doctest stands in a section of its own."""

import re
import textwrap

import griffe


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


class Examples(griffe.Extension):
    """Gives every docstring its section of examples."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring:
            obj.docstring.value = with_section(obj.docstring.value)
