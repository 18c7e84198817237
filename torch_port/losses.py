"""Losses: one number per example, of shape `(batch,)`; the caller averages with `losses.mean`.

Each is PyTorch's with `reduction="none"`. Where a batch holds more than one number per example,
`(batch, ...)`, regression and binary losses average over all axes but the first, so that their mean
over the batch is PyTorch's own `reduction="mean"`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_port import checks
from torch_port.penalties import l1 as l1
from torch_port.penalties import l2 as l2

NO_LABEL = torch.iinfo(torch.int64).min
"""An `ignore_index` that no label has: PyTorch's default leaves out the label −100 in silence."""


def softmax_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
    ignore_label: int | None = None,
) -> Tensor:
    """Cross-entropy between labels and the softmax of logits: `F.cross_entropy`.

        loss = −Σ_c w_c q_c log softmax(logits)_c,   q = (1 − s) · target + s / classes

    Args:
      logits: `(batch, classes)`, floating.
      labels: integer classes `(batch,)`, or a distribution over classes `(batch, classes)`.
      label_smoothing: s in [0, 1], the share of the target spread evenly over all classes.
      class_weights: w, `(classes,)`; ones if None. `F.cross_entropy`'s own mean divides by the
        weights of the labels: `mean(softmax_cross_entropy(logits, labels), class_weights[labels])`.
      ignore_label: examples with this integer label contribute 0; average over the others with
        `mean(values, labels != ignore_label)`, as `F.cross_entropy`'s own mean does.

    Raises:
      ValueError: on shapes, dtypes, classes or settings that do not fit.

    Example:
      >>> logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 1e4]])
      >>> softmax_cross_entropy(logits, torch.tensor([0, 1]))
      tensor([2.3954e-01, 1.0000e+04])
    """
    place = "softmax_cross_entropy"
    _require_rows(place, "logits", logits)
    checks.require_in("[0, 1]", label_smoothing, f"{place}: label_smoothing")
    _require_target(place, labels, logits, ignore_label)
    if class_weights is not None:
        checks.require_same(place, "class_weights", class_weights, logits.shape[1:], logits.dtype)
    return F.cross_entropy(
        logits,
        labels if labels.is_floating_point() else labels.long(),  # it takes no int32
        class_weights,
        label_smoothing=label_smoothing,
        ignore_index=NO_LABEL if ignore_label is None else ignore_label,
        reduction="none",
    )


