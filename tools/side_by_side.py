"""Two programs side by side, in HTML: lines that belong together in one row, differences marked."""

import difflib
import html
from collections.abc import Iterator

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

Row = tuple[int | None, int | None]
"""The numbers of two lines that stand beside each other; None where a side has none."""


def rows(left: list[str], right: list[str]) -> Iterator[Row]:
    """Pairs the lines of two programs.

    >>> list(rows(["a = 1", "b = 2"], ["a = 1", "c = 3", "b = 2"]))
    [(0, 0), (None, 1), (1, 2)]
    """
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        for offset in range(max(i_end - i, j_end - j)):
            yield (
                i + offset if i + offset < i_end else None,
                j + offset if j + offset < j_end else None,
            )


def highlighted(source: str) -> list[str]:
    """The lines of a Python program, as HTML with the classes of Pygments."""
    text = highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return text.split("\n")


def side_by_side(left: str, right: str, names: tuple[str, str]) -> str:
    """A table of two programs.

    Args:
      left: the source of one.
      right: the source of the other.
      names: what the columns are headed.
    """
    lines = left.splitlines(), right.splitlines()
    colored = highlighted(left), highlighted(right)

    def cell(side: int, number: int | None, differs: bool) -> str:
        if number is None:
            return '<td class="nothing"></td>'
        mark = ' class="differs"' if differs else ""
        return f"<td{mark}><code>{colored[side][number]}</code></td>"

    body = []
    for pair in rows(*lines):
        i, j = pair
        differs = i is None or j is None or lines[0][i] != lines[1][j]
        cells = "".join(cell(side, number, differs) for side, number in enumerate(pair))
        body.append(f"<tr>{cells}</tr>")
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    return (
        '<div class="side-by-side highlight" tabindex="0" role="region" '
        f'aria-label="{html.escape(" beside ".join(names))}"><table class="programs">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )
