"""Losses: one number per example, of shape `(batch,)`; the caller averages with `losses.mean`.

Where a batch holds more than one number per example, `(batch, ...)`, regression and binary losses
average over all axes but the first, so that their mean over the batch is PyTorch's.
"""

import jax
import jax.numpy as jnp

from jaxnn import checks
from jaxnn.activations import log_softmax, softplus
from jaxnn.penalties import l1 as l1
from jaxnn.penalties import l2 as l2
from jaxnn.penalties import magnitude


def softmax_cross_entropy(
    logits: jax.Array,
    labels: jax.Array,
    *,
    label_smoothing: float = 0.0,
    class_weights: jax.Array | None = None,
    ignore_label: int | None = None,
) -> jax.Array:
    r"""Cross-entropy between labels and the softmax of logits.

        loss = −Σ_c w_c q_c log softmax(logits)_c,   q = (1 − s) · target + s / classes

    Args:
      logits: `(batch, classes)`, floating.
      labels: integer classes `(batch,)`, or a distribution over classes `(batch, classes)` in the
        dtype of the logits. A class that does not exist is an error, or NaN while JAX traces.
      label_smoothing: s in [0, 1], the share of the target spread evenly over all classes.
      class_weights: w, `(classes,)`; ones if None. PyTorch's mean divides by the weights of the
        labels: `mean(softmax_cross_entropy(logits, labels), class_weights[labels])`.
      ignore_label: examples with this integer label contribute 0; average over the others with
        `mean(values, labels != ignore_label)`.

    Returns:
      `(batch,)`, in the dtype of the logits; finite where differences of logits are.

    Raises:
      ValueError: on shapes, dtypes, classes or settings that do not fit.

    Reference:
      Szegedy et al., Rethinking the Inception Architecture for Computer Vision (2016), section 7,
      for label smoothing.

    Example:
      >>> logits = jnp.array([[2.0, 0.0, 0.0], [0.0, 0.0, 1e4]])
      >>> softmax_cross_entropy(logits, jnp.array([0, 1]))
      Array([2.3954476e-01, 1.0000000e+04], dtype=float32)
    """
    place = "softmax_cross_entropy"
    _require_rows(place, "logits", logits)
    checks.require_in("[0, 1]", label_smoothing, f"{place}: label_smoothing")
    classes = logits.shape[-1]
    target, counts = _target(place, labels, logits, ignore_label)
    q = (1 - label_smoothing) * target + label_smoothing / classes
    if class_weights is not None:
        checks.require_same(place, "class_weights", class_weights, (classes,), logits.dtype)
        q = q * jnp.broadcast_to(class_weights, q.shape)
    return jnp.where(counts, _sum_of_products(q, -log_softmax(logits)), 0)


def cross_entropy(probabilities: jax.Array, labels: jax.Array) -> jax.Array:
    """Cross-entropy between labels and probabilities: −Σ_c q_c log p_c, where 0 · log 0 = 0.

    Args:
      probabilities: `(batch, classes)`, floating, rows that sum to 1.
      labels: integer classes `(batch,)`, or a distribution over classes `(batch, classes)`.

    Returns:
      `(batch,)`; infinite where a class that occurs has probability 0.

    Raises:
      ValueError: on shapes, dtypes or classes that do not fit.

    Example:
      >>> cross_entropy(jnp.array([[0.5, 0.5], [1.0, 0.0]]), jnp.array([0, 0]))
      Array([0.6931472, 0.       ], dtype=float32)
    """
    place = "cross_entropy"
    _require_rows(place, "probabilities", probabilities)
    q, _ = _target(place, labels, probabilities)
    return jnp.sum(q * -_log(probabilities, q), axis=-1)


