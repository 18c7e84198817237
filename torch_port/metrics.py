"""Metrics as pairs of a sum and a count, so that a ragged last batch counts exactly.

A mean of batch means weighs the examples of a small last batch too much; sums and counts of all
batches, added and then divided, do not.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_port import checks


class Average(NamedTuple):
    """A sum and a count; add them up over batches with `merge`, then take `value`.

    Attributes:
      sum: what was added up, a scalar or a tensor.
      count: over how many examples, int64, a scalar or a tensor.

    Example:
      >>> batches = [Average(torch.tensor(6.0), torch.tensor(3)),
      ...            Average(torch.tensor(0.0), torch.tensor(1))]
      >>> merge(*batches).value.item()
      1.5
    """

    sum: Tensor
    count: Tensor  # pyright: ignore[reportIncompatibleMethodOverride]

    @property
    def value(self) -> Tensor:
        """sum / count; NaN where nothing was counted."""
        return self.sum / self.count


class Calibration(NamedTuple):
    """By bins of confidence: how sure the predictions were, and how often they were right.

    Attributes:
      confidence: the probability of the predicted class, an `Average` over `(bins,)`.
      accuracy: whether it was the label, an `Average` over `(bins,)`.
    """

    confidence: Average
    accuracy: Average

    @property
    def error(self) -> Tensor:
        """Expected calibration error: Σ_b n_b |accuracy_b − confidence_b| / n."""
        gaps = torch.abs(self.accuracy.sum - self.confidence.sum)
        return gaps.sum() / self.accuracy.count.sum()


def average(values: Tensor) -> Average:
    """The sum and the count of one number per example, such as a loss.

    Args:
      values: `(batch,)`; the sum keeps no graph, and is float32 at least: float16 ends at 65 504.

    Raises:
      ValueError: on a single number, such as the mean of a batch.

    Example:
      >>> average(torch.tensor([1.0, 2.0, 6.0])).value
      tensor(3.)
    """
    checks.require_tensor("average", "values", values)
    if values.ndim == 0:
        raise ValueError(f"average: values must have a batch axis, got shape {tuple(values.shape)}")
    is_half = values.is_floating_point() and values.element_size() < 4
    dtype = torch.float32 if is_half else values.dtype
    return Average(values.detach().sum(dtype=dtype), _count(values))


def merge(*metrics):
    """Adds up metrics of the same structure, from several batches.

    Args:
      *metrics: `Average`s, or tuples and dictionaries of them, such as one dictionary a batch.

    Example:
      >>> merge({"loss": average(torch.ones(64))}, {"loss": average(torch.ones(32))})["loss"].count
      tensor(96)
    """
    return _map(lambda *leaves: sum(leaves), *metrics)


def total(metrics):
    """Adds up metrics of several batches that are stacked along a first axis.

    Args:
      metrics: `Average`s, or tuples and dictionaries of them, each tensor with a first axis of
        batches.

    Example:
      >>> stacked = Average(torch.tensor([6.0, 0.0]), torch.tensor([3, 1]))
      >>> total(stacked).count
      tensor(4)
    """
    return _map(lambda stack: stack.sum(0, dtype=stack.dtype), metrics)


def values(metrics: dict[str, Average]) -> dict[str, float]:
    """The values of metrics as Python numbers, sum / count in double precision.

    Args:
      metrics: `Average`s of scalars by name.

    Example:
      >>> values({"loss": average(torch.tensor([1.0, 2.0]))})
      {'loss': 1.5}
    """
    return {name: float(average.sum) / int(average.count) for name, average in metrics.items()}


def accuracy(logits: Tensor, labels: Tensor) -> Average:
    """How many examples have their largest logit at their label.

    Args:
      logits: logits or probabilities, `(batch, classes)`; of equal ones the first counts.
      labels: integer classes, `(batch,)`.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> accuracy(torch.tensor([[2.0, 1.0], [3.0, 0.0]]), torch.tensor([0, 1])).value
      tensor(0.5000)
    """
    _require_classes("accuracy", logits, labels)
    correct = logits.argmax(-1) == labels
    return Average(correct.sum(), _count(labels))


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> Average:
    """How many examples have fewer than k logits above that of their label.

    Args:
      logits: logits or probabilities, `(batch, classes)`.
      labels: integer classes, `(batch,)`.
      k: from 1 to the number of classes.

    Raises:
      ValueError: on shapes or dtypes that do not fit, or k outside its range.

    Example:
      >>> top_k_accuracy(torch.tensor([[3.0, 2.0, 1.0]]), torch.tensor([1]), k=2).value
      tensor(1.)
    """
    _require_classes("top_k_accuracy", logits, labels)
    checks.require_in(f"[1, {logits.shape[-1]}]", k, "top_k_accuracy: k")
    at_label = logits.gather(-1, labels.long()[:, None])
    correct = (~(logits <= at_label)).sum(-1) < k  # NaN is not among the first k
    return Average(correct.sum(), _count(labels))


def confusion_matrix(logits: Tensor, labels: Tensor) -> Average:
    """How many examples of each class were taken for which class.

    Args:
      logits: logits or probabilities, `(batch, classes)`.
      labels: integer classes, `(batch,)`.

    Returns:
      `Average` whose sum is an int64 matrix `(classes, classes)`: row = label, column = predicted.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> confusion_matrix(torch.tensor([[2.0, 1.0], [3.0, 0.0]]), torch.tensor([0, 1])).sum
      tensor([[1, 0],
              [1, 0]])
    """
    _require_classes("confusion_matrix", logits, labels)
    classes = logits.shape[-1]
    pairs = labels.long() * classes + logits.argmax(-1)
    counts = torch.bincount(pairs, minlength=classes**2)
    return Average(counts.reshape(classes, classes), _count(labels))


def calibration(probabilities: Tensor, labels: Tensor, bins: int = 15) -> Calibration:
    """How well the confidence of predictions fits their accuracy, in equal bins of confidence.

    Args:
      probabilities: `(batch, classes)`, rows that sum to 1.
      labels: integer classes, `(batch,)`.
      bins: the number of bins that share (0, 1]; bin b holds b/bins < confidence ≤ (b + 1)/bins.

    Returns:
      `Calibration`, to be merged over batches; its `error` is the expected calibration error.

    Raises:
      ValueError: on shapes or dtypes that do not fit.

    Example:
      >>> sure_and_half_right = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
      >>> calibration(sure_and_half_right, torch.tensor([0, 1])).error
      tensor(0.5000)
    """
    _require_classes("calibration", probabilities, labels, "probabilities")
    checks.require_positive_integer(bins, "calibration: bins")
    confidence, predicted = probabilities.detach().max(-1)
    correct = (predicted == labels).long()
    bin_of = (torch.ceil(confidence * bins).long() - 1).clamp(0, bins - 1)
    add_up = lambda values: values.new_zeros(bins).index_add(0, bin_of, values)
    counts = add_up(torch.ones_like(bin_of))
    return Calibration(Average(add_up(confidence), counts), Average(add_up(correct), counts))


def _map(function, tree, *rest) -> Any:
    """The function of the tensors at each place of trees of dictionaries and named tuples."""
    if isinstance(tree, dict):
        return {name: _map(function, tree[name], *(other[name] for other in rest)) for name in tree}
    if isinstance(tree, tuple):
        return type(tree)(*map(partial(_map, function), tree, *rest))
    return function(tree, *rest)


def _count(values):
    return torch.tensor(values.shape[0], device=values.device)


def _require_classes(place, logits, labels, name="logits"):
    checks.require_tensor(place, name, logits)
    if logits.ndim != 2 or not logits.is_floating_point():
        raise ValueError(
            f"{place}: {name} must be floating of shape (batch, classes), "
            f"got {logits.dtype} of shape {tuple(logits.shape)}"
        )
    checks.require_classes(place, labels, tuple(logits.shape[:1]), logits.shape[-1])
