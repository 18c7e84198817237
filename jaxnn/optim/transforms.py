"""The transformations that optimisers are put together from: scaling, momentum, weight decay."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike

from jaxnn.optim.averages import next_count
from jaxnn.optim.combine import EmptyState, identity, masked, stateless
from jaxnn.optim.leaves import (
    advance,
    cast_like,
    full_like,
    leafwise,
    require_number,
    require_numbers_in,
    require_same_structure,
)
from jaxnn.typing import GradientTransformation, OptState, Params

# Types, not strings as in `jaxnn.typing`: Optax's tests read them to see who takes a schedule.
Schedule: TypeAlias = Callable[[ArrayLike], ArrayLike]
ScalarOrSchedule: TypeAlias = float | jax.Array | Schedule
"""A number, an array (also a traced one), or a function `step -> number`, at first of step 0."""


class ScaleByScheduleState(NamedTuple):
    """The number of steps taken."""

    count: Any


class WeightDecaySchedule(NamedTuple):
    """The number of steps taken."""

    count: Any


class TraceState(NamedTuple):
    """The momentum, of the parameters' structure."""

    trace: Params


def scale(step_size: ArrayLike) -> GradientTransformation:
    """Multiplies the gradients by a number: u = s·g.

    Args:
      step_size: s, a number or an array that broadcasts; an array takes the gradients' dtype.

    Returns:
      A transformation without state.

    Raises:
      TypeError: if `step_size` is no number.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> half = optim.scale(0.5)
      >>> half.update(jnp.array([1.0, 4.0]), half.init(jnp.zeros(2)))[0]
      Array([0.5, 2. ], dtype=float32)
    """
    require_number("scale: step_size", step_size)
    return stateless(lambda grads: leafwise(lambda g, s: s * g, grads, s=step_size))


def scale_by_learning_rate(
    learning_rate: ScalarOrSchedule | None = None, *, flip_sign: bool = True
) -> GradientTransformation:
    """Multiplies by the learning rate and turns uphill into downhill: u = −η·g.

    Args:
      learning_rate: η, a number, an array or a schedule `step -> η`; with None gradients stay as
        they are.
      flip_sign: whether the minus sign is there.

    Returns:
      A transformation, with the state `ScaleByScheduleState(count)` if the rate is a schedule.

    Raises:
      TypeError: if `learning_rate` is none of these.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> step = optim.scale_by_learning_rate(0.1)
      >>> step.update(jnp.array([1.0, 4.0]), step.init(jnp.zeros(2)))[0]
      Array([-0.1, -0.4], dtype=float32)
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

    Returns:
      A transformation with the state `ScaleByScheduleState(count)`.

    Raises:
      TypeError: if `step_size_fn` is no function.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> halving = optim.scale_by_schedule(optim.exponential_decay(1.0, 1, 0.5))
      >>> state = halving.init(jnp.zeros(2))
      >>> for _ in range(3):
      ...     updates, state = halving.update(jnp.array([1.0, 4.0]), state)
      >>> updates
      Array([0.25, 1.  ], dtype=float32)
    """
    if not callable(step_size_fn):
        raise TypeError(
            f"scale_by_schedule: step_size_fn must be a function of the step, got {step_size_fn!r}"
        )

    def init(params: Params) -> ScaleByScheduleState:
        return ScaleByScheduleState(jnp.zeros([], jnp.int32))

    def update(grads, state, params=None):
        updates = leafwise(lambda g, s: s * g, grads, s=step_size_fn(state.count))
        return updates, ScaleByScheduleState(next_count(state.count))

    return GradientTransformation(init, update)


def trace(
    decay: ArrayLike, nesterov: bool = False, accumulator_dtype: DTypeLike | None = None
) -> GradientTransformation:
    """Adds momentum, undampened: m ← g + μ·m, u = m; Nesterov's looks ahead: u = g + μ·m.

    Args:
      decay: μ, in [0, 1].
      nesterov: whether to use Nesterov's form.
      accumulator_dtype: dtype of m; the parameters' unless given.

    Returns:
      A transformation with the state `TraceState(trace)`.

    Raises:
      ValueError: if `decay` is outside [0, 1].

    Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning" (2013), section 2, without its learning rate.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> momentum = optim.trace(0.9)
      >>> state = momentum.init(jnp.zeros(1))
      >>> for _ in range(3):
      ...     updates, state = momentum.update(jnp.ones(1), state)
      >>> updates
      Array([2.71], dtype=float32)
    """
    require_numbers_in("[0, 1]", "trace", decay=decay)

    def init(params: Params) -> TraceState:
        return TraceState(full_like(params, dtype=accumulator_dtype))

    def step(g, m, mu):
        m = g + mu * m
        return (g + mu * m if nesterov else m), m

    def update(grads, state, params=None):
        updates, m = advance("trace", step, grads, state.trace, mu=decay)
        return updates, TraceState(m)

    return GradientTransformation(init, update)


def add_decayed_weights(
    weight_decay: ScalarOrSchedule = 0.0, mask: Any = None
) -> GradientTransformation:
    """Adds a multiple of the parameters to the gradients: u = g + λ·θ.

    Before the other transformations this is an L2 penalty, after them decoupled weight decay.

    Args:
      weight_decay: λ, a number, an array, or a schedule `step -> λ`.
      mask: which parameters decay, as in `masked`; all of them unless given.

    Returns:
      A transformation that needs the parameters in `update`, with the state
      `WeightDecaySchedule(count)` if λ is a schedule.

    Raises:
      TypeError: if `weight_decay` is none of these.
      ValueError: from `update`, without parameters or with gradients of another structure.

    Loshchilov, Hutter, "Decoupled weight decay regularization" (2019).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> decay = optim.add_decayed_weights(0.1)
      >>> params = jnp.array([1.0, 4.0])
      >>> decay.update(jnp.zeros(2), decay.init(params), params)[0]
      Array([0.1, 0.4], dtype=float32)
    """
    if not callable(weight_decay):
        require_number("add_decayed_weights: weight_decay", weight_decay, " or a schedule")

    def init(params: Params) -> OptState:
        if callable(weight_decay):
            return WeightDecaySchedule(jnp.zeros([], jnp.int32))
        return EmptyState()

    def update(grads, state, params=None):
        if params is None:
            raise ValueError("add_decayed_weights: update(grads, state, params) needs the params")
        require_same_structure("add_decayed_weights: gradients like the params", params, grads)
        decay = weight_decay(state.count) if callable(weight_decay) else weight_decay
        updates = leafwise(lambda g, p, decay: g + decay * p, grads, params, decay=decay)
        if callable(weight_decay):
            state = WeightDecaySchedule(next_count(state.count))
        return updates, state

    transformation = GradientTransformation(init, update)
    return transformation if mask is None else masked(transformation, mask)


def apply_updates(params: Params, updates: Any) -> Params:
    """The new parameters: θ + u, in the dtype of θ.

    Args:
      params: θ, a tree of arrays.
      updates: u, a tree of the same structure.

    Returns:
      A tree of the same structure, shapes and dtypes as `params`.

    Raises:
      ValueError: if the structures differ.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optim.apply_updates({"bias": jnp.array([1.0, 2.0])}, {"bias": jnp.array([0.5, -0.5])})
      {'bias': Array([1.5, 1.5], dtype=float32)}
    """
    require_same_structure("apply_updates: params like the updates", updates, params)
    return cast_like(leafwise(lambda p, u: p + u, params, updates), params)
