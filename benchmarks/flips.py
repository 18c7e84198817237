"""Changes files one byte at a time, or cuts them there: is every change refused, or harmless?

    python -m benchmarks.flips                 2 000 places in each file; takes minutes
    python -m benchmarks.flips --places 50     a few
    python -m benchmarks.flips --write         renews docs/crash-proof.md

The files are a checkpoint, and the four of MNIST, gzipped as they are and as plain IDX. What is
read from a changed file must be an error that names the file, or be all that was there before.
"""

import argparse
import gzip
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.machine import in_words, machine
from benchmarks.pages import filled
from jaxnn import checkpoint, data, models, optim, train

DOCS = Path(__file__).parents[1] / "docs"


def write_checkpoint(folder: Path) -> Path:
    """That of the lecture's network with Adam."""
    start = train.init_train_state(models.simple_nn(), optim.adam(1e-3), jax.random.key(0))
    return checkpoint.save(folder, start, step=0, config={"network": "simple_nn"}, loss=1.0)


def read_checkpoint(path: Path) -> Any:
    """Its arrays, as bytes."""
    bits = checkpoint.load(path.parent, step=0)
    state = bits.train_state._replace(key=jax.random.key_data(bits.train_state.key))
    return jax.tree.map(lambda array: np.asarray(array).tobytes(), state), bits.config


def changes(content: bytes, places: int, draw: random.Random) -> Iterator[tuple[str, bytes]]:
    """The content with a byte changed, or cut, at places drawn over all of it and at its ends."""
    ends = [*range(64), *range(len(content) - 64, len(content))]
    for place in ends + [draw.randrange(len(content)) for _ in range(places - len(ends))]:
        changed = bytearray(content)
        changed[place] ^= 1 << draw.randrange(8)
        yield "a bit changed", bytes(changed)
        yield "cut", content[:place]


def outcomes(path: Path, read: Callable[[Path], Any], places: int, seed: int) -> Counter:
    """How often what came of reading the changed file."""
    content, expected, counted = path.read_bytes(), read(path), Counter()
    for change, changed in changes(content, places, random.Random(seed)):
        path.write_bytes(changed)
        try:
            same = read(path) == expected
            counted[change, "the same was read" if same else "SOMETHING ELSE WAS READ"] += 1
        except (ValueError, OSError) as error:
            named = path.name in str(error)
            counted[change, "refused by name" if named else "refused without its name"] += 1
    path.write_bytes(content)
    return counted


def measure(places: int, seed: int = 0) -> dict:
    """What came of every change of every file."""
    found = {}
    mnist = Path(data.__file__).parent / "files" / "mnist"
    with tempfile.TemporaryDirectory(dir=memory()) as temporary:
        folder = Path(temporary)
        read_array = lambda path: data.read_idx(path).tobytes()
        files = [(write_checkpoint(folder / "checkpoints"), read_checkpoint)]
        for packed in sorted(mnist.glob("*.gz")):
            (folder / packed.name).write_bytes(packed.read_bytes())
            (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
            files += [(folder / packed.name, read_array), (folder / packed.stem, read_array)]
        for path, read in files:
            counted = outcomes(path, read, places, seed)
            found[path.name] = {f"{change}: {came}": n for (change, came), n in counted.items()}
            print(path.name, found[path.name], flush=True)
    return found
