"""Kills trainings at random moments and lets them go on: do they end as if nothing had been?

    python -m benchmarks.kills                 100 kills; takes about ten minutes
    python -m benchmarks.kills --kills 5       a few
    python -m benchmarks.kills --write         renews docs/crash-proof.md

Real processes of `jaxnn train`, with batch norm, dropout, shifts, a schedule, early stopping and a
ragged batch, on 2 000 images of MNIST; real SIGKILLs. A third of them come at a random moment of
the start, a third at one of the training, a third when a checkpoint is seen half written.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.machine import in_words, machine
from benchmarks.pages import filled
from jaxnn import data, sealed

DOCS = Path(__file__).parents[1] / "docs"
OPTIONS = [
    *("--data", "./digits", "--hidden", "512", "256", "--batch-norm", "--dropout", "0.2"),
    *("--max-shift", "1", "--schedule", "cosine", "--early-stopping", "20"),
    *("--batch-size", "96", "--epochs", "30", "--quiet"),
]
MOMENTS = ("at start-up", "in an epoch", "while saving")


def write_digits(folder: Path, count: int = 2000) -> None:
    """The first digits of MNIST, as a folder of IDX files."""
    folder.mkdir()
    for part, dataset in zip(("train", "t10k"), data.load("mnist"), strict=True):
        for kind, array in (("images-idx3", dataset.images), ("labels-idx1", dataset.labels)):
            some = np.asarray(array[:count], np.uint8)
            header = bytes([0, 0, 8, some.ndim]) + np.array(some.shape, ">u4").tobytes()
            (folder / f"{part}-{kind}-ubyte").write_bytes(header + some.tobytes())


def start(folder: Path, run: str) -> subprocess.Popen:
    """`jaxnn train --resume` in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "jaxnn", "train", *OPTIONS, "--resume", "--out", run],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(DOCS.parent), "JAXNN_CACHE": str(folder / "cache")},
    )


def finish(folder: Path, run: str) -> tuple[str, float]:
    """Trains to the end: what was said on standard error, and the seconds it took."""
    started = time.perf_counter()
    process = start(folder, run)
    errors = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f"{run}: status {process.returncode}: {errors}")
    return errors, time.perf_counter() - started


def result(run: Path) -> tuple:
    """All that a run has come to: arrays of its checkpoints, history and results, but for times."""
    arrays = {
        path.name: {name: array.tobytes() for name, array in sealed.read(path)[0].items()}
        for path in (run / "checkpoints").iterdir()
    }
    rows = map(json.loads, (run / "history.jsonl").read_text().splitlines())
    history = [{name: row[name] for name in row.keys() - {"seconds"}} for row in rows]
    results = json.loads((run / "results.json").read_text())
    return arrays, history, {name: results[name] for name in results.keys() - {"training_seconds"}}


def kill(folder: Path, run: str, moment: str, after: float) -> str:
    """Starts a training and kills it; says in what state it was met, and how far it had come."""
    process, checkpoints = start(folder, run), folder / run / "checkpoints"

    def half_written():
        with contextlib.suppress(FileNotFoundError):
            return any(name.startswith(".step-") for name in os.listdir(checkpoints))
        return False

    deadline = time.perf_counter() + after
    while process.poll() is None and time.perf_counter() < deadline:
        time.sleep(0.001)
    while moment == "while saving" and process.poll() is None and not half_written():
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    saved = sorted(path.name for path in checkpoints.glob("step-*"))
    for name in saved:
        sealed.read(checkpoints / name)  # whatever has its name is complete
    if half_written():
        return "while saving"
    if process.returncode != -signal.SIGKILL:
        return "after its end"
    return "in an epoch" if saved else "at start-up"


def measure(kills: int, seed: int, write=print) -> dict:
    """Kills and takes up so many trainings, and compares each with one that was left alone."""
    draw = random.Random(seed)
    met, equal, resumed = Counter(), Counter(), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_digits(folder / "digits")
        finish(folder, "first")  # compiles, which the others need not
        started = time.time()
        finish(folder, "alone")
        begun, ended = (
            (folder / "alone" / name).stat().st_mtime - started
            for name in ("config.json", "history.jsonl")
        )
        expected = result(folder / "alone")
        for number in range(kills):
            moment = MOMENTS[number % len(MOMENTS)]
            between = (0.0, begun) if moment == "at start-up" else (begun, ended)
            where = kill(folder, "killed", moment, draw.uniform(*between))
            resumed.append(finish(folder, "killed")[1])
            met[where] += 1
            equal[where] += result(folder / "killed") == expected
            shutil.rmtree(folder / "killed")
            write(f"{number + 1}: killed {where}; bit-equal so far: {equal.total()}")
    rows = {where: {"kills": met[where], "bit-equal": equal[where]} for where in met}
    return {"kills": rows, "begun after": begun, "ended after": ended, "resumed in": resumed}


def table(measured: dict) -> str:
    """The figures as a table in Markdown."""
    lines = ["| killed | how often | ended bit-equal |", "|---|---|---|"]
    for where, row in sorted(measured["kills"].items()):
        lines.append(f"| {where} | {row['kills']} | {row['bit-equal']} |")
    totals = [sum(r[name] for r in measured["kills"].values()) for name in ("kills", "bit-equal")]
    lines.append(f"| **all** | **{totals[0]}** | **{totals[1]}** |")
    return "\n".join(lines)


def write(name: str, here: dict, measured: dict, shown: str) -> None:
    """Renews a JSON and the page of what is crash-proof."""
    path = DOCS / "data" / f"{name}.json"
    path.write_text(json.dumps({"machine": here, "measured": measured}, indent=1) + "\n")
    page, figures = DOCS / "crash-proof.md", {name: f"{shown}\n\n{in_words(here)}"}
    page.write_text(filled(page.read_text(encoding="utf-8"), figures.get), encoding="utf-8")


def main() -> None:
    """Measures, prints, and writes if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100, help="how many (100)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument("--write", action="store_true", help="renews the figures of the docs")
    arguments = parser.parse_args()
    here, measured = machine(), measure(arguments.kills, arguments.seed)
    print(f"{table(measured)}\n\n{in_words(here)}")
    if arguments.write:
        write("kills", here, measured, table(measured))


if __name__ == "__main__":
    main()
