"""The equations among words: found in Markdown and marked, and drawn where they are marked.

Of the reference, `tools/docstrings.py` marks the equations before Markdown is read; PyMdown then
calls `inline` and `display` (mkdocs.yml).
"""

import html
import re
import textwrap
from collections.abc import Iterator, Set

from tools.equations import RELATIONS, SCRIPT, SIGNS, TIMES, NotAnEquation, Reader, element

TELLTALE = re.compile(f"[←≤≥≈≠∈√⌈‖½∞−±·∂Α-Ωα-ω\u0302]|{SCRIPT}")
"""What stands in equations alone."""

TORN = re.compile(rf"\s*[{RELATIONS}{SIGNS}{TIMES}/]|[(\[{{|‖^_]")
"""What cannot follow upon an equation: there is more of it that was not read."""

START = re.compile(r"(?<![\w'’.-])\S")
END = re.compile(r"(?![\w'’-]|\.\w)")
LETTER = re.compile("(?<![A-Za-z])[A-Za-z](?![A-Za-z])")
INTERVAL = re.compile(r"[\[(][\d.]+, [\d.]+[\])]")


def statements(text: str) -> Iterator[tuple[int, int]]:
    """Where what the grammar holds begins and ends, a lone word or number too."""
    at = 0
    while start := START.search(text, at):
        reader = Reader(text, start.start())
        found = reader.attempt(reader.statement) and END.match(text, reader.at)
        at = reader.at if found else start.end()
        if found:
            yield start.start(), at


def is_equation(statement: str) -> bool:
    """Whether a statement is more than words, numbers and their brackets, or a letter."""
    has_operator = re.search(r"[=<>~+/^_|]", statement) and LETTER.search(statement)
    return bool(TELLTALE.search(statement) or has_operator or INTERVAL.fullmatch(statement))


def letters(text: str) -> set[str]:
    """The letters that stand in the equations of a text."""
    found = [text[start:end] for start, end in statements(text)]
    return {letter for each in filter(is_equation, found) for letter in LETTER.findall(each)}


def parts(text: str, known: Set[str] = frozenset()) -> Iterator[tuple[str, bool]]:
    """A text cut into what is an equation and what is not.

    Args:
      text: a sentence, or a displayed line.
      known: letters that are symbols where they stand alone, too.

    >>> list(parts("Where |r| ≤ δ it is r²/2."))
    [('Where ', False), ('|r| ≤ δ', True), (' it is ', False), ('r²/2', True), ('.', False)]
    """
    after = 0
    for start, end in statements(text):
        symbols = {*LETTER.findall(text[start:end])}
        if is_equation(text[start:end]) or (symbols and symbols <= known):
            yield words(text[after:start]), False
            yield text[start:end], True
            after = end
            if TORN.match(text, end):
                raise NotAnEquation(f"tools/equations.py cannot read {text[start:].strip()!r}")
    yield words(text[after:]), False


def words(text: str) -> str:
    """A text that holds no equation.

    Raises:
      NotAnEquation: on a sign that only equations have.
    """
    if TELLTALE.search(text):
        raise NotAnEquation(f"tools/equations.py cannot read {text.strip()!r}")
    return text


FENCE = r"^```.*?^```$"
BLOCK = r"(?<=\n\n)(?: {4}[^\n]*(?:\n|\Z))+"
CODE = r"`[^`]*`"
LINK = r"\[[^\[\]]*\]\([^)]*\)"


def with_blocks(text: str) -> str:
    """Markdown in which indented blocks that begin with an equation are marked."""

    def marked(block: re.Match) -> str:
        lines = textwrap.dedent(block[0]).strip()
        if lines.startswith("```") or not TELLTALE.search(lines):
            return block[0]
        start, end = next(statements(lines), (0, 0))
        if start > 0 or not is_equation(lines[:end]):
            return block[0]
        display(lines)  # here what cannot be read is an error, to PyMdown it is code
        return f"```math\n{lines}\n```\n"

    return re.sub(f"{FENCE}|{BLOCK}", marked, text, flags=re.M | re.S)


def with_equations(text: str, known: Set[str]) -> str:
    """Markdown in which all equations are marked, those among words too.

    >>> with_equations("With `eps` the root is √(v + ε).", set())
    'With `eps` the root is `#!math √(v + ε)`.'
    """
    pieces = re.split(f"({FENCE}|{BLOCK}|{CODE}|{LINK})", with_blocks(text), flags=re.M | re.S)
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            cut = parts(piece, known)
            pieces[number] = "".join(f"`#!math {part}`" if is_one else part for part, is_one in cut)
        elif piece.startswith(" "):
            words(piece)
    return "".join(pieces)


def math(typed: str, drawn: str, attributes: str) -> str:
    """An equation as it is seen, over it as it is typed: that is selected, copied and searched."""
    text = html.escape(typed)
    return (
        f'<span class="equation"><math{attributes} alttext="{text}" data-search-exclude="">'
        f'{drawn}</math><span aria-hidden="true">{text}</span></span>'
    )


def inline(source: str, *_: object) -> str:
    """An equation in a sentence; PyMdown's inlinehilite calls it."""
    source = " ".join(source.split())
    return math(source, Reader(source).whole(), ' displaystyle="true"')


def display(source: str, *_: object, **__: object) -> str:
    """A block of equations with words between; PyMdown's superfences call it."""
    drawn = []
    for line in map(str.strip, re.split(r"\n|(?<=[,;]) {2,}", source.strip())):
        pieces = [
            Reader(piece).whole() if is_one else element("mtext", piece.replace(" ", "\u00a0"))
            for piece, is_one in parts(line)
            if piece
        ]
        drawn.append(math(line, "".join(pieces), ' display="block"'))
    return f'<div class="equations">{" ".join(drawn)}</div>'
