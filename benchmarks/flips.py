"""Changes files one byte at a time, or cuts them there: is it noticed?

    python -m benchmarks.flips                 2 000 places in each file; takes half an hour
    python -m benchmarks.flips --places 50     a few
    python -m benchmarks.flips --write         renews docs/crash-proof.md

The files are a checkpoint of the lecture's network, MNIST's four files as the package holds them
and as the cache does, and a user's folder of IDX files. What is read must be what was there before,
or an error that names the file. IDX files have no checksum: there the SHA-256 of the data in the
run's config.json is what notices, when the run goes on or is verified.
"""

import argparse
import hashlib
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.kills import write, write_digits
from benchmarks.machine import in_words, machine
from jaxnn import checkpoint, data, models, optim, train
from jaxnn.cli import runs
from jaxnn.cli.options import TrainOptions
from jaxnn.data import mnist


def write_checkpoint(folder: Path) -> Path:
    """That of the lecture's network with Adam."""
    start = train.init_train_state(models.simple_nn(), optim.adam(1e-3), jax.random.key(0))
    return checkpoint.save(folder, start, step=0, config={"network": "simple_nn"}, loss=1.0)


def read_checkpoint(path: Path) -> Any:
    """Its arrays, as bytes."""
    saved = checkpoint.load(path.parent, step=0)
    state = saved.train_state._replace(key=jax.random.key_data(saved.train_state.key))
    return jax.tree.map(lambda array: np.asarray(array).tobytes(), state), saved.config


def read_mnist(path: Path) -> str:
    """The SHA-256 of what the package makes of one of its own files."""
    name = path.name.removesuffix(".gz")
    content = mnist._content(name) if path.suffix != ".gz" else mnist._decode(name)
    return hashlib.sha256(content).hexdigest()


def read_run(path: Path) -> str:
    """The data of a run that goes on: refused if they are not those that it began with."""
    images = runs.load_images(TrainOptions(data=str(path.parent), validation=0.0))
    found = runs.fingerprint(images)
    if found != BEGAN_WITH.setdefault(path.parent, found):
        raise ValueError(f"{path.name}: not the data that the run began with")
    return found


BEGAN_WITH: dict[Path, str] = {}


def changes(content: bytes, places: int, draw: random.Random) -> Iterator[tuple[str, int, int]]:
    """At each place, the ends first, a bit that changes, or a cut."""
    ends = [*range(32), *range(len(content) - 32, len(content))]
    for number, place in enumerate(
        ends + [draw.randrange(len(content)) for _ in range(places - 64)]
    ):
        yield ("cut", "changed")[number % 2], place, 1 << draw.randrange(8)


def outcomes(path: Path, read: Callable[[Path], Any], places: int, seed: int) -> Counter:
    """How often what came of reading the changed file."""
    content, expected, counted = path.read_bytes(), read(path), Counter()
    for change, place, bit in changes(content, places, random.Random(seed)):
        after = b"" if change == "cut" else bytes([content[place] ^ bit]) + content[place + 1 :]
        path.write_bytes(content[:place] + after)
        try:
            came = "recovered" if read(path) == expected else "USED"
        except (ValueError, OSError) as error:
            came = "refused by name" if path.name in str(error) else "REFUSED WITHOUT ITS NAME"
        counted[change, came] += 1
    path.write_bytes(content)
    return counted


def prepare(folder: Path) -> dict[str, tuple[Path, Callable[[Path], Any]]]:
    """All files and how each is read, by what they are."""
    files = {"checkpoint": (write_checkpoint(folder / "checkpoints"), read_checkpoint)}
    shutil.copytree(mnist.FILES, folder / "package")
    mnist.FILES = folder / "package"
    os.environ["JAXNN_CACHE"] = str(folder / "cache")
    data.load("mnist")
    for path in sorted(mnist.FILES.glob("*.gz")):
        files[f"package: {path.name}"] = path, read_mnist
        files[f"cache: {path.stem}"] = folder / "cache" / "mnist" / path.stem, read_mnist
    write_digits(folder / "idx", 500)
    for path in sorted((folder / "idx").iterdir()):
        files[f"a user's: {path.name}"] = path, read_run
    return files


def measure(places: int, seed: int = 0) -> dict[str, dict[str, int]]:
    """What came of every change of every file."""
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for name, (path, read) in prepare(Path(temporary)).items():
            counted = outcomes(path, read, places, seed)
            found[name] = {f"{change}: {came}": n for (change, came), n in counted.items()}
            print(name, found[name], flush=True)
    return found


def table(measured: dict[str, dict[str, int]]) -> str:
    """The figures as a table in Markdown."""
    columns = sorted({column for row in measured.values() for column in row})
    lines = ["| file | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in measured.items():
        lines.append(f"| {name} | " + " | ".join(str(row.get(c, 0)) for c in columns) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures, prints, and writes if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--places", type=int, default=2000, help="in each file (2000)")
    parser.add_argument("--write", action="store_true", help="renews the figures of the docs")
    arguments = parser.parse_args()
    here, measured = machine(), measure(arguments.places)
    print(f"{table(measured)}\n\n{in_words(here)}")
    if arguments.write:
        write("flips", here, measured, table(measured))


if __name__ == "__main__":
    main()
