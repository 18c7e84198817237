"""How often the parity engine names what is wrong, on ports with mistakes that we know.

    python -m benchmarks.parity_mutations                  # ports with one mistake
    python -m benchmarks.parity_mutations --only adam      # of those ports only
    python -m benchmarks.parity_mutations --two 120        # ports with two mistakes
    python -m benchmarks.parity_mutations --right 120      # ports without any
    python -m benchmarks.parity_mutations --trainings      # trainings with one mistake
    python -m benchmarks.parity_mutations --write          # all, to docs/parity-mutations.md

The ports are those of `tests/parity/ports`: the mistakes are made in the code of the JAX side,
where the engine looks for them by changing what PyTorch computes.
"""

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import jax

from tests.parity.ports.everything import PORTS
from tests.parity.ports.score import both_named, doubles, outcome, report_of
from tests.parity.training_pairs import MISTAKES, MODELS, mistaken
from torch_port.parity import compare_training

PAGE = Path(__file__).parents[1] / "docs" / "parity-mutations.md"

TWO, RIGHT = 100, 140
"""How many ports with two mistakes, and without any, stand on the page."""

SAYS = {
    "verdict": "the verdict is semantic",
    "cause": "the mistake is the first cause named",
    "place": "the first fault is where it was made",
    "constant": "the constant is recovered, where there is one",
    "step": "the first step that differs is the one where it shows",
}


class Row(NamedTuple):
    """A line of a table, and what in it is right."""

    cells: tuple[str, ...]
    right: dict[str, bool]


def numbered(only: str) -> list[int]:
    """The ports whose names contain a word."""
    return [i for i, port in enumerate(PORTS) if only in port.name]


def mutant_row(task: tuple[int, int]) -> Row:
    """What was said of a port with one mistake."""
    port = PORTS[task[0]]
    mutant = port.mutants[task[1]]
    found = _tried(lambda: outcome(port, mutant))
    if isinstance(found, str):
        said = (found, "", "", "", "")
        return Row(
            (port.name, str(mutant), *said), dict.fromkeys(("verdict", "cause", "place"), False)
        )
    cause, place = found.cause or "(none)", found.place
    if not found.right["cause"]:
        cause += f", not **{mutant.cause}**"
    if not found.right["place"]:
        step = "" if mutant.step is None else f", step {mutant.step}"
        place += f", not **{mutant.place}{step}**"
    constant = _shown(found.constant) if mutant.constant is not None else ""
    if not found.right.get("constant", True):
        constant += f", not **{mutant.constant:.5g}**"
    said = found.verdict, cause, place, constant, f"{found.seconds:.1f}"
    return Row((port.name, str(mutant), *said), dict(found.right))


def double_row(task: tuple[int, int]) -> Row:
    """What was said of a port with two mistakes."""
    port, (first, second) = PORTS[task[0]], doubles(PORTS[task[0]], TWO)[task[1]]
    found = _tried(lambda: both_named(port, first, second))
    right, named = (False, found) if isinstance(found, str) else found
    made = f"{first}; {second}", f"{first.cause}, {second.cause}"
    return Row((port.name, *made, named if right else f"**{named or '(none)'}**"), {"both": right})


def right_row(task: tuple[int, float, int]) -> Row:
    """What was said of a port without a mistake."""
    number, scale, seed = task
    port = PORTS[number]
    found = _tried(lambda: report_of(port, {}, seed, scale).verdict)
    return Row(
        (port.name, f"{scale:g}", str(seed), found), {"right": found in ("equal", "rounding")}
    )


def training_row(task: tuple[str, str]) -> Row:
    """What was said of a training with one mistake."""
    sides, training, (cause, step) = mistaken(*task)
    found = _tried(lambda: compare_training(*sides, **training))
    if isinstance(found, str):
        return Row((*task, found, "", ""), dict.fromkeys(("verdict", "cause", "step"), False))
    first = found.causes[0].id if found.causes else "(none)"
    seen = found.first.step if found.first else 0
    right = {"verdict": found.verdict == "semantic", "cause": first == cause, "step": seen == step}
    said = first if right["cause"] else f"{first}, not **{cause}**"
    return Row((*task, found.verdict, said, str(seen)), right)


def _tried(compute: Callable[[], Any]) -> Any:
    """The result, or the error in words: a table that breaks off says nothing."""
    try:
        return compute()
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:120]


def _shown(constant: Any) -> str:
    return f"{constant:.5g}" if isinstance(constant, float) else str(constant)


def mutant_tasks(ports: Sequence[int]) -> list[tuple[int, int]]:
    """Every mutant of these ports."""
    return [(i, j) for i in ports for j in range(len(PORTS[i].mutants))]


def double_tasks(ports: Sequence[int], count: int) -> list[tuple[int, int]]:
    """So many pairs of mistakes, spread evenly over the ports that have pairs."""
    each = [[(i, j) for j in range(len(doubles(PORTS[i], TWO)))] for i in ports]
    rounds = (pairs[n] for n in range(TWO) for pairs in each if n < len(pairs))
    return sorted(pair for pair, _ in zip(rounds, range(count), strict=False))