def binary_cross_entropy(probabilities: jax.Array, labels: jax.Array) -> jax.Array:
    """Binary cross-entropy of probabilities: −y log p − (1 − y) log(1 − p), where 0 · log 0 = 0.

    Args:
      probabilities: p of class 1, `(batch, ...)`, floating, in [0, 1].
      labels: y of the same shape, in [0, 1]; integers, booleans or floats.

    Returns:
      `(batch,)`, the mean over all other axes; infinite where p excludes what occurs
      (PyTorch cuts the logarithm off at −100 there).

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> binary_cross_entropy(jnp.array([0.5, 1.0]), jnp.array([1, 1]))
      Array([0.6931472, 0.       ], dtype=float32)
    """
    y = _binary_labels("binary_cross_entropy", "probabilities", probabilities, labels)
    is_certain = (y == 1) & (probabilities == 1)
    log_not_p = jnp.log1p(-jnp.where(is_certain, 0, probabilities))
    return _mean_of_example(-y * _log(probabilities, y) - (1 - y) * log_not_p)


def sigmoid_binary_cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Binary cross-entropy of the sigmoid of logits: y softplus(−x) + (1 − y) softplus(x).

    Args:
      logits: x, `(batch, ...)`, floating.
      labels: y of the same shape, in [0, 1]; integers, booleans or floats.

    Returns:
      `(batch,)`, the mean over all other axes; finite where the logits are.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> sigmoid_binary_cross_entropy(jnp.array([0.0, 1e4]), jnp.array([1, 0]))
      Array([6.931472e-01, 1.000000e+04], dtype=float32)
    """
    y = _binary_labels("sigmoid_binary_cross_entropy", "logits", logits, labels)
    return _mean_of_example(y * softplus(-logits) + (1 - y) * softplus(logits))


def squared_error(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Squared error (p − t)², averaged over all axes but the first.

    Args:
      predictions: p, `(batch, ...)`, floating.
      targets: t of the same shape and dtype.

    Returns:
      `(batch,)`.

    Raises:
      ValueError: on shapes or dtypes that differ.

    Example:
      >>> squared_error(jnp.array([[1.0, 2.0]]), jnp.array([[0.0, 0.0]]))
      Array([2.5], dtype=float32)
    """
    _require_pair("squared_error", predictions, targets)
    return _mean_of_example(jnp.square(predictions - targets))


