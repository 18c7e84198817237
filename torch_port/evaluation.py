"""A trained model on data: its loss and accuracy, its outputs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from torch_port import checks, metrics
from torch_port.data import Dataset, batches
from torch_port.steps import Loss, Metrics, measure


def evaluate(
    model: nn.Module, dataset: Dataset, *, loss: Loss, batch_size: int
) -> dict[str, float]:
    """Measures a model on all examples of a data set, the ragged last batch included.

    Args:
      model: a module; it is applied in eval mode, and left in the mode in which it came.
      dataset: the examples.
      loss: `(outputs, labels) -> (batch,)`.
      batch_size: examples at a time; the result does not depend on it but for rounding.

    Returns:
      `{"loss": mean over the examples}`, and for integer labels `"accuracy"`, the share of examples
      whose largest output is at their label.

    Raises:
      ValueError: on a batch size below 1, or no examples.

    Example:
      >>> from torch_port import losses
      >>> data = Dataset(torch.eye(3), torch.tensor([0, 1, 1]))
      >>> evaluate(nn.Identity(), data, batch_size=2, loss=losses.softmax_cross_entropy)
      {'loss': 0.884778..., 'accuracy': 0.666666...}
    """
    checks.require_module(model, "evaluate: model")
    checks.require_positive_integer(batch_size, "evaluate: batch_size")
    checks.require_dataset("evaluate: dataset", dataset)
    return metrics.values(measure_dataset(model, dataset, loss=loss, batch_size=batch_size))


def predict(model: nn.Module, inputs: Any, *, batch_size: int) -> Tensor:
    """The outputs of a model, a batch at a time.

    Args:
      model: a module; it is applied in eval mode, and left in the mode in which it came.
      inputs: `(n, ...)`, raw images if the model begins with `NormalizeImages`.
      batch_size: examples at a time.

    Returns:
      `(n, ...)`: logits, if the model ends in them; made without a graph.

    Raises:
      ValueError: on a batch size below 1.

    Example:
      >>> predict(nn.Flatten(), torch.ones(5, 2, 2), batch_size=2).shape
      torch.Size([5, 4])
    """
    checks.require_module(model, "predict: model")
    checks.require_positive_integer(batch_size, "predict: batch_size")
    with _evaluation_mode(model):
        return torch.cat([model(part) for part in torch.as_tensor(inputs).split(batch_size)])


def measure_dataset(model: nn.Module, dataset: Dataset, *, loss: Loss, batch_size: int) -> Metrics:
    """What `evaluate` gives the values of, to be merged with that of other data.

    Args:
      model: a module; it is applied in eval mode, and left in the mode in which it came.
      dataset: the examples.
      loss: `(outputs, labels) -> (batch,)`.
      batch_size: examples at a time.

    Returns:
      A dictionary of `metrics.Average`s.

    Example:
      >>> from torch_port import losses
      >>> data = Dataset(torch.eye(3), torch.tensor([0, 1, 1]))
      >>> settings = {"loss": losses.softmax_cross_entropy, "batch_size": 2}
      >>> measure_dataset(nn.Identity(), data, **settings)["accuracy"].sum
      tensor(2)
    """
    with _evaluation_mode(model):
        parts = []
        for images, labels in batches(dataset, range(dataset.size), batch_size):
            outputs = model(images)
            parts.append(measure(outputs, loss(outputs, labels), labels))
        return metrics.merge(*parts)


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Eval mode and no graph; each layer gets its own mode back, for some may have been frozen."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
