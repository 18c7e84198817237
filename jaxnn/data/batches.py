"""The order of examples as a function of a key: shuffles and batches."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.checks import (
    require_all_in,
    require_dataset,
    require_in,
    require_positive_integer,
)
from jaxnn.typing import Array, ArrayLike, Dataset, Key

# Training folds the number of a step into the same key, and `split(key)[i]` is `fold_in(key, i)`:
# were the number of the epoch folded in alone, its shuffle would share a key with some step's
# dropout. No training takes as many steps as this.
ORDER = 0x6F726472


def permutation(key: Key, epoch: int | ArrayLike, n: int) -> Array:
    """The order in which an epoch takes its examples: a function of the key and the epoch.

        permutation(fold_in(fold_in(key, ORDER), epoch), n)

    Args:
      key: the training's key.
      epoch: from 0 on; may be traced.
      n: the number of examples.

    Returns:
      int32 `(n,)`, each of 0 to n − 1 once.

    Raises:
      ValueError: the epoch is negative, or n is not a positive integer.

    Example:
      >>> permutation(jax.random.key(0), 0, 5)
      Array([...], dtype=int32)
    """
    require_in("[0, inf)", epoch, "permutation: epoch")
    require_positive_integer(n, "permutation: n")
    order_key = jax.random.fold_in(jax.random.fold_in(key, ORDER), epoch)
    return jax.random.permutation(order_key, jnp.arange(n, dtype=jnp.int32))


def batches(dataset: Dataset, order: ArrayLike, batch_size: int) -> Iterator[Dataset]:
    """The data set in batches, in the given order, the smaller last batch included.

    Args:
      dataset: images `(n, ...)` and labels `(n, ...)`.
      order: int `(m,)`, the indices of examples, as `permutation` gives them.
      batch_size: examples in each batch but the last.

    Returns:
      An iterator over ⌈m / batch_size⌉ data sets.

    Raises:
      ValueError: the batch size is not a positive integer, the order leads outside the data set, or
        its images and labels differ in number.

    Example:
      >>> dataset = Dataset(np.zeros((5, 28, 28), np.uint8), np.arange(5))
      >>> [batch.labels.tolist() for batch in batches(dataset, np.array([4, 0, 3, 1, 2]), 2)]
      [[4, 0], [3, 1], [2]]
    """
    require_positive_integer(batch_size, "batches: batch_size")
    require_dataset("batches: dataset", dataset)
    order = np.asarray(order)
    if not np.issubdtype(order.dtype, np.integer):
        raise ValueError(f"batches: order must be integers, got {order.dtype}")
    require_all_in(f"[0, {dataset.size - 1}]", order, "batches: order")
    parts = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return (Dataset(dataset.images[part], dataset.labels[part]) for part in parts)
