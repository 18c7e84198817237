"""The readers that are fuzzed: each takes bytes, and may raise only what its documentation says."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxnn import checkpoint, checks, models, optim, sealed, train
from jaxnn.cli import records, runs
from jaxnn.data import digits, idx

PATH = Path("the-file")
"""What the messages call the file; nothing of that name is opened."""


def read_idx(content: bytes) -> Any:
    """An IDX file, plain or gzipped."""
    return idx.unpack(io.BytesIO(content), PATH)


def read_image(content: bytes) -> Any:
    """A picture for `jaxnn predict`."""
    return digits.convert(io.BytesIO(content), PATH)


def read_config(content: bytes) -> Any:
    """A run's config.json: its options, and the network and optimiser that they describe."""
    config = records.parse_json(content, PATH)
    options = records.options_of(config, PATH)
    try:
        return runs.make_parts(options, config)
    except ValueError as error:
        raise ValueError(f"{PATH}: {error}") from None  # it names the option instead


def read_history(content: bytes) -> Any:
    """A run's history.jsonl."""
    return records.parse_history(content, PATH)


def read_safetensors(content: bytes) -> Any:
    """A safetensors file, whatever its seal, which would keep out all but the seeds."""
    try:
        return sealed.parse(content)
    except ValueError as error:
        raise ValueError(f"{PATH}: {error}") from None


def read_checkpoint(content: bytes) -> Any:
    """The metadata of a checkpoint, as JSON, beside the arrays of a small one."""
    metadata = records.parse_json(content, PATH)
    if not isinstance(metadata, dict):
        raise ValueError(f"{PATH}: metadata are always a dictionary")
    return checkpoint.unpack((ARRAYS, metadata), PATH)


READERS: dict[str, Callable[[bytes], Any]] = {
    "idx": read_idx,
    "image": read_image,
    "config": read_config,
    "history": read_history,
    "safetensors": read_safetensors,
    "checkpoint": read_checkpoint,
}


def refuses(reader: Callable[[bytes], Any], content: bytes) -> bool:
    """Whether a reader refuses the content, as it may; whatever else it raises is a finding."""
    try:
        reader(content)
    except (ValueError, OSError) as error:
        if PATH.name not in str(error):
            raise AssertionError("the message does not name the file") from error
        return True
    return False


def _small_training() -> train.TrainState:
    return train.init_train_state(models.mlp((1, 1)), optim.adam(1e-3), jax.random.key(0))


ARRAYS = {
    name: np.asarray(jax.random.key_data(leaf) if name == ".key" else leaf)
    for name, leaf in checks.by_path(_small_training()).items()
}
