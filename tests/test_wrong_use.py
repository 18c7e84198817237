"""Wrong uses, one a row: each is answered with what was expected and what came."""

import gzip
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import activations, data, initializers, layers, losses, metrics, models, optim, train
from jaxnn.typing import Dataset

KEY = jax.random.key(0)


class Wrong(NamedTuple):
    """One wrong use, its error, and what the message must name: the expected and the actual."""

    what: str
    use: Callable[[], object]
    error: type[Exception]
    expected: str
    actual: str


def applied(layer: layers.Layer, x, **options):
    """A use of a layer that fails when it is called."""
    return lambda: layer.apply(*layer.init(KEY), x, **options)


def idx(dimensions: list[int], values: bytes, kind: int = 8) -> bytes:
    """The bytes of an IDX file."""
    header = struct.pack(">HBB", 0, kind, len(dimensions))
    return header + struct.pack(f">{len(dimensions)}I", *dimensions) + values


def read(content: bytes, name: str = "train-images-idx3-ubyte"):
    """A use of `read_idx` on a file of that content."""

    def use(folder: Path):
        (folder / name).write_bytes(content)
        return data.read_idx(folder / name)

    return use


def fit(**changes):
    """A use of `fit` that is right but for the changes."""
    arguments = {
        "model": models.mlp((2, 3)),
        "optimizer": optim.sgd(0.1),
        "dataset": Dataset(jnp.ones((4, 2), jnp.float32), jnp.zeros(4, jnp.int32)),
        "loss": losses.softmax_cross_entropy,
        "epochs": 1,
        "batch_size": 2,
        "key": KEY,
    }
    return lambda: train.fit(**(arguments | changes))


ones = partial(jnp.ones, dtype=jnp.float32)
some_labels = jnp.array([0, 1])
NETWORK = layers.serial(layers.flatten(), layers.serial(layers.dense(4, 3), layers.dropout(0.5)))
GZIPPED = gzip.compress(idx([2], b"ab"), mtime=0)