def right_tasks(ports: Sequence[int], count: int) -> list[tuple[int, float, int]]:
    """So many right ports: every one at its scales, then with other seeds."""
    rounds = ((i, s, seed) for seed, i in product(range(count), ports) for s in PORTS[i].scales)
    return [task for task, _ in zip(rounds, range(count), strict=False)]


def computed(row: Callable[[Any], Row], tasks: Sequence[Any], jobs: int) -> list[Row]:
    """The rows, by several processes; each is shown as it comes."""
    context = multiprocessing.get_context("spawn")
    rows = []
    with ProcessPoolExecutor(jobs, context, initializer=_as_users) as pool:
        for found in pool.map(row, tasks, chunksize=3):
            rows.append(found)
            wrong = [figure for figure, right in found.right.items() if not right]
            print(*found.cells, "WRONG: " + ", ".join(wrong) if wrong else "", sep="  ",
                  file=sys.stderr, flush=True)  # fmt: skip
    return rows


def _as_users() -> None:
    jax.config.update("jax_enable_x64", True)


def table(head: Sequence[str], rows: Iterable[Row]) -> list[str]:
    """In Markdown."""
    cells = (head, ["---"] * len(head), *(row.cells for row in rows))
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in cells]


def summary(rows: Sequence[Row]) -> list[str]:
    """How many of the rows are right, by figure."""
    lines = []
    for figure, says in SAYS.items():
        known = [row.right[figure] for row in rows if figure in row.right]
        if known:
            share = f"{sum(known)} of {len(known)} ({sum(known) / len(known):.1%})"
            lines.append(f"- {says}: {share}")
    return lines


def mutants_part(ports: Sequence[int], jobs: int) -> list[str]:
    """The section of ports with one mistake."""
    rows = computed(mutant_row, mutant_tasks(ports), jobs)
    head = "port", "what is wrong", "verdict", "cause named first", "place", "constant", "s"
    about = f"{len(rows)} ports with one mistake, made from {len(ports)} right ones:"
    return ["## One mistake", "", about, "", *summary(rows), "", *table(head, rows), ""]


def doubles_part(ports: Sequence[int], count: int, jobs: int) -> list[str]:
    """The section of ports with two mistakes."""
    rows = computed(double_row, double_tasks(ports, count), jobs)
    right = sum(row.right["both"] for row in rows)
    about = f"Both are named in {right} of {len(rows)} ({right / len(rows):.1%})."
    head = "port", "what is wrong", "causes", "named"
    return ["## Two mistakes", "", about, "", *table(head, rows), ""]


def trainings_part(jobs: int) -> list[str]:
    """The section of trainings."""
    rows = computed(training_row, [*product(MODELS, MISTAKES)], jobs)
    head = "training", "what is wrong", "verdict", "cause named first", "first step"
    about = f"{len(rows)} trainings with one mistake, in {len(MODELS)} right ones:"
    return ["## Trainings", "", about, "", *summary(rows), "", *table(head, rows), ""]


def right_part(ports: Sequence[int], count: int, jobs: int) -> list[str]:
    """The section of ports without mistakes."""
    rows = computed(right_row, right_tasks(ports, count), jobs)
    alarms = [row for row in rows if not row.right["right"]]
    about = (
        f"{len(rows)} right ports, each at up to three scales of its inputs or parameters and with "
        f"several seeds: {len(alarms)} alarms."
    )
    head = "port", "scale", "seed", "verdict"
    return ["## No mistake", "", about, "", *(table(head, alarms) if alarms else []), ""]


INTRODUCTION = """\
# What the parity engine names

Written by `python -m benchmarks.parity_mutations --write`, from the ports in `tests/parity/ports`.
Each is a PyTorch program or optimiser and its port to JAX, with the mistakes that people make in
such ports. The mistakes are made in the code of the JAX side; the engine looks for them by changing
what PyTorch computes. A place is the kind and JAX path of the first fault; a function has no
layers: its place is the output, and what must be named is PyTorch's module at fault ("at").
Where the engine said otherwise, what it should have said is bold.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="ports whose names contain this")
    parser.add_argument("--two", type=int, default=0, help="so many with two mistakes instead")
    parser.add_argument("--right", type=int, default=0, help="so many without any instead")
    parser.add_argument("--trainings", action="store_true", help="trainings instead")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help="everything, to the page")
    given = parser.parse_args()
    ports, jobs = numbered(given.only), given.jobs
    if given.write:
        parts = (
            mutants_part(ports, jobs),
            doubles_part(ports, TWO, jobs),
            trainings_part(jobs),
            right_part(ports, RIGHT, jobs),
        )
        PAGE.write_text("\n".join([INTRODUCTION, *(line for part in parts for line in part)]))
    elif given.trainings:
        print("\n".join(trainings_part(jobs)))
    elif given.two or given.right:
        parts = [doubles_part(ports, given.two, jobs)] if given.two else []
        parts += [right_part(ports, given.right, jobs)] if given.right else []
        print("\n".join(line for part in parts for line in part))
    else:
        print("\n".join(mutants_part(ports, jobs)))


if __name__ == "__main__":
    main()