def cross_entropy(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy between labels and probabilities: −Σ_c q_c log p_c, where 0 · log 0 = 0.

    `F.cross_entropy` takes logits, `F.nll_loss` log-probabilities; PyTorch has none that takes
    probabilities, and the gradient of `nll_loss(log p)` is NaN where p = 0.

    Args:
      probabilities: `(batch, classes)`, floating, rows that sum to 1.
      labels: integer classes `(batch,)`, or a distribution over classes `(batch, classes)`.

    Raises:
      ValueError: on shapes, dtypes or classes that do not fit.

    Example:
      >>> cross_entropy(torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([0]))
      tensor([0.6931])
    """
    _require_rows("cross_entropy", "probabilities", probabilities)
    _require_target("cross_entropy", labels, probabilities)
    q = labels
    if not labels.is_floating_point():
        q = F.one_hot(labels.long(), probabilities.shape[-1]).to(probabilities.dtype)
    excluded = (q == 0) & (probabilities == 0)
    return (q * -torch.log(probabilities.masked_fill(excluded, 1))).sum(-1)


def binary_cross_entropy(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of probabilities: −y log p − (1 − y) log(1 − p).

    PyTorch cuts the logarithm off at −100, so that it is 100 where p excludes what occurs (∞ in
    `jaxnn`), and its gradient is 0 where p is right to the last digit (∓1 in `jaxnn`).

    Args:
      probabilities: p of class 1, `(batch, ...)`, floating, in [0, 1].
      labels: y of the same shape, in [0, 1]; integers, booleans or floats.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> binary_cross_entropy(torch.tensor([0.5, 0.0]), torch.tensor([1, 1]))
      tensor([  0.6931, 100.0000])
    """
    y = _binary_labels("binary_cross_entropy", "probabilities", probabilities, labels)
    return _mean_of_example(F.binary_cross_entropy(probabilities, y, reduction="none"))


def sigmoid_binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of the sigmoid of logits: y softplus(−x) + (1 − y) softplus(x).

    Args:
      logits: x, `(batch, ...)`, floating.
      labels: y of the same shape, in [0, 1]; integers, booleans or floats.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> sigmoid_binary_cross_entropy(torch.tensor([0.0, 1e4]), torch.tensor([1, 0]))
      tensor([6.9315e-01, 1.0000e+04])
    """
    y = _binary_labels("sigmoid_binary_cross_entropy", "logits", logits, labels)
    return _mean_of_example(F.binary_cross_entropy_with_logits(logits, y, reduction="none"))


def squared_error(predictions: Tensor, targets: Tensor) -> Tensor:
    """Squared error (p − t)², averaged over all axes but the first.

    Args:
      predictions: p, `(batch, ...)`, floating.
      targets: t of the same shape and dtype; `F.mse_loss` itself would broadcast them.

    Raises:
      ValueError: on shapes or dtypes that differ.

    Example:
      >>> squared_error(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]]))
      tensor([2.5000])
    """
    _require_pair("squared_error", predictions, targets)
    return _mean_of_example(F.mse_loss(predictions, targets, reduction="none"))


def absolute_error(predictions: Tensor, targets: Tensor) -> Tensor:
    """Absolute error |p − t|, averaged over all axes but the first; its slope at 0 is 0.

    Args:
      predictions: p, `(batch, ...)`, floating.
      targets: t of the same shape and dtype.

    Raises:
      ValueError: on shapes or dtypes that differ.

    Example:
      >>> absolute_error(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 0.0]]))
      tensor([1.5000])
    """
    _require_pair("absolute_error", predictions, targets)
    return _mean_of_example(F.l1_loss(predictions, targets, reduction="none"))


def huber(predictions: Tensor, targets: Tensor, delta: float = 1.0) -> Tensor:
    """Huber loss: r²/2 where |r| ≤ δ, else δ(|r| − δ/2), with r = p − t.

    Args:
      predictions: p, `(batch, ...)`, floating.
      targets: t of the same shape and dtype.
      delta: δ > 0, where the parabola becomes a line (`F.smooth_l1_loss` is huber/δ).

    Raises:
      ValueError: on shapes or dtypes that differ, or a δ that is not positive.

    Example:
      >>> huber(torch.tensor([0.5, 3.0]), torch.tensor([0.0, 0.0]))
      tensor([0.1250, 2.5000])
    """
    _require_pair("huber", predictions, targets)
    checks.require_in("(0, inf)", delta, "huber: delta")
    return _mean_of_example(F.huber_loss(predictions, targets, delta=delta, reduction="none"))


def kl_divergence(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    """Kullback–Leibler divergence Σ_c t_c (log t_c − log p_c), where 0 · log 0 = 0: `F.kl_div`.

    The slope by a target of 0, which is −∞, is given as 0; that of `F.kl_div` is NaN.

    Args:
      log_probabilities: log p, `(batch, classes)`, floating.
      targets: t, probabilities of the same shape and dtype.

    Returns:
      `(batch,)`; its mean is `F.kl_div`'s `reduction="batchmean"`.

    Raises:
      ValueError: on shapes or dtypes that differ.

    Example:
      >>> kl_divergence(torch.log(torch.tensor([[0.5, 0.5]])), torch.tensor([[1.0, 0.0]]))
      tensor([0.6931])
    """
    _require_rows("kl_divergence", "log_probabilities", log_probabilities)
    _require_same("kl_divergence", "targets", targets, log_probabilities)
    zero = targets == 0  # there 1 · (log 1 − 0) instead, as F.kl_div's 0 · (log 0 + ∞) is NaN
    log_p, t = log_probabilities.masked_fill(zero, 0), targets.masked_fill(zero, 1)
    return F.kl_div(log_p, t, reduction="none").sum(-1)


def mean(values: Tensor, weights: Tensor | None = None) -> Tensor:
    """Weighted mean Σ w v / Σ w of the losses of a batch; the plain mean without weights.

    Args:
      values: v, `(batch,)`, floating.
      weights: w of the same shape, not negative: `labels != ignore_label`, or the weights of the
        labels' classes. Values of weight 0 are left out, even if they are not finite.

    Returns:
      A scalar; 0 where all weights are 0, for which `F.cross_entropy` gives NaN.

    Raises:
      ValueError: on values that are not `(batch,)`, or weights of another shape.

    Example:
      >>> mean(torch.tensor([1.0, 3.0, 8.0]), torch.tensor([True, True, False]))
      tensor(2.)
    """
    checks.require_floating("mean", "values", values)
    if values.ndim != 1:
        raise ValueError(f"mean: values must have shape (batch,), got {tuple(values.shape)}")
    if weights is None:
        return values.mean()
    checks.require_tensor("mean", "weights", weights)
    if weights.shape != values.shape:
        expected, came = tuple(values.shape), tuple(weights.shape)
        raise ValueError(f"mean: weights must have shape {expected}, got {came}")
    w = weights.to(values.dtype)
    total = w.sum()
    left_out = (w == 0) & ~values.isfinite()
    return (w * values.masked_fill(left_out, 0)).sum() / torch.where(total == 0, 1, total)


def _require_target(place, labels, outputs, ignore_label=None):
    """Unless labels are integer classes, they must be a distribution over classes."""
    checks.require_tensor(place, "labels", labels)
    if not labels.is_floating_point():
        batch, classes = outputs.shape
        checks.require_classes(place, labels, (batch,), classes, ignore_label)
        return
    _require_same(place, "labels", labels, outputs)
    if ignore_label is not None:
        raise ValueError(f"{place}: ignore_label needs integer labels, got {labels.dtype}")


def _binary_labels(place, name, outputs, labels):
    checks.require_floating(place, name, outputs)
    checks.require_tensor(place, "labels", labels)
    if not labels.is_floating_point():
        labels = labels.to(outputs.dtype)
    _require_same(place, "labels", labels, outputs)
    checks.require_all_in("[0, 1]", labels, f"{place}: labels")
    return labels


def _mean_of_example(values):
    return values.reshape(values.shape[0], -1).mean(1)


def _require_same(place, name, tensor, like):
    checks.require_same(place, name, tensor, like.shape, like.dtype)


def _require_pair(place, predictions, targets):
    checks.require_floating(place, "predictions", predictions)
    _require_same(place, "targets", targets, predictions)


def _require_rows(place, name, outputs):
    checks.require_floating(place, name, outputs)
    if outputs.ndim != 2:
        shape = tuple(outputs.shape)
        raise ValueError(f"{place}: {name} must have shape (batch, classes), got {shape}")
