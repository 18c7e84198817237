"""One step of training, and the state that it maps to the next.

`TrainState.key` never changes: step s draws from `fold_in(key, s)`, and the order of the examples
in epoch e is `data.permutation(key, e, n)`, so that a run can be taken up at any step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jaxnn import losses, metrics
from jaxnn.optim import apply_updates
from jaxnn.optim.averages import next_count
from jaxnn.typing import Dataset, GradientTransformation, Key, Layer, Loss, OptState, Params, State

Metrics: TypeAlias = dict[str, metrics.Average]
Augment: TypeAlias = Callable[[Key, jax.Array], jax.Array]
Penalty: TypeAlias = Callable[[Params], jax.Array]


class TrainState(NamedTuple):
    """All that a training is at one moment: a value that a step maps to the next.

    Attributes:
      params: what the optimiser changes.
      state: running statistics of the model.
      opt_state: moments and counts of the optimiser.
      key: the random key of the whole training.
      step: how many steps have been taken, int32, which stays at its largest number.
    """

    params: Params
    state: State
    opt_state: OptState
    key: Key
    step: jax.Array


def init_train_state(
    model: Layer, optimizer: GradientTransformation, key: Key, dtype: Any = jnp.float32
) -> TrainState:
    """Draws the initial parameters and sets everything else to its start.

    Args:
      model: a layer.
      optimizer: a gradient transformation.
      key: a random key; one half draws the parameters, the other is kept for the training.
      dtype: floating, of the parameters.

    Returns:
      A `TrainState` at step 0.

    Example:
      >>> from jaxnn import models, optim
      >>> start = init_train_state(models.mlp((4, 3)), optim.sgd(0.1), jax.random.key(0))
      >>> start.params[0]["kernel"].shape, int(start.step)
      ((4, 3), 0)
    """
    init_key, train_key = jax.random.split(key)
    params, state = model.init(init_key, dtype)
    return TrainState(params, state, optimizer.init(params), train_key, jnp.zeros((), jnp.int32))


def make_train_step(
    model: Layer,
    optimizer: GradientTransformation,
    loss: Loss,
    *,
    augment: Augment | None = None,
    penalty: Penalty | None = None,
) -> Callable[[TrainState, Dataset], tuple[TrainState, Metrics]]:
    """Makes the function that takes one step: forward, loss, gradient, update.

    Args:
      model: a layer.
      optimizer: a gradient transformation.
      loss: `(outputs, labels) -> (batch,)`; its mean over the batch is minimised.
      augment: `(key, images) -> images`, applied to the batch first.
      penalty: `params -> scalar`, added to the loss that is minimised, not to the one reported.

    Returns:
      `step(train_state, batch) -> (train_state, metrics)`, a pure function to be compiled by the
      caller; the metrics are those of the batch before the update.

    Example:
      >>> from jaxnn import losses, models, optim
      >>> model, optimizer = models.mlp((2, 2)), optim.sgd(0.1)
      >>> step = jax.jit(make_train_step(model, optimizer, losses.softmax_cross_entropy))
      >>> start = init_train_state(model, optimizer, jax.random.key(0))
      >>> batch = Dataset(jnp.eye(2), jnp.array([0, 1]))
      >>> train_state, metrics = step(start, batch)
      >>> int(train_state.step), int(metrics["accuracy"].count)
      (1, 2)
    """

    def objective(params, state, batch, key):
        outputs, state = model.apply(params, state, batch.images, key=key, train=True)
        values = loss(outputs, batch.labels)
        minimised = losses.mean(values) + (penalty(params) if penalty else 0)
        return minimised, (state, measure(outputs, values, batch.labels))

    def step(train_state, batch):
        params, state, opt_state, key, number = train_state
        batch, model_key = draw(train_state, batch, augment)
        gradient = jax.grad(objective, has_aux=True)
        grads, (state, measured) = gradient(params, state, batch, model_key)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        params = apply_updates(params, updates)
        return TrainState(params, state, opt_state, key, next_count(number)), measured

    return step


def draw(train_state: TrainState, batch: Dataset, augment: Augment | None) -> tuple[Dataset, Key]:
    """All that is random in a step: the augmented batch, and the key for the model's own draws.

    Args:
      train_state: the training before the step.
      batch: the examples of the step.
      augment: `(key, images) -> images`, or None.

    Returns:
      The batch that the model is given, and the key that it is given.

    Example:
      >>> state = TrainState({}, {}, {}, jax.random.key(0), jnp.array(7))
      >>> doubled = lambda key, images: 2 * images
      >>> draw(state, Dataset(jnp.ones(1), jnp.zeros(1)), doubled)[0].images
      Array([2.], dtype=float32)
    """
    model_key, augment_key = jax.random.split(jax.random.fold_in(train_state.key, train_state.step))
    if augment:
        batch = batch._replace(images=augment(augment_key, batch.images))
    return batch, model_key


def measure(outputs: jax.Array, values: jax.Array, labels: jax.Array) -> Metrics:
    """What is reported of a batch: the loss, and for integer labels the accuracy.

    Args:
      outputs: of the model, `(batch, ...)`.
      values: of the loss, `(batch,)`.
      labels: `(batch,)`, or targets `(batch, ...)`.

    Returns:
      A dictionary of `metrics.Average`s.

    Example:
      >>> measured = measure(jnp.eye(2), jnp.array([0.5, 1.5]), jnp.array([0, 0]))
      >>> {name: float(average.value) for name, average in measured.items()}
      {'loss': 1.0, 'accuracy': 0.5}
    """
    measured = {"loss": metrics.average(values)}
    if outputs.ndim == 2 and jnp.issubdtype(labels.dtype, jnp.integer):
        measured["accuracy"] = metrics.accuracy(outputs, labels)
    return measured
