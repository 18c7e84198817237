"""Builds the gallery: runs the examples one after another, each as a user would run it.

    python -m examples                all of them into docs/gallery
    python -m examples 03 17          those whose names begin so, and their twins
    python -m examples --small --out FOLDER

Of every example it keeps the picture, the findings and what was printed.
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import tyro

HERE = Path(__file__).parent


def programs(beginnings: tuple[str, ...] = ()) -> list[Path]:
    """The examples whose names begin with one of these, or all, in the lecture's order.

    >>> [path.name for path in programs(("01",))][:1]
    ['01_one_neuron.py']
    """
    numbered = sorted(HERE.glob("[0-9][0-9]_*.py"))
    return [path for path in numbered if path.name.startswith(beginnings or "")]


def run(program: Path, out: Path, small: bool = False) -> float:
    """Runs one example in a process of its own and keeps what it prints; returns its seconds.

    Raises:
      CalledProcessError: the example failed; what it said is on the standard error.
    """
    command = [sys.executable, str(program), "--out", str(out), *(["--small"] if small else [])]
    started = time.perf_counter()
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{program.stem}.txt").write_text(printed)
    return time.perf_counter() - started


def main(
    beginnings: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    small: bool = False,
    out: Path = HERE.parent / "docs" / "gallery",
) -> None:
    """Builds the gallery.

    Args:
      beginnings: only the examples whose names begin so.
      small: each in a few seconds, on less data: to see that it runs.
      out: where pictures, findings and printed lines go.
    """
    chosen = programs(beginnings)
    if not chosen:
        sys.exit(f"python -m examples: no example's name begins with {' or '.join(beginnings)}")
    total = 0.0
    for program in chosen:
        total += (seconds := run(program, out.absolute(), small))
        print(f"{program.name:40} {seconds:5.1f} s", flush=True)
    print(f"{'in all':40} {total:5.1f} s, in {out}")


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
