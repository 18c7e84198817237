"""What all examples end with: a table to read, a picture, the findings as a file."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxnn import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints rows under a header, the first column to the left, numbers to the right.

    >>> print_table(["optimiser", "loss"], [["sgd", 0.25], ["adam", 0.125]])
    optimiser   loss
    sgd         0.25
    adam       0.125
    """
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join(cells).rstrip())


def save_figure(example: str, out: Path, figure: "Figure", suffix: str = "") -> None:
    """Saves a figure as `out/NN_name.png`, or with a suffix as `out/NN_name_suffix.png`.

    Args:
      example: the example's `__file__`.
      out: the folder, made if need be.
      figure: what it drew.
      suffix: which of several pictures this is.
    """
    stem = "_".join(filter(None, [Path(example).stem, suffix]))
    plots.save(figure, out / f"{stem}.png")


def save_findings(example: str, out: Path, findings: dict[str, Any]) -> dict[str, Any]:
    """Writes what was found to `out/NN_name.json` and returns it.

    Args:
      example: the example's `__file__`.
      out: the folder, made if need be.
      findings: numbers, strings and lists of them, by name; those of an example and of its twin
        that have one name agree, but for names that begin with `seconds`.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{Path(example).stem}.json"
    path.write_text(json.dumps(findings, indent=1) + "\n")
    return findings
