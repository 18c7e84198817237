"""The transformations that optimisers are put together from: scaling, momentum, weight decay."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from torch_port.optim.combine import (
    EmptyState,
    GradientTransformation,
    identity,
    masked,
    stateless,
)
from torch_port.optim.leaves import (
    Tensors,
    advance,
    full_like,
    leafwise,
    require_number,
    require_numbers_in,
    require_same_length,
)

Schedule: TypeAlias = Callable[[int], Any]
ScalarOrSchedule: TypeAlias = float | Tensor | Schedule
"""A number, a tensor of one, or a function `step -> number`, at first of step 0."""


class ScaleByScheduleState(NamedTuple):
    """The number of steps taken."""

    count: Any


class WeightDecaySchedule(NamedTuple):
    """The number of steps taken."""

    count: Any


class TraceState(NamedTuple):
    """The momentum, one tensor for each parameter."""

    trace: Tensors


def scale(step_size: float | Tensor) -> GradientTransformation:
    """Multiplies the gradients by a number: u = s·g.

    Args:
      step_size: s.

    Example:
      >>> half = scale(0.5)
      >>> half.update([torch.tensor([1.0, 4.0])], half.init([torch.zeros(2)]))[0]
      [tensor([0.5000, 2.0000])]
    """
    require_number("scale: step_size", step_size)
    return stateless(lambda grads: leafwise(lambda g, s: s * g, grads, s=step_size))


def scale_by_learning_rate(
    learning_rate: ScalarOrSchedule | None = None, *, flip_sign: bool = True
) -> GradientTransformation:
    """Multiplies by the learning rate and turns uphill into downhill: u = −η·g.

    Args:
      learning_rate: η, a number or a schedule `step -> η`; with None gradients stay as they are.
      flip_sign: whether the minus sign is there.

    Example:
      >>> step = scale_by_learning_rate(0.1)
      >>> step.update([torch.tensor([1.0, 4.0])], step.init([torch.zeros(2)]))[0]
      [tensor([-0.1000, -0.4000])]
    """
    sign = -1 if flip_sign else 1
    if learning_rate is None:
        return identity()
    if callable(learning_rate):
        return scale_by_schedule(lambda count: sign * learning_rate(count))
    require_number("scale_by_learning_rate: learning_rate", learning_rate, " or a schedule")
    return scale(sign * learning_rate)


def scale_by_schedule(step_size_fn: Schedule) -> GradientTransformation:
    """Multiplies the gradients by a number that depends on the step: u = s(t)·g, t = 0, 1, ...

    Args:
      step_size_fn: s, a function of the number of steps already taken.

    Example:
      >>> halving = scale_by_schedule(lambda step: 0.5**step)
      >>> state = halving.init([torch.zeros(2)])
      >>> for _ in range(3):
      ...     updates, state = halving.update([torch.tensor([1.0, 4.0])], state)
      >>> updates
      [tensor([0.2500, 1.0000])]
    """
    if not callable(step_size_fn):
        raise TypeError(
            f"scale_by_schedule: step_size_fn must be a function of the step, got {step_size_fn!r}"
        )

    def init(params: Tensors) -> ScaleByScheduleState:
        return ScaleByScheduleState(0)

    def update(grads, state, params=None):
        updates = leafwise(lambda g, s: s * g, grads, s=step_size_fn(state.count))
        return updates, ScaleByScheduleState(state.count + 1)

    return GradientTransformation(init, update)


def trace(
    decay: float, nesterov: bool = False, accumulator_dtype: torch.dtype | None = None
) -> GradientTransformation:
    """Adds momentum, undampened: m ← g + μ·m, u = m; Nesterov's looks ahead: u = g + μ·m.

    Args:
      decay: μ, in [0, 1].
      nesterov: whether to use Nesterov's form.
      accumulator_dtype: dtype of m; the parameters' unless given.

    Example:
      >>> momentum = trace(0.9)
      >>> state = momentum.init([torch.zeros(1)])
      >>> for _ in range(3):
      ...     updates, state = momentum.update([torch.ones(1)], state)
      >>> updates
      [tensor([2.7100])]
    """
    require_numbers_in("[0, 1]", "trace", decay=decay)

    def init(params: Tensors) -> TraceState:
        return TraceState(full_like(params, dtype=accumulator_dtype))

    def step(g, m):
        m = g + decay * m
        return (g + decay * m if nesterov else m), m

    def update(grads, state, params=None):
        updates, m = advance("trace", step, grads, state.trace)
        return updates, TraceState(m)

    return GradientTransformation(init, update)


def add_decayed_weights(
    weight_decay: ScalarOrSchedule = 0.0, mask: Any = None
) -> GradientTransformation:
    """Adds a multiple of the parameters to the gradients: u = g + λ·θ.

    Before the other transformations this is an L2 penalty, after them decoupled weight decay.

    Args:
      weight_decay: λ, a number or a schedule `step -> λ`.
      mask: which parameters decay, as in `masked`; all of them unless given.

    Example:
      >>> decay = add_decayed_weights(0.1)
      >>> params = [torch.tensor([1.0, 4.0])]
      >>> decay.update([torch.zeros(2)], decay.init(params), params)[0]
      [tensor([0.1000, 0.4000])]
    """
    if not callable(weight_decay):
        require_number("add_decayed_weights: weight_decay", weight_decay, " or a schedule")

    def init(params: Tensors) -> Any:
        return WeightDecaySchedule(0) if callable(weight_decay) else EmptyState()

    def update(grads, state, params=None):
        if params is None:
            raise ValueError("add_decayed_weights: update(grads, state, params) needs the params")
        require_same_length("add_decayed_weights: gradients like the params", params, grads)
        decay = weight_decay(state.count) if callable(weight_decay) else weight_decay
        updates = leafwise(lambda g, p, decay: g + decay * p, grads, params, decay=decay)
        if callable(weight_decay):
            state = WeightDecaySchedule(state.count + 1)
        return updates, state

    transformation = GradientTransformation(init, update)
    return transformation if mask is None else masked(transformation, mask)


@torch.no_grad()
def apply_updates(params: Tensors, updates: Tensors) -> Tensors:
    """Moves the parameters: θ ← θ + u, in place, as PyTorch's optimisers do.

    Args:
      params: θ, a list of tensors; the same list is returned.
      updates: u, a list of tensors; where one is None, θ stays.

    Example:
      >>> apply_updates([torch.tensor([1.0, 2.0])], [torch.tensor([0.5, -0.5])])
      [tensor([1.5000, 1.5000])]
    """
    require_same_length("apply_updates: params like the updates", updates, params)
    for p, u in zip(params, updates, strict=True):
        if u is not None:
            p.add_(u)
    return params
