"""What a sweep leaves: a table of its members, their curves, and the best of them."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxnn.files import write_atomically
from jaxnn.plots.table import value_in_words
from jaxnn.sweep.grid import Member

SHOWN = 20
"""Rows of a printed table."""


class SweepResult(NamedTuple):
    """What `sweep.fit` leaves.

    Attributes:
      rows: one dictionary a member, in the order of the grid: its hyperparameters, `status`
        ("finished", or in which epoch it diverged), the figures of its last epoch (`loss`, ...),
        of its best (`best_loss`, ...: the smallest loss, the highest accuracy), and `seconds`.
        None stands for a figure that is not finite.
      curves: the history of each member, one dictionary an epoch as `train.fit` has it.
      metric: what members are compared by: `validation_loss`, or without validation data `loss`,
        of the last epoch.
    """

    rows: list[dict[str, Any]]
    curves: list[list[dict[str, Any]]]
    metric: str

    @property
    def best(self) -> dict[str, Any]:
        """The row of the smallest `metric` among the members that finished."""
        best = self.ranked()[0]
        if not _is_sound(best, self.metric):
            raise ValueError(f"SweepResult: no member finished with a finite {self.metric}")
        return best

    def ranked(self) -> list[dict[str, Any]]:
        """The rows from the best to the worst; those that did not finish are last."""
        order = lambda row: row[self.metric] if _is_sound(row, self.metric) else float("inf")
        return sorted(self.rows, key=order)

    def to_csv(self, path: str | os.PathLike) -> None:
        """Writes the rows as a table, complete or not at all.

        Args:
          path: of the file, such as `table.csv`.
        """
        content = io.StringIO(newline="")
        writer = csv.DictWriter(content, [*self.rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {name: _exactly(value) for name, value in row.items()} for row in self.rows
        )
        write_atomically(path, content.getvalue())

    def __repr__(self) -> str:
        hidden = {"seconds", *(name for name in self.rows[0] if name.startswith("best_"))}
        if all(row["status"] == "finished" for row in self.rows):
            hidden.add("status")
        names = [name for name in self.rows[0] if name not in hidden]
        lines = [names, *([_short(row[name]) for name in names] for row in self.ranked()[:SHOWN])]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        more = len(self.rows) - SHOWN
        return "\n".join([*table, f"... and {more} more"] if more > 0 else table)


def make_result(members: Sequence[Member], records: Mapping[int, Mapping[str, Any]]) -> SweepResult:
    """Puts the records of all members together."""
    rows, curves = [], []
    for member in members:
        record = records[member.number]
        history = record["history"]
        row = {**member.row, "status": record["status"]}
        row |= {name: value for name, value in history[-1].items() if name != "epoch"}
        row |= {f"best_{name}": _best(name, history) for name in history[0] if name != "epoch"}
        rows.append(row | {"seconds": record["seconds"]})
        curves.append(history)
    metric = "validation_loss" if "validation_loss" in rows[0] else "loss"
    return SweepResult(rows, curves, metric)


def _best(name: str, history: Sequence[Mapping[str, Any]]) -> float | None:
    """The smallest loss or the highest accuracy among those that are finite."""
    values = [row[name] for row in history if row[name] is not None]
    best = max if name.endswith("accuracy") else min
    return best(values, default=None)


def _is_sound(row: Mapping[str, Any], metric: str) -> bool:
    return row["status"] == "finished" and row[metric] is not None


def _exactly(value: Any) -> Any:
    """Floats with all digits; nothing for what is not finite."""
    return value if value is None or isinstance(value, float) else value_in_words(value)


def _short(value: Any) -> str:
    return "not finite" if value is None else value_in_words(value)
