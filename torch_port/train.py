"""Training: an epoch of steps, and the loop that a person would write."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

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
      stopped: why a callback or `stop` ended the training early, or None.
      measured: of an epoch that `stop` ended early, the metrics of the steps that were taken, or
        None; `fit(resume=)` goes on from there.
    """

    train_state: TrainState
    history: list[dict[str, Any]]
    stopped: str | None
    measured: Metrics | None = None


class Resumable(Protocol):
    """Where a training stands: a `FitResult`, or a checkpoint of one."""

    @property
    def train_state(self) -> TrainState: ...
    @property
    def history(self) -> list[dict[str, Any]]: ...
    @property
    def measured(self) -> Metrics | None: ...


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
        checks.require_dataset("make_epoch: dataset", dataset)
        taken = list(_take_steps(step, batch_size, train_state, dataset, 0))
        return taken[-1][0], metrics.merge(*(measured for _, measured in taken))

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
    resume: Resumable | None = None,
    stop: Callable[[], str | None] | None = None,
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
      resume: where to go on: what an earlier `fit` of the same arguments has returned, model and
        optimiser as it left them. Its seed is the training's; the numbers are those of a training
        that was never interrupted, bit for bit.
      stop: asked about between two steps: what it returns, if anything, ends the training and says
        why.

    Returns:
      A `FitResult`.

    Raises:
      ValueError: on numbers below 1, no data, or a training to go on with that does not fit, before
        anything is computed.
      TypeError: on a callback or a `stop` that is no function, a model or optimiser that is none.
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
    checks.require_positive_integer(batch_size, "fit: batch_size")
    checks.require_dataset("fit: dataset", dataset)
    if validation is not None:
        checks.require_dataset("fit: validation", validation)
    for callback in callbacks:
        checks.require_function(callback, "fit: each of callbacks")
    if stop is not None:
        checks.require_function(stop, "fit: stop")
    steps = -(-dataset.size // batch_size)
    step = make_train_step(model, optimizer, loss, augment=augment, penalty=penalty)
    train_state, history, parts = _begin(model, optimizer, seed, resume, steps)
    for number in range(len(history) + 1, epochs + 1):
        started = time.perf_counter()
        first, reason = train_state.step - len(history) * steps, None
        for after, part in _take_steps(step, batch_size, train_state, dataset, first):
            train_state = after
            parts.append(part)
            if reason := stop and stop():
                break
        measured, parts = metrics.merge(*parts), []
        if reason:
            return FitResult(train_state, history, reason, measured)
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


def _begin(
    model: nn.Module, optimizer: Optimizer, seed: int, resume: Resumable | None, steps: int
) -> tuple[TrainState, list[dict[str, Any]], list[Metrics]]:
    """A training's first state, or where it stands: state, history, what an epoch has measured."""
    if resume is None:
        return init_train_state(model, optimizer, seed), [], []
    train_state, history, measured = resume.train_state, resume.history, resume.measured
    ours = isinstance(train_state, TrainState) and train_state[:2] == (model, optimizer)
    if not ours:
        raise ValueError("fit: resume must be of the same model and optimizer, got others")
    into_epoch = train_state.step - len(history) * steps
    if not 0 <= into_epoch <= steps or (measured is None) != (into_epoch == 0):
        raise ValueError(
            f"fit: resume must have taken {len(history)} epochs of {steps} steps each, and what it "
            f"has measured of the next, got {train_state.step} steps: batch size or data differ"
        )
    return train_state, list(history), [] if measured is None else [measured]


def _take_steps(step, batch_size, train_state, dataset, first):
    """Takes the steps of an epoch from `first`; yields the training and the metrics of each."""
    number = (train_state.step - first) // -(-dataset.size // batch_size)
    order = permutation(train_state.seed, number, dataset.size)[first * batch_size :]
    for batch in batches(dataset, order, batch_size):
        train_state, measured = step(train_state, batch)
        _require_finite(train_state, measured, number + 1)
        yield train_state, measured


def _require_finite(train_state, measured, epoch):
    """A sum is finite if all its terms are: the loss, every parameter and running statistic."""
    model, loss, place = train_state.model, measured["loss"], f"step {train_state.step}"
    numbers = [loss.sum, *model.parameters(), *model.buffers()]
    if not math.isfinite(sum(tensor.detach().sum() for tensor in numbers)):
        raise FloatingPointError(f"epoch {epoch}, {place}: loss is {loss.value.item()}")