ROWS = [
    Wrong("size", lambda: layers.dense(0, 3), ValueError, "at least 1", "got 0"),
    Wrong("size", lambda: layers.dense(3.0, 3), ValueError, "whole number", "got 3.0"),
    Wrong("size", lambda: layers.batch_norm(-1), ValueError, "at least 1", "got -1"),
    Wrong("features", applied(layers.dense(3, 2), ones((5, 4))), ValueError, "3 feat", "(5, 4)"),
    Wrong("features", applied(layers.batch_norm(3), ones(4)), ValueError, "3 features", "(4,)"),
    Wrong("path", applied(NETWORK, ones((2, 5))), ValueError, "1/0/dense: input must", "(2, 5)"),
    Wrong("dtype", applied(layers.dense(3, 2), jnp.ones((1, 3))), ValueError, "float32", "float64"),
    Wrong("dtype", applied(layers.dense(3, 2), jnp.ones((1, 3), "uint8")), ValueError,
          "float32", "uint8; begin the model with normalize_images"),
    Wrong("dtype", applied(layers.normalize_images(0.5, 0.5), jnp.ones((1, 3))), ValueError,
          "uint8 or float32", "float64"),
    Wrong("rate", lambda: layers.dropout(1.0), ValueError, "[0, 1)", "got 1.0"),
    Wrong("rate", lambda: layers.dropout(-0.1), ValueError, "[0, 1)", "got -0.1"),
    Wrong("rate", lambda: layers.dropout("half"), ValueError, "[0, 1)", "got 'half'"),
    Wrong("rate", lambda: models.mlp((3, 3, 3), dropout=1.5), ValueError, "[0, 1)", "got 1.5"),
    Wrong("key", applied(NETWORK, ones((2, 4)), train=True), ValueError, "1/1/dropout", "key=None"),
    Wrong("one example", applied(layers.batch_norm(3), ones((1, 3)), train=True), ValueError,
          "more than one value per feature", "(1, 3)"),
    Wrong("epsilon", lambda: layers.layer_norm(3, epsilon=0.0), ValueError, "(0, inf)", "got 0.0"),
    Wrong("momentum", lambda: layers.batch_norm(3, momentum=1.1), ValueError, "[0, 1]", "got 1.1"),
    Wrong("std", lambda: layers.normalize_images(0.5, 0), ValueError, "(0, inf)", "got 0"),
    Wrong("no layers", lambda: layers.branches(combine=sum), ValueError, "at least one", "none"),
    Wrong("shape", applied(layers.residual(layers.dense(3, 2)), ones((5, 3))), ValueError,
          "must keep float32 of shape (5, 3)", "(5, 2)"),
    Wrong("sizes", lambda: models.mlp((784,)), ValueError, "input and output", "got (784,)"),
    Wrong("integers", lambda: activations.sigmoid(jnp.array([1, 2])), TypeError, "float", "int"),
    Wrong("fan-in", lambda: initializers.he_normal(KEY, (3,), jnp.float32), ValueError,
          "shape", "(3,)"),
    Wrong("rank", lambda: losses.softmax_cross_entropy(ones(3), some_labels), ValueError,
          "(batch, classes)", "(3,)"),
    Wrong("class", lambda: losses.softmax_cross_entropy(ones((2, 1)), some_labels), ValueError,
          "0 … 0", "got 1"),
    Wrong("lengths", lambda: losses.softmax_cross_entropy(ones((3, 2)), some_labels), ValueError,
          "(3,)", "(2,)"),
    Wrong("shapes", lambda: losses.squared_error(ones((3, 1)), ones(3)), ValueError,
          "float32 of shape (3, 1)", "float32 of shape (3,)"),
    Wrong("dtypes", lambda: losses.huber(ones(3), jnp.ones(3)), ValueError, "float32", "float64"),
    Wrong("smoothing", lambda: losses.softmax_cross_entropy(ones((2, 2)), some_labels,
          label_smoothing=2.0), ValueError, "[0, 1]", "got 2.0"),
    Wrong("weights", lambda: losses.mean(ones(3), ones(2)), ValueError, "(3,)", "(2,)"),
    Wrong("names", lambda: losses.l2({"bias": ones(2)}), ValueError,
          "of a parameter", "got ('kernel',)"),
    Wrong("k", lambda: metrics.top_k_accuracy(ones((2, 2)), some_labels, 3), ValueError,
          "[1, 2]", "got 3"),
    Wrong("labels", lambda: metrics.accuracy(ones((2, 2)), ones(2)), ValueError,
          "integers of shape (2,)", "float32"),
    Wrong("epochs", fit(epochs=0), ValueError, "at least 1", "got 0"),
    Wrong("batch size", fit(batch_size=0), ValueError, "at least 1", "got 0"),
    Wrong("empty data", fit(dataset=Dataset(ones((0, 2)), jnp.zeros(0, jnp.int32))), ValueError,
          "at least one", "0 and 0"),
    Wrong("lengths", fit(validation=Dataset(ones((3, 2)), some_labels)), ValueError,
          "as many images as labels", "3 and 2"),
    Wrong("lengths", lambda: data.from_arrays(np.ones((3, 2)), np.zeros(2, int)), ValueError,
          "3", "2"),
    Wrong("classes", lambda: data.from_arrays(np.ones((2, 2)), np.array([0, 7]), num_classes=3),
          ValueError, "3", "7"),
    Wrong("fraction", lambda: fit_data().split(1.0, KEY), ValueError, "(0, 1)", "1.0"),
    Wrong("name", lambda: data.load("mnits"), ValueError, "mnist", "'mnits'"),
    Wrong("norm", lambda: optim.clip_by_global_norm(-1.0), ValueError, "[0, inf]", "-1.0"),
]  # fmt: skip

FILES = [
    Wrong("magic", read(b"GIF89a" + bytes(100)), ValueError, "IDX", "4749"),
    Wrong("truncated", read(idx([3], b"ab")), ValueError, "3", "2"),
    Wrong("overlong", read(idx([3], b"abcd")), ValueError, "3", "4"),
    Wrong("promise", read(idx([2**31, 28, 28], b"abc")), ValueError, str(2**31), "3"),
    Wrong("header", read(b"\0\0\x08\3\0\0"), ValueError, "header", "6"),
    Wrong("gzip", read(GZIPPED[:-9], "labels.gz"), ValueError, "gzip", "labels.gz"),
    Wrong("gzip", read(b"\x1f\x8b" + bytes(50), "labels.gz"), ValueError, "gzip", "labels.gz"),
    Wrong("no files", lambda folder: data.load_idx(folder), FileNotFoundError, "idx", "train"),
]


def fit_data() -> Dataset:
    return Dataset(np.ones((4, 2), np.float32), np.zeros(4, np.int32))


def check(row: Wrong, use: Callable[[], object]) -> None:
    with pytest.raises(row.error) as caught:
        use()
    message = str(caught.value)
    assert row.expected in message, "the message names what was expected"
    assert row.actual in message, "the message names what came"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.what}-{row.actual}")
def test_wrong_use_is_answered(row):
    check(row, row.use)


@pytest.mark.parametrize("row", FILES, ids=lambda row: row.what)
def test_a_wrong_file_is_answered(row, tmp_path):
    check(row, lambda: row.use(tmp_path))
