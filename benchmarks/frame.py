"""What every topic of `python -m benchmarks` is, and what they are made with.

A topic is a module of this package with four functions:

    measure(settings) -> anything that JSON holds      all measuring; nothing else is slow
    tables(measured) -> list[Table]                    to print, and for docs/benchmarks.md
    targets(measured) -> list[Target]                  what issue 6 asks for, and what came
    figures(measured) -> dict[str, Figure]             by file name, for docs/images

`measured` is what `measure` gave, after a way through JSON: keys are strings, tuples are lists. The
last three are given what an earlier run has measured as well, and load neither JAX nor PyTorch.
"""

import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]


class Settings(NamedTuple):
    """How to measure: `rounds` is how often, `quick` asks for tiny sizes."""

    rounds: int
    quick: bool


class Contender(NamedTuple):
    """Who is measured: `function` is "package.module:name", and is called with `options`.

    It prepares all that is not to be measured and returns a function without arguments, which is
    what is timed. It waits for its results, and what it returns is kept with the timings.
    `environment` is added to that of its process.
    """

    function: str
    options: Mapping[str, Any]
    environment: Mapping[str, str] = MappingProxyType({})


class Table(NamedTuple):
    """A table: the first column names the rows, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Target(NamedTuple):
    """A figure that is asked for: `value` is to be at most or at least the `limit`."""

    name: str
    value: float
    bound: str
    limit: float

    @property
    def met(self) -> bool:
        """Whether the value is on its side of the limit."""
        return self.value <= self.limit if self.bound == "at most" else self.value >= self.limit


class Unavailable(Exception):
    """Raised by a contender that cannot run on this machine; its text says why."""


class _Worker:
    """A contender in a process of its own, which waits until it is told to run."""

    def __init__(self, name: str, contender: Contender):
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", *_arguments(contender)],
            cwd=ROOT,
            env={**os.environ, **contender.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.missing = self._answer().get("missing")

    def run(self) -> dict[str, Any]:
        """Runs the contender once: `seconds`, and the `value` that it returned."""
        assert self.process.stdin
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: its process has ended, see above")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()  # an end of its input is what ends a worker


def _arguments(contender: Contender) -> list[str]:
    return [contender.function, json.dumps(contender.options)]


def in_turn(
    contenders: Mapping[str, Contender], rounds: int, warm_up: int = 2
) -> dict[str, dict[str, Any]]:
    """Measures contenders side by side: in each round every one runs once, in its own process.

    Whatever else the machine does meets all of them alike. The order turns from round to round.

    Args:
      contenders: by the names of their rows.
      rounds: how often each is measured.
      warm_up: runs before the first round, which compile and are not measured.

    Returns:
      By name `{"first": seconds of the first run, "seconds": [of every round], "value": what the
      last run returned}`, or `{"missing": why it could not run}`.
    """
    measured: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        workers = []
        for name, contender in contenders.items():
            worker = stack.enter_context(_Worker(name, contender))
            if worker.missing:
                measured[name] = {"missing": worker.missing}
                continue
            first, *_ = [worker.run()["seconds"] for _ in range(warm_up)] or [None]
            measured[name] = {"first": first, "seconds": []}
            workers.append(worker)
        for turn in range(rounds):
            start = turn % max(len(workers), 1)
            for worker in workers[start:] + workers[:start]:
                answer = worker.run()
                measured[worker.name]["seconds"].append(answer["seconds"])
                measured[worker.name]["value"] = answer["value"]
    return measured


def median(measured: Mapping[str, Any], name: str) -> float:
    """The median seconds of a contender; not a number if it could not run."""
    return statistics.median(measured.get(name, {}).get("seconds") or [float("nan")])


def ratio(measured: Mapping[str, Any], name: str, other: str) -> float:
    """How many times as long as another a contender takes, medians of the same rounds."""
    return median(measured, name) / median(measured, other)


def medians(measured: Mapping[str, Any]) -> dict[str, float]:
    """The median seconds of those contenders that could run."""
    return {name: median(measured, name) for name in measured if "seconds" in measured[name]}


def best(measured: Mapping[str, Any], names: Sequence[str]) -> str:
    """The fastest of some contenders; the first of them if none could run."""
    seconds = medians({name: measured[name] for name in names})
    return min(seconds, key=seconds.__getitem__, default=names[0])


def times(
    title: str, measured: Mapping[str, Any], base: str, *, runs: int = 1, first: bool = True
) -> Table:
    """The table of contenders that were measured in turn, each beside `base`.

    Args:
      title: of the table.
      measured: of `in_turn`.
      base: the contender whose time is 1.
      runs: how many times a run did what the table shows, such as the steps of an epoch.
      first: whether to show the first run, which compiles.
    """
    rows = []
    for name, figures in measured.items():
        if "missing" in figures:
            rows.append([name, figures["missing"], *[""] * (2 + first)])
            continue
        seconds = [s / runs for s in figures["seconds"]]
        middle = statistics.median(seconds)
        spread = f"{duration(min(seconds))} to {duration(max(seconds))}"
        row = [name, duration(middle), spread, f"{ratio(measured, name, base):.2f}"]
        rows.append([*row, duration(figures["first"] / runs)] if first else row)
    columns = ["", "median", "least to most", "ratio", *["first run"][:first]]
    return Table(title, columns, rows)


def duration(seconds: float) -> str:
    """A time with three digits, in the unit that suits it; a dash where there is none.

    >>> duration(12.3456), duration(0.01234), duration(85.04e-6)
    ('12.3 s', '12.3 ms', '85.0 µs')
    """
    if math.isnan(seconds):
        return "—"
    units = ("s", 1), ("ms", 1e-3), ("µs", 1e-6)
    unit, size = next((unit for unit in units if seconds >= unit[1]), units[-1])
    return f"{seconds / size:#.3g}".rstrip(".") + f" {unit}"


def markdown(table: Table) -> str:
    """A table as Markdown whose columns stand below each other as plain text too.

    >>> print(markdown(Table("Speed", ["", "time"], [["ours", "1 s"], ["theirs", "10 s"]])))
    |        | time |
    |--------|-----:|
    | ours   |  1 s |
    | theirs | 10 s |
    """
    widths = [max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True)]

    def line(cells):
        first, *others = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join([first, *others])} |"

    first, *others = widths
    rule = "|".join(["-" * (first + 2), *("-" * (width + 1) + ":" for width in others)])
    return "\n".join([line(table.columns), f"|{rule}|", *map(line, table.rows)])
