"""Training on data that stay on disk: chunks of batches are read ahead of the device.

The order of the examples, every step and every figure are those of the same data in memory, bit
for bit. `train.fit`, `evaluate` and `predict` stream of themselves where a data set's images are
stored: opened by `open_npy`, `open_tfds` or `from_source`, or a mapped file of more than a gigabyte
(`jaxnn.storage` says it exactly).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from jaxnn import checks, metrics, storage
from jaxnn.data.batches import permutation
from jaxnn.data.sources import from_source as from_source
from jaxnn.data.sources import open_npy as open_npy
from jaxnn.data.tfds import open_tfds as open_tfds
from jaxnn.pieces import Pieces, Step, joined, steps_of_epoch, total
from jaxnn.pieces import make_pieces as in_memory
from jaxnn.prefetch import prefetched
from jaxnn.steps import Augment, Metrics, Penalty, TrainState, make_train_step
from jaxnn.typing import Dataset, GradientTransformation, Layer, Loss

CHUNK_BYTES = 2**26


def make_epoch(
    model: Layer,
    optimizer: GradientTransformation,
    loss: Loss,
    *,
    batch_size: int,
    augment: Augment | None = None,
    penalty: Penalty | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Callable[[TrainState, Dataset], tuple[TrainState, Metrics]]:
    """Makes the function that trains for one epoch on stored data: `train.make_epoch`'s twin.

    The device scans over the batches of one chunk while a thread reads the next two.

    Args:
      model: a layer.
      optimizer: a gradient transformation.
      loss: `(outputs, labels) -> (batch,)`.
      batch_size: examples a step.
      augment: as in `train.make_train_step`.
      penalty: as in `train.make_train_step`.
      chunk_bytes: how large a chunk may be; it holds one batch at least. Four of them are in memory
        at most.

    Returns:
      `epoch(train_state, dataset) -> (train_state, metrics)`; the buffers of the `train_state`
      given to it are used again. Beside the metrics over all examples stands `waiting`: the share
      of the epoch in which the device had nothing to do but wait for data.

    Raises:
      ValueError: on a batch size or a number of bytes below 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import losses, models, optim, train
      >>> model, optimizer = models.mlp((2, 2)), optim.sgd(0.1)
      >>> epoch = make_epoch(model, optimizer, losses.softmax_cross_entropy, batch_size=2)
      >>> start = train.init_train_state(model, optimizer, jax.random.key(0))
      >>> dataset = Dataset(np.ones((5, 2), np.float32), np.zeros(5, np.int32))
      >>> train_state, measured = epoch(start, dataset)
      >>> int(train_state.step), int(measured["loss"].count)
      (3, 5)
    """
    checks.require_positive_integer(batch_size, "make_epoch: batch_size")
    checks.require_positive_integer(chunk_bytes, "make_epoch: chunk_bytes")
    step = make_train_step(model, optimizer, loss, augment=augment, penalty=penalty)
    pieces = make_pieces(step, batch_size=batch_size, chunk_bytes=chunk_bytes)

    def epoch(train_state, dataset):
        parts = []
        for after, measured in pieces(train_state, dataset, 0):
            train_state = after
            parts.append(measured)
        return train_state, total(joined(parts), dataset.size // batch_size)

    return epoch


def make_pieces(step: Step, *, batch_size: int, chunk_bytes: int = CHUNK_BYTES) -> Pieces:
    """Makes the function that takes an epoch chunk by chunk: `pieces.make_pieces`'s twin.

    Args:
      step: takes one step.
      batch_size: examples a step.
      chunk_bytes: as in `make_epoch`.

    Returns:
      The function; the buffers of the `train_state` given to it are used again.

    Example:
      >>> from jaxnn import losses, models, optim, train
      >>> model, optimizer = models.mlp((2, 2)), optim.sgd(0.1)
      >>> step = train.make_train_step(model, optimizer, losses.softmax_cross_entropy)
      >>> start = train.init_train_state(model, optimizer, jax.random.key(0))
      >>> dataset = Dataset(np.ones((5, 2), np.float32), np.zeros(5, np.int32))
      >>> pieces = make_pieces(step, batch_size=2)
      >>> [measured["loss"].count.tolist() for _, measured in pieces(start, dataset, 0)]
      [[2, 2], [1]]
    """
    checks.require_positive_integer(batch_size, "make_pieces: batch_size")
    checks.require_positive_integer(chunk_bytes, "make_pieces: chunk_bytes")
    steps = jax.jit(partial(jax.lax.scan, step), donate_argnums=0)

    def pieces(train_state, dataset, first):
        number = int(train_state.step) // steps_of_epoch(dataset, batch_size)
        order = np.asarray(permutation(train_state.key, number, dataset.size))
        started = time.perf_counter()
        with chunks(dataset, order[first * batch_size :], batch_size, chunk_bytes) as stream:
            for waited, batches in stream:
                train_state, measured = steps(train_state, batches)
                measured = jax.tree.map(np.asarray, measured)  # waits, or chunks would pile up
                ended = time.perf_counter()
                share = _share(waited, ended - started, len(measured["loss"].count))
                yield train_state, {**measured, "waiting": share}
                started = ended

    return pieces


def pieces_of(
    step: Step, dataset: Dataset, batch_size: int, *, mesh: Mesh | None, whole: bool
) -> Pieces:
    """Makes the function that takes an epoch in pieces, of data that are stored or in memory.

    Args:
      step: takes one step.
      dataset: what to train on.
      batch_size: examples a step.
      mesh: devices to train on together, where nothing is streamed.
      whole: whether to take all steps of data in memory as one piece.

    Returns:
      The function.

    Example:
      >>> dataset = Dataset(np.ones((5, 2), np.float32), np.zeros(5, np.int32))
      >>> pieces = pieces_of(lambda train_state, batch: None, dataset, 2, mesh=None, whole=True)
    """
    if mesh is None and storage.is_stored(dataset.images):
        return make_pieces(step, batch_size=batch_size)
    return in_memory(step, batch_size=batch_size, whole=whole)


@contextmanager
def chunks(
    data: Any, order: np.ndarray, batch_size: int, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[Iterator[tuple[float, Any]]]:
    """Reads data in a given order and puts it on the device, chunks of whole batches ahead.

    Args:
      data: a pytree of stored arrays, and of arrays in memory, `(n, ...)`: a `Dataset`.
      order: int `(m,)`, the indices of examples.
      batch_size: examples in each batch but the last.
      chunk_bytes: how large a chunk may be; it holds one batch at least.

    Yields:
      An iterator over pairs: the seconds that had to be waited, and the next batches, each array
      `(batches, batch_size, ...)`. The smaller last batch, if there is one, is a chunk of its own.

    Example:
      >>> with chunks(np.arange(50, 55), np.arange(5), batch_size=2) as stream:
      ...     [batches.tolist() for seconds, batches in stream]
      [[[50, 51], [52, 53]], [[54]]]
    """
    row_bytes = sum(_row_bytes(array) for array in jax.tree.leaves(data))
    steps = max(1, chunk_bytes // (batch_size * row_bytes))
    full = len(order) - len(order) % batch_size
    parts = [order[:full][i : i + steps * batch_size] for i in range(0, full, steps * batch_size)]
    if full < len(order):
        parts.append(order[full:])

    def read(i):
        if i == 0:
            jax.tree.map(lambda array: storage.announce(array, parts[0]), data)
        if i + 1 < len(parts):
            jax.tree.map(lambda array: storage.announce(array, parts[i + 1]), data)
        size = min(batch_size, len(parts[i]))
        stack = lambda array: storage.read(array, parts[i]).reshape(-1, size, *array.shape[1:])
        return jax.device_put(jax.tree.map(stack, data))

    with prefetched(read, len(parts)) as stream:
        yield stream


def to_device(dataset: Dataset) -> Dataset:
    """Puts a data set on the device, if it is one in memory.

    Args:
      dataset: in memory or stored.

    Returns:
      The same data; what is stored stays where it is.

    Example:
      >>> to_device(Dataset(np.ones((1, 2), np.float32), np.zeros(1))).images
      Array([[1., 1.]], dtype=float32)
    """
    return dataset if storage.is_stored(dataset.images) else jax.device_put(dataset)


def _row_bytes(array: Any) -> int:
    return np.dtype(array.dtype).itemsize * int(np.prod(array.shape[1:]))


def _share(waited: float, elapsed: float, steps: int) -> metrics.Average:
    """A share of the time as a metric, counted in nanoseconds, all of them in the first step."""
    counted = lambda seconds: np.array([round(seconds * 1e9)] + [0] * (steps - 1))
    return metrics.Average(counted(waited), counted(elapsed))  # pyright: ignore
