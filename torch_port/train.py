"""Training: an epoch of steps, and the loop that a person would write."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from torch import nn
from torch.optim import Optimizer

from torch_port import checks, metrics
from torch_port.data import Dataset, batches, permutation
from torch_port.evaluation import evaluate as evaluate
from torch_port.evaluation import predict as predict
from torch_port.steps import (
    Augment,
    Loss,
    Metrics,
    Penalty,
    TrainState,
    init_train_state,
    make_train_step,
)


class Progress(NamedTuple):
    """What a callback is shown after each epoch.

    Attributes:
      epoch: epochs done, the first being 1.
      epochs: epochs asked for.
      train_state: the training as it stands; its module changes again after the callback.
      history: one dictionary an epoch, the newest last.
    """

    epoch: int
    epochs: int
    train_state: TrainState
    history: list[dict[str, Any]]


class FitResult(NamedTuple):
    """What `fit` leaves.

    Attributes:
      train_state: the training after the last epoch.
      history: one dictionary an epoch: `epoch`, `loss`, `accuracy`, `seconds`, and with validation
        data `validation_loss`, `validation_accuracy`.
      stopped: why a callback ended the training early, or None.
    """

    train_state: TrainState
    history: list[dict[str, Any]]
    stopped: str | None


Callback: TypeAlias = Callable[[Progress], str | None]
"""Called after each epoch; what it returns, if anything, ends the training and says why."""


def make_epoch(
    model: nn.Module,
    optimizer: Optimizer,
    loss: Loss,
    *,
    batch_size: int,
    augment: Augment | None = None,
    penalty: Penalty | None = None,
) -> Callable[[TrainState, Dataset], tuple[TrainState, Metrics]]:
    """Makes the function that trains for one epoch.

    The epoch shuffles, takes a step on each full batch and a last step on the ragged rest. Its
    number, and so its order, follows from `train_state.step`.

    Args:
      model: a module.
      optimizer: made with the module's parameters.
      loss: `(outputs, labels) -> (batch,)`.
      batch_size: examples a step.
      augment: as in `make_train_step`.
      penalty: as in `make_train_step`.

    Returns:
      `epoch(train_state, dataset) -> (train_state, metrics)`. The metrics are over all examples.

    Raises:
      ValueError: on a batch size below 1.

    Example:
      >>> import torch
      >>> from torch_port import losses
      >>> model = nn.Linear(2, 2)
      >>> optimizer = torch.optim.SGD(model.parameters(), 0.1)
      >>> epoch = make_epoch(model, optimizer, losses.softmax_cross_entropy, batch_size=2)
      >>> start = init_train_state(model, optimizer, seed=0)
      >>> dataset = Dataset(torch.ones(5, 2), torch.zeros(5, dtype=torch.int64))
      >>> train_state, metrics = epoch(start, dataset)
      >>> train_state.step, metrics["loss"].count
      (3, tensor(5))
    """
    checks.require_positive_integer(batch_size, "make_epoch: batch_size")
    step = make_train_step(model, optimizer, loss, augment=augment, penalty=penalty)

    def epoch(train_state, dataset) -> tuple[TrainState, Any]:
        n = dataset.size
        number = train_state.step // -(-n // batch_size)
        order = permutation(train_state.seed, number, n)
        parts = []
        for batch in batches(dataset, order, batch_size):
            train_state, measured = step(train_state, batch)
            _require_finite(train_state, measured, number + 1)
            parts.append(measured)
        return train_state, metrics.merge(*parts)

    return epoch


def fit(
    model: nn.Module,
    optimizer: Optimizer,
    dataset: Dataset,
    *,
    loss: Loss,
    epochs: int,
    batch_size: int,
    seed: int,
    validation: Dataset | None = None,
    callbacks: Sequence[Callback] = (),
    augment: Augment | None = None,
    penalty: Penalty | None = None,
) -> FitResult:
    """Trains a model: the loop that a person would write.

    Args:
      model: a module; it goes on from the parameters that it has.
      optimizer: made with the module's parameters.
      dataset: what to train on; all of it, in an order drawn anew each epoch.
      loss: `(outputs, labels) -> (batch,)`.
      epochs: passes over the data.
      batch_size: examples a step.
      seed: order, masks and augmentation follow from it; each step seeds PyTorch's global
        generator.
      validation: what to measure on after each epoch.
      callbacks: called after each epoch; those of `jaxnn.callbacks` that read the history will do.
      augment: `(generator, images) -> images`, applied to each batch.
      penalty: `model -> scalar`, added to the loss that is minimised.

    Returns:
      A `FitResult`.

    Raises:
      ValueError: on numbers below 1 or no data, before anything is computed.
      FloatingPointError: when a loss or a parameter stops being finite, naming the epoch and the
        step.

    Example:
      >>> import torch
      >>> from torch_port import losses
      >>> model, data = nn.Linear(4, 4), Dataset(torch.eye(4), torch.arange(4))
      >>> optimizer = torch.optim.Adam(model.parameters(), 0.1)
      >>> result = fit(model, optimizer, data, batch_size=2, epochs=50,
      ...              loss=losses.softmax_cross_entropy, seed=0)
      >>> result.history[-1]["accuracy"]
      1.0
    """
    checks.require_positive_integer(epochs, "fit: epochs")
    checks.require_dataset("fit: dataset", dataset)
    if validation is not None:
        checks.require_dataset("fit: validation", validation)
    epoch = make_epoch(
        model, optimizer, loss, batch_size=batch_size, augment=augment, penalty=penalty
    )
    train_state = init_train_state(model, optimizer, seed)
    history: list[dict[str, Any]] = []
    for number in range(1, epochs + 1):
        started = time.perf_counter()
        train_state, measured = epoch(train_state, dataset)
        row: dict[str, Any] = {"epoch": number, **metrics.values(measured)}
        if validation is not None:
            held_out = evaluate(model, validation, loss=loss, batch_size=batch_size)
            row |= {f"validation_{name}": value for name, value in held_out.items()}
        row["seconds"] = time.perf_counter() - started
        history.append(row)
        progress = Progress(number, epochs, train_state, history)
        reasons = [reason for callback in callbacks if (reason := callback(progress))]
        if reasons:
            return FitResult(train_state, history, reasons[0])
    return FitResult(train_state, history, None)


def _require_finite(train_state, measured, epoch):
    """A sum is finite if all its terms are: the loss, every parameter and running statistic."""
    model = train_state.model
    numbers = [measured["loss"].sum, *model.parameters(), *model.buffers()]
    if not math.isfinite(sum(tensor.detach().sum() for tensor in numbers)):
        loss = measured["loss"].value.item()
        raise FloatingPointError(f"epoch {epoch}, step {train_state.step}: loss is {loss}")
