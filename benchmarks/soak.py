"""Trains one network after another in one process: does it hold on to memory, files or threads?

    python -m benchmarks.soak                  thirty minutes
    python -m benchmarks.soak --minutes 1      does it run?
    python -m benchmarks.soak --write          renews docs/crash-proof.md

Each round makes a new network, trains it for two epochs with a validation set, saves and restores
checkpoints, goes on for an epoch, measures it and draws its curves. Before each sample the C
library gives back the pages that it only keeps for later (`malloc_trim`): what is left is held.
Linux with glibc only.
"""

import argparse
import ctypes
import gc
import os
import tempfile
import threading
import time
from pathlib import Path

import jax

from benchmarks.kills import DOCS, write
from benchmarks.machine import in_words, machine
from jaxnn import callbacks, checkpoint, data, losses, models, optim, plots, train
from jaxnn.plots.style import RIGHT, WIDTH, new_figure, style

WARM_UP = 0.1
"""The share of the rounds that is not judged: caches fill."""

COLUMNS = ("seconds", "resident memory in MB", "open files", "threads")


def one_round(number: int, digits: data.Dataset) -> None:
    """A training from its beginning to its pictures."""
    width = (16, 24, 32)[number % 3]
    model = models.image_classifier((28, 28), (width,), 10, batch_norm=True, dropout=0.1)
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "loss": losses.softmax_cross_entropy,
            "batch_size": 96,
            "key": jax.random.key(number),
            "validation": digits,
            "callbacks": [callbacks.save_checkpoints(folder, {"width": width})],
        }
        train.fit(model, optim.adam(1e-3), digits, epochs=2, **settings)
        saved = checkpoint.load(folder)
        result = train.fit(model, optim.adam(1e-3), digits, epochs=3, resume=saved, **settings)
        plots.save(plots.loss_curves(result.history), Path(folder, "loss.png"))


def sample(started: float) -> list[float]:
    """Seconds since the start, and what the process holds."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    resident = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    files = len(os.listdir("/proc/self/fd"))
    return [time.perf_counter() - started, resident, files, threading.active_count()]


def measure(minutes: float) -> list[list[float]]:
    """A sample after every round."""
    train_set, _ = data.load("mnist")
    digits = data.Dataset(train_set.images[:1000], train_set.labels[:1000])
    started, samples = time.perf_counter(), []
    while time.perf_counter() - started < 60 * minutes:
        one_round(len(samples), digits)
        samples.append(sample(started))
    return samples


def growth(samples: list[list[float]]) -> dict[str, float]:
    """By column, how far the last tenth lies above the tenth after the warm-up, as a share."""
    judged = samples[int(WARM_UP * len(samples)) :]
    tenth = max(1, len(judged) // 10)
    mean = lambda rows, i: sum(row[i] for row in rows) / len(rows)
    return {
        name: mean(judged[-tenth:], i) / mean(judged[:tenth], i) - 1
        for i, name in enumerate(COLUMNS)
        if name != "seconds"
    }


def table(samples: list[list[float]]) -> str:
    """The figures as a table in Markdown."""
    lines = ["| | after the warm-up | at the end | growth |", "|---|---|---|---|"]
    first, last = samples[int(WARM_UP * len(samples))], samples[-1]
    for (name, share), before, after in zip(
        growth(samples).items(), first[1:], last[1:], strict=True
    ):
        lines.append(f"| {name} | {before:.0f} | {after:.0f} | {share:+.1%} |")
    return "\n".join([*lines, f"\n{len(samples)} rounds in {last[0] / 60:.0f} minutes."])


def draw(samples: list[list[float]]) -> None:
    """The memory over the minutes, into docs/images."""
    seconds, resident = ([row[i] for row in samples] for i in (0, 1))
    with style():
        figure = new_figure(WIDTH, 2.2, f"Resident memory: {resident[-1]:.0f} MB at the end.")
        axes = figure.add_subplot()
        axes.plot([second / 60 for second in seconds], resident, color=RIGHT)
        axes.set_title("Resident memory in MB, one training after another")
        axes.set_xlabel("minutes")
        axes.set_ylim(0, 1.2 * max(resident))
    plots.save(figure, DOCS / "images" / "soak.png")


def main() -> None:
    """Measures, prints, and writes if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30, help="how long (30)")
    parser.add_argument("--write", action="store_true", help="renews the figures of the docs")
    arguments = parser.parse_args()
    here, samples = machine(), measure(arguments.minutes)
    print(f"{table(samples)}\n\n{in_words(here)}")
    if arguments.write:
        draw(samples)
        rounded = [[round(value, 1) for value in row] for row in samples]
        write("soak", here, rounded, f"![resident memory](images/soak.png)\n\n{table(samples)}")


if __name__ == "__main__":
    main()
