"""Metrics as pairs of a sum and a count, so that a ragged last batch counts exactly.

A mean of batch means weighs the examples of a small last batch too much; sums and counts of all
batches, added and then divided, do not.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn import checks


class Average(NamedTuple):
    """A sum and a count; add them up over batches with `merge`, then take `value`.

    Attributes:
      sum: what was added up, a scalar or an array.
      count: over how many examples, an int32 scalar or array.

    Example:
      >>> batches = [Average(jnp.array(6.0), jnp.array(3)), Average(jnp.array(0.0), jnp.array(1))]
      >>> float(merge(*batches).value)
      1.5
    """

    sum: jax.Array
    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride]

    @property
    def value(self) -> jax.Array:
        """sum / count; NaN where nothing was counted."""
        is_floating = jnp.issubdtype(self.sum.dtype, jnp.floating)
        dtype = self.sum.dtype if is_floating else jnp.result_type(float)
        return self.sum.astype(dtype) / self.count.astype(dtype)


class Calibration(NamedTuple):
    """By bins of confidence: how sure the predictions were, and how often they were right.

    Attributes:
      confidence: the probability of the predicted class, an `Average` over `(bins,)`.
      accuracy: whether it was the label, an `Average` over `(bins,)`.
    """

    confidence: Average
    accuracy: Average

    @property
    def error(self) -> jax.Array:
        """Expected calibration error: Σ_b n_b |accuracy_b − confidence_b| / n."""
        gaps = jnp.abs(self.accuracy.sum.astype(self.confidence.sum.dtype) - self.confidence.sum)
        return jnp.sum(gaps) / jnp.sum(self.accuracy.count).astype(gaps.dtype)


def average(values: jax.Array) -> Average:
    """The sum and the count of one number per example, such as a loss.

    Args:
      values: `(batch,)`.

    Returns:
      `Average` of a scalar, its sum in float32 at least: float16 ends at 65 504.

    Raises:
      ValueError: on a single number, such as the mean of a batch.

    Example:
      >>> average(jnp.array([1.0, 2.0, 6.0])).value
      Array(3., dtype=float32)
    """
    if values.ndim == 0:
        raise ValueError(f"average: values must have a batch axis, got shape {values.shape}")
    is_half = jnp.issubdtype(values.dtype, jnp.floating) and values.dtype.itemsize < 4
    dtype = jnp.float32 if is_half else values.dtype
    return Average(jnp.sum(values, dtype=dtype), _count(values))


def merge(*metrics):
    """Adds up metrics of the same structure, from several batches.

    Args:
      *metrics: pytrees of `Average`s, such as one dictionary a batch.

    Returns:
      One such pytree, for all examples together.

    Raises:
      OverflowError: on int32 numbers that add up to more than int32 holds; not while JAX traces.

    Example:
      >>> merge({"loss": average(jnp.ones(64))}, {"loss": average(jnp.ones(32))})["loss"].count
      Array(96, dtype=int32)
    """
    return jax.tree.map(lambda *leaves: _exact("merge", sum(leaves), leaves), *metrics)


def total(metrics):
    """Adds up metrics of several batches that are stacked along a first axis.

    Args:
      metrics: a pytree of `Average`s, each array with a first axis of batches.

    Returns:
      The same pytree without that axis.

    Raises:
      OverflowError: as `merge`.

    Example:
      >>> stacked = Average(jnp.array([6.0, 0.0]), jnp.array([3, 1]))
      >>> total(stacked).count
      Array(4, dtype=int32)
    """
    add_up = lambda stack: _exact("total", jnp.sum(stack, axis=0, dtype=stack.dtype), stack)
    return jax.tree.map(add_up, metrics)


def values(metrics: dict[str, Average]) -> dict[str, float]:
    """The values of metrics as Python numbers, sum / count in double precision.

    Args:
      metrics: `Average`s of scalars by name.

    Returns:
      A dictionary of the same names.

    Example:
      >>> values({"loss": average(jnp.array([1.0, 2.0]))})
      {'loss': 1.5}
    """
    return {name: float(average.sum) / int(average.count) for name, average in metrics.items()}


def accuracy(logits: jax.Array, labels: jax.Array) -> Average:
    """How many examples have their largest logit at their label.

    Args:
      logits: logits or probabilities, `(batch, classes)`; of equal ones the first counts.
      labels: integer classes, `(batch,)`; one that is no class is an error, or wrong while traced.

    Returns:
      `Average` of a scalar, its sum an int32.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> accuracy(jnp.array([[2.0, 1.0], [3.0, 0.0]]), jnp.array([0, 1])).value
      Array(0.5, dtype=float32)
    """
    labels = _class_labels("accuracy", logits, labels)
    correct = _predicted(logits) == labels
    return Average(jnp.sum(correct, dtype=jnp.int32), _count(labels))


def top_k_accuracy(logits: jax.Array, labels: jax.Array, k: int) -> Average:
    """How many examples have fewer than k logits above that of their label.

    Args:
      logits: logits or probabilities, `(batch, classes)`.
      labels: integer classes, `(batch,)`; one that is no class is an error, or wrong while traced.
      k: from 1 to the number of classes.

    Returns:
      `Average` of a scalar, its sum an int32.

    Raises:
      ValueError: on shapes or dtypes that do not fit, or k outside its range.

    Example:
      >>> top_k_accuracy(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([1]), k=2).value
      Array(1., dtype=float32)
    """
    labels = _class_labels("top_k_accuracy", logits, labels)
    checks.require_in(f"[1, {logits.shape[-1]}]", k, "top_k_accuracy: k")
    at_label = jnp.take_along_axis(logits, labels[:, None], axis=-1, mode="fill")
    correct = jnp.sum(~(logits <= at_label), axis=-1) < k  # NaN is not among the first k
    return Average(jnp.sum(correct, dtype=jnp.int32), _count(labels))


def confusion_matrix(logits: jax.Array, labels: jax.Array) -> Average:
    """How many examples of each class were taken for which class.

    Args:
      logits: logits or probabilities, `(batch, classes)`.
      labels: integer classes, `(batch,)`; one that is no class is an error, or wrong while traced.

    Returns:
      `Average` whose sum is an int32 matrix `(classes, classes)`: row = label, column = predicted.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> confusion_matrix(jnp.array([[2.0, 1.0], [3.0, 0.0]]), jnp.array([0, 1])).sum
      Array([[1, 0],
             [1, 0]], dtype=int32)
    """
    labels = _class_labels("confusion_matrix", logits, labels)
    classes = logits.shape[-1]
    counts = jnp.zeros((classes, classes), jnp.int32)
    return Average(counts.at[labels, _predicted(logits)].add(1, mode="drop"), _count(labels))


def calibration(probabilities: jax.Array, labels: jax.Array, bins: int = 15) -> Calibration:
    """How well the confidence of predictions fits their accuracy, in equal bins of confidence.

    Args:
      probabilities: `(batch, classes)`, rows that sum to 1.
      labels: integer classes, `(batch,)`; one that is no class is an error, or wrong while traced.
      bins: the number of bins that share (0, 1]; bin b holds b/bins < confidence ≤ (b + 1)/bins.

    Returns:
      `Calibration`, to be merged over batches; its `error` is the expected calibration error.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Reference:
      Guo et al., On Calibration of Modern Neural Networks (2017), section 2.

    Example:
      >>> sure_and_half_right = jnp.array([[1.0, 0.0], [1.0, 0.0]])
      >>> calibration(sure_and_half_right, jnp.array([0, 1])).error
      Array(0.5, dtype=float32)
    """
    labels = _class_labels("calibration", probabilities, labels, "probabilities")
    checks.require_positive_integer(bins, "calibration: bins")
    confidence = jnp.max(probabilities, axis=-1)
    correct = (_predicted(probabilities) == labels).astype(jnp.int32)
    bin_of = jnp.clip(jnp.ceil(confidence * bins).astype(jnp.int32) - 1, 0, bins - 1)
    add_up = lambda values: jnp.zeros(bins, values.dtype).at[bin_of].add(values)
    counts = add_up(jnp.ones_like(bin_of))
    return Calibration(Average(add_up(confidence), counts), Average(add_up(correct), counts))


def _exact(place, result, terms):
    """The sum of the terms, unless it is known that int32 is too small for it."""
    if checks.is_traced(result) or getattr(result, "dtype", None) != np.int32:
        return result
    exact = np.sum(jax.device_get(terms), axis=0, dtype=np.int64)
    if np.any(exact > np.iinfo(np.int32).max):
        raise OverflowError(f"{place}: sums must fit into int32, got {exact.max()}")
    return result


def _count(values):
    return jnp.array(values.shape[0], jnp.int32)


def _predicted(logits):
    """The first index of the largest, NaN being larger than all: `argmax`.

    Of each `jnp.argmax` that it compiles JAX 0.10.2 keeps 14 kB (docs/crash-proof.md).
    """
    is_largest = (logits == jnp.max(logits, axis=-1, keepdims=True)) | jnp.isnan(logits)
    index = jax.lax.broadcasted_iota(jnp.int32, logits.shape, logits.ndim - 1)
    return jnp.min(jnp.where(is_largest, index, logits.shape[-1]), axis=-1)


def _class_labels(place, logits, labels, name="logits"):
    """The labels as int32, once checked; one that is no class while JAX traces is past the last."""
    if logits.ndim != 2 or not jnp.issubdtype(logits.dtype, jnp.floating):
        raise ValueError(
            f"{place}: {name} must be floating of shape (batch, classes), "
            f"got {logits.dtype} of shape {logits.shape}"
        )
    batch, classes = logits.shape
    checks.require_classes(place, labels, (batch,), classes)
    labels = labels.astype(jnp.int32)
    return jnp.where((labels >= 0) & (labels < classes), labels, classes)
