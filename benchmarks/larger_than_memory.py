"""Trains on a data set that stays on disk: how much memory it takes, how long the device waits.

    python -m benchmarks.larger_than_memory                    8 GB, one epoch; takes minutes
    python -m benchmarks.larger_than_memory --gigabytes 0.1    does it run?
    python -m benchmarks.larger_than_memory --write            renews docs/larger-than-memory.md

MNIST's digits, eight times as wide and as high, stand in a file made for the occasion in a
temporary folder and removed at the end. The system is told to forget the file's pages before the
training begins, so that images come from the disk. Linux only: memory is read from /proc.
"""

import argparse
import json
import os
import re
import tempfile
import threading
from pathlib import Path

import jax
import numpy as np

from benchmarks.machine import in_words, machine
from benchmarks.pages import filled
from jaxnn import data, losses, models, optim, streaming, train

DOCS = Path(__file__).parents[1] / "docs"
PIECE = 1000
OWN = "RssAnon", "RssShmem"


def write_images(folder: Path, count: int, zoom: int) -> data.Dataset:
    """Writes so many digits, so many times as large, a piece at a time, and opens them."""
    digits, _ = data.load("mnist")
    images = np.lib.format.open_memmap(
        folder / "images.npy", mode="w+", dtype=np.uint8, shape=(count, 28 * zoom, 28 * zoom)
    )
    numbers = np.arange(count) % digits.size
    for start in range(0, count, PIECE):
        piece = digits.images[numbers[start : start + PIECE]]
        images[start : start + PIECE] = piece.repeat(zoom, axis=1).repeat(zoom, axis=2)
    images.flush()
    np.save(folder / "labels.npy", digits.labels[numbers])
    del images
    forget(folder / "images.npy")
    return streaming.open_npy(folder / "images.npy", folder / "labels.npy", num_classes=10)


def forget(path: Path) -> None:
    """Tells the system to drop a file's pages from memory."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def own_memory() -> int:
    """Bytes of this process's memory that are no pages of a file."""
    status = Path("/proc/self/status").read_text()
    return sum(1024 * int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in OWN)


def peak_during(work) -> tuple[int, object]:
    """The largest `own_memory` while some work is done, looked at every 20 ms, and its result."""
    peak, done = [own_memory()], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], own_memory())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        result = work()
    finally:
        done.set()
        thread.join()
    return peak[0], result


def measure(gigabytes: float, epochs: int, folder: Path | None, zoom: int = 8) -> dict:
    """Makes the file, trains on it, and removes it."""
    side = 28 * zoom
    count = max(1, round(gigabytes * 1e9 / side**2))
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        dataset = write_images(Path(temporary), count, zoom)
        peak, result = peak_during(
            lambda: train.fit(
                models.image_classifier((side, side), (256, 128), 10),
                optim.adam(1e-3),
                dataset,
                loss=losses.softmax_cross_entropy,
                epochs=epochs,
                batch_size=64,
                key=jax.random.key(0),
            )
        )
        return {
            "bytes on disk": (Path(temporary) / "images.npy").stat().st_size,
            "images": count,
            "peak of own memory": peak,
            "device": jax.devices()[0].device_kind,
            "history": result.history,
        }


def table(measured: dict) -> str:
    """The figures as a table in Markdown, one row an epoch."""
    size, peak = measured["bytes on disk"] / 1e9, measured["peak of own memory"] / 1e9
    lines = [
        "| epoch | on disk | memory of its own | seconds | images a second | waiting for data |",
        "|---|---|---|---|---|---|",
    ]
    for row in measured["history"]:
        speed = measured["images"] / row["seconds"]
        lines.append(
            f"| {row['epoch']} | {size:.2f} GB | {peak:.2f} GB | {row['seconds']:.0f} "
            f"| {speed:,.0f} | {row['waiting']:.1%} |"
        )
    return "\n".join(lines)


def write(measured: dict, here: dict) -> None:
    """Renews the JSON and the page."""
    path = DOCS / "data" / "larger-than-memory.json"
    path.write_text(json.dumps({"machine": here, "measured": measured}, indent=1) + "\n")
    page = DOCS / "larger-than-memory.md"
    figures = {"larger_than_memory": f"{table(measured)}\n\n{in_words(here)}"}
    page.write_text(filled(page.read_text(encoding="utf-8"), figures.get), encoding="utf-8")


def main() -> None:
    """Measures, prints, and writes if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=8.0, help="size of the file (8)")
    parser.add_argument("--epochs", type=int, default=1, help="passes over it (1)")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured")
    parser.add_argument("--write", action="store_true", help="renews the figures of the docs")
    arguments = parser.parse_args()
    here = machine()
    print(in_words(here), flush=True)
    measured = measure(arguments.gigabytes, arguments.epochs, arguments.folder)
    print(table(measured))
    if arguments.write:
        write(measured, here)


if __name__ == "__main__":
    main()