def absolute_error(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Absolute error |p − t|, averaged over all axes but the first; its slope at 0 is 0.

    Args:
      predictions: p, `(batch, ...)`, floating.
      targets: t of the same shape and dtype.

    Returns:
      `(batch,)`.

    Raises:
      ValueError: on shapes or dtypes that differ.

    Example:
      >>> absolute_error(jnp.array([[1.0, -2.0]]), jnp.array([[0.0, 0.0]]))
      Array([1.5], dtype=float32)
    """
    _require_pair("absolute_error", predictions, targets)
    return _mean_of_example(magnitude(predictions - targets))


def huber(predictions: jax.Array, targets: jax.Array, delta: float = 1.0) -> jax.Array:
    """Huber loss: r²/2 where |r| ≤ δ, else δ(|r| − δ/2), with r = p − t.

    Args:
      predictions: p, `(batch, ...)`, floating.
      targets: t of the same shape and dtype.
      delta: δ > 0, where the parabola becomes a line (PyTorch's `smooth_l1_loss` is huber/δ).

    Returns:
      `(batch,)`, the mean over all other axes.

    Raises:
      ValueError: on shapes or dtypes that differ, or a δ that is not positive.

    Reference:
      Huber, Robust Estimation of a Location Parameter (1964).

    Example:
      >>> huber(jnp.array([0.5, 3.0]), jnp.array([0.0, 0.0]))
      Array([0.125, 2.5  ], dtype=float32)
    """
    _require_pair("huber", predictions, targets)
    checks.require_in("(0, inf)", delta, "huber: delta")
    r = predictions - targets
    line = delta * (magnitude(r) - delta / 2)
    return _mean_of_example(jnp.where(jnp.abs(r) <= delta, jnp.square(r) / 2, line))


def kl_divergence(log_probabilities: jax.Array, targets: jax.Array) -> jax.Array:
    """Kullback–Leibler divergence Σ_c t_c (log t_c − log p_c), where 0 · log 0 = 0.

    Args:
      log_probabilities: log p, `(batch, classes)`, floating.
      targets: t, probabilities of the same shape and dtype.

    Returns:
      `(batch,)`; its mean is PyTorch's `batchmean`.

    Raises:
      ValueError: on shapes or dtypes that differ.

    Example:
      >>> kl_divergence(jnp.log(jnp.array([[0.5, 0.5]])), jnp.array([[1.0, 0.0]]))
      Array([0.6931472], dtype=float32)
    """
    place, log_p = "kl_divergence", log_probabilities
    _require_rows(place, "log_probabilities", log_p)
    checks.require_same(place, "targets", targets, log_p.shape, log_p.dtype)
    log_targets = jnp.log(jnp.where(targets == 0, 1, targets))
    return _sum_of_products(targets, log_targets - log_p)


def mean(values: jax.Array, weights: jax.Array | None = None) -> jax.Array:
    """Weighted mean Σ w v / Σ w of the losses of a batch; the plain mean without weights.

    Args:
      values: v, `(batch,)`, floating.
      weights: w of the same shape, not negative: `labels != ignore_label`, or the weights of the
        labels' classes. Values of weight 0 are left out, even if they are not finite.

    Returns:
      A scalar in the dtype of the values; 0 where all weights are 0.

    Raises:
      ValueError: on values that are not `(batch,)`, or weights of another shape.

    Example:
      >>> mean(jnp.array([1.0, 3.0, 8.0]), jnp.array([True, True, False]))
      Array(2., dtype=float32)
    """
    checks.require_floating("mean", "values", values)
    if values.ndim != 1:
        raise ValueError(f"mean: values must have shape (batch,), got {values.shape}")
    if weights is None:
        return jnp.mean(values)
    if weights.shape != values.shape:
        raise ValueError(f"mean: weights must have shape {values.shape}, got {weights.shape}")
    w = weights.astype(values.dtype)
    total = jnp.sum(w)
    return _sum_of_products(w, values) / jnp.where(total == 0, 1, total)


def _target(place, labels, outputs, ignore_label=None):
    """The labels as a distribution over classes like the outputs, and which of them count."""
    batch, classes = outputs.shape
    if jnp.issubdtype(labels.dtype, jnp.floating):
        checks.require_same(place, "labels", labels, outputs.shape, outputs.dtype)
        if ignore_label is not None:
            raise ValueError(f"{place}: ignore_label needs integer labels, got {labels.dtype}")
        return labels, True
    checks.require_classes(place, labels, (batch,), classes, ignore_label)
    labels = labels.astype(jnp.int32)
    counts = True if ignore_label is None else labels != ignore_label
    is_unknown = counts & ((labels < 0) | (labels >= classes))
    one_hot = jax.nn.one_hot(labels, classes, dtype=outputs.dtype)
    return jnp.where(is_unknown[:, None], jnp.nan, one_hot), counts


def _binary_labels(place, name, outputs, labels):
    checks.require_floating(place, name, outputs)
    if not jnp.issubdtype(labels.dtype, jnp.floating):
        labels = labels.astype(outputs.dtype)
    checks.require_same(place, "labels", labels, outputs.shape, outputs.dtype)
    checks.require_all_in("[0, 1]", labels, f"{place}: labels")
    return labels


def _sum_of_products(weights, values):
    """Σ w v over the last axis, where 0 times infinity is 0, in the gradient too."""
    is_left_out = (weights == 0) & ~jnp.isfinite(values)
    return jnp.sum(weights * jnp.where(is_left_out, 0, values), axis=-1)


def _log(probabilities, weights):
    """The logarithm; 0 where it is infinite and is to be multiplied by 0."""
    return jnp.log(jnp.where((weights == 0) & (probabilities == 0), 1, probabilities))


def _mean_of_example(values):
    return jnp.mean(values, axis=tuple(range(1, values.ndim)))


def _require_rows(place, name, outputs):
    checks.require_floating(place, name, outputs)
    if outputs.ndim != 2:
        raise ValueError(f"{place}: {name} must have shape (batch, classes), got {outputs.shape}")


def _require_pair(place, predictions, targets):
    checks.require_floating(place, "predictions", predictions)
    checks.require_same(place, "targets", targets, predictions.shape, predictions.dtype)
