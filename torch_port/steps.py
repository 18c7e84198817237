"""One step of training, and the state that it takes to the next.

`TrainState.seed` never changes: step s draws from `fold_in(seed, s)`, and the order of the examples
in epoch e is `data.permutation(seed, e, n)`, so that a run can be taken up at any step.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from torch_port import checks, losses, metrics
from torch_port.seeds import fold_in

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
Metrics: TypeAlias = dict[str, metrics.Average]
Augment: TypeAlias = Callable[[Generator, Tensor], Tensor]
Penalty: TypeAlias = Callable[[nn.Module], Tensor]


class TrainState(NamedTuple):
    """All that a training is at one moment; a step changes the module and the optimiser in place.

    Attributes:
      model: parameters, which the optimiser changes, and buffers, such as running statistics.
      optimizer: holds its moments and counts by parameter.
      seed: of the whole training.
      step: how many steps have been taken.
    """

    model: nn.Module
    optimizer: Optimizer
    seed: int
    step: int


def init_train_state(model: nn.Module, optimizer: Optimizer, seed: int) -> TrainState:
    """Sets everything to its start; the initial parameters were drawn when the model was made.

    Args:
      model: a module.
      optimizer: made with the module's parameters.
      seed: of order, masks and augmentation, at least 0.

    Returns:
      A `TrainState` at step 0.

    Raises:
      ValueError: the seed is not a whole number of at least 0.

    Example:
      >>> model = nn.Linear(4, 3)
      >>> start = init_train_state(model, torch.optim.SGD(model.parameters(), 0.1), seed=0)
      >>> start.model.weight.shape, start.step
      (torch.Size([3, 4]), 0)
    """
    checks.require_seed(seed, "init_train_state: seed")
    return TrainState(model, optimizer, seed, 0)


def make_train_step(
    model: nn.Module,
    optimizer: Optimizer,
    loss: Loss,
    *,
    augment: Augment | None = None,
    penalty: Penalty | None = None,
) -> Callable[[TrainState, Sequence[Tensor]], tuple[TrainState, Metrics]]:
    """Makes the function that takes one step: forward, loss, gradient, update.

    Args:
      model: a module.
      optimizer: made with the module's parameters.
      loss: `(outputs, labels) -> (batch,)`; its mean over the batch is minimised.
      augment: `(generator, images) -> images`, applied to the batch first.
      penalty: `model -> scalar`, added to the loss that is minimised, not to the one reported.

    Returns:
      `step(train_state, batch) -> (train_state, metrics)`, where a batch is images and labels; the
      metrics are those of the batch before the update.

    Raises:
      TypeError: the model is no module, or the optimiser none of PyTorch's.
      ValueError: the optimiser holds no parameter of the model, which nothing would train.

    Example:
      >>> model = nn.Linear(2, 2)
      >>> optimizer = torch.optim.SGD(model.parameters(), 0.1)
      >>> step = make_train_step(model, optimizer, losses.softmax_cross_entropy)
      >>> start = init_train_state(model, optimizer, seed=0)
      >>> train_state, metrics = step(start, (torch.eye(2), torch.tensor([0, 1])))
      >>> train_state.step, metrics["accuracy"].count
      (1, tensor(2))
    """
    checks.require_module(model, "make_train_step: model")
    _require_optimizer_of(model, optimizer)
    # For devices that are not in use, `torch.manual_seed` formats the whole stack at every call.
    has_accelerator = torch.accelerator.is_available()
    seed_all = torch.manual_seed if has_accelerator else torch.default_generator.manual_seed

    def objective(images, labels):
        outputs = model.train()(images)
        values = loss(outputs, labels)
        minimised = losses.mean(values) + (penalty(model) if penalty else 0)
        return minimised, measure(outputs, values, labels)

    def step(train_state, batch):
        batch, model_seed = draw(train_state, batch, augment)
        seed_all(model_seed)  # dropout layers draw from the global generator
        minimised, measured = objective(*batch)
        optimizer.zero_grad()
        minimised.backward()
        optimizer.step()
        return train_state._replace(step=train_state.step + 1), measured

    return step


def draw(
    train_state: TrainState, batch: Sequence[Tensor], augment: Augment | None
) -> tuple[Sequence[Tensor], int]:
    """All that is random in a step: the augmented batch, and the seed of the model's own draws.

    Args:
      train_state: the training before the step.
      batch: images and labels of the step.
      augment: `(generator, images) -> images`, or None.

    Returns:
      The batch that the model is given, and the seed.

    Example:
      >>> state = TrainState(nn.Identity(), None, seed=0, step=7)
      >>> doubled = lambda generator, images: 2 * images
      >>> draw(state, (torch.ones(1), torch.zeros(1)), doubled)[0]
      (tensor([2.]), tensor([0.]))
    """
    step_seed = fold_in(train_state.seed, train_state.step)
    model_seed, augment_seed = fold_in(step_seed, 0), fold_in(step_seed, 1)
    if augment:
        images, labels = batch
        batch = augment(Generator().manual_seed(augment_seed), images), labels
    return batch, model_seed


def measure(outputs: Tensor, values: Tensor, labels: Tensor) -> Metrics:
    """What is reported of a batch: the loss, and for integer labels the accuracy.

    Args:
      outputs: of the model, `(batch, ...)`.
      values: of the loss, `(batch,)`.
      labels: `(batch,)`, or targets `(batch, ...)`.

    Returns:
      A dictionary of `metrics.Average`s.

    Example:
      >>> measured = measure(torch.eye(2), torch.tensor([0.5, 1.5]), torch.tensor([0, 0]))
      >>> {name: average.value.item() for name, average in measured.items()}
      {'loss': 1.0, 'accuracy': 0.5}
    """
    measured = {"loss": metrics.average(values)}
    if outputs.ndim == 2 and not labels.is_floating_point():
        measured["accuracy"] = metrics.accuracy(outputs, labels)
    return measured


def _require_optimizer_of(model: nn.Module, optimizer: Optimizer) -> None:
    """Raises where an optimiser would leave the model as it is."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            "make_train_step: optimizer must be a torch.optim.Optimizer, "
            f"got {getattr(optimizer, '__name__', type(optimizer).__name__)}"
        )
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if held.isdisjoint(map(id, model.parameters())):
        raise ValueError(
            "make_train_step: optimizer must hold parameters of the model, "
            f"got {len(held)} of something else"
        )
