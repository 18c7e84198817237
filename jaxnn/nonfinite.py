"""Numbers that are not finite: noticed after an epoch, then traced to their step and layer."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.data.batches import batches, permutation
from jaxnn.layers import intermediates
from jaxnn.pieces import steps_of_epoch
from jaxnn.steps import Augment, Metrics, TrainState, draw
from jaxnn.typing import Dataset, Layer


@jax.jit
def is_finite(tree: Any) -> jax.Array:
    """Whether every number of every floating array is finite.

    Args:
      tree: a pytree of arrays.

    Returns:
      A boolean scalar.

    Example:
      >>> is_finite({"kernel": jnp.ones(3), "bias": jnp.array([0.0, jnp.inf])})
      Array(False, dtype=bool)
    """
    floating = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)]
    return jnp.all(jnp.array([jnp.all(jnp.isfinite(x)) for x in floating]))


def explain(
    model: Layer,
    step: Callable[[TrainState, Dataset], tuple[TrainState, Metrics]],
    augment: Augment | None,
    train_state: TrainState,
    dataset: Dataset,
    batch_size: int,
) -> FloatingPointError:
    """Takes the steps of an epoch again, one by one, until a number is not finite.

    Args:
      model: the model that is trained.
      step: the function that takes one step of its training.
      augment: the augmentation in that step.
      train_state: the training before the epoch, or at a later step of it.
      dataset: what it is trained on.
      batch_size: examples a step.

    Returns:
      The error to raise: epoch, step and the first layer whose output is not finite, both numbers
      counted from 1.

    Example:
      >>> from jaxnn import layers, losses, optim
      >>> from jaxnn.steps import init_train_state, make_train_step
      >>> model, optimizer = layers.activation(jnp.log), optim.sgd(0.1)
      >>> step = make_train_step(model, optimizer, losses.softmax_cross_entropy)
      >>> start = init_train_state(model, optimizer, jax.random.key(0))
      >>> explain(model, step, None, start, Dataset(-jnp.ones((1, 2)), jnp.array([0])), 1)
      FloatingPointError('epoch 1, step 1: loss is nan; the first layer whose ... is log')
    """
    epoch, first = divmod(int(train_state.step), steps_of_epoch(dataset, batch_size))
    order = permutation(train_state.key, epoch, dataset.size)[first * batch_size :]
    compiled = jax.jit(step)
    for batch in batches(dataset, order, batch_size):
        after, measured = compiled(train_state, batch)
        if not is_finite((measured["loss"], after.params, after.state)):
            layer = _first_layer(model, train_state, *draw(train_state, batch, augment))
            loss = float(measured["loss"].value)
            where = f"epoch {epoch + 1}, step {int(after.step)}"
            return FloatingPointError(f"{where}: loss is {loss}; {layer}")
        train_state = after
    return FloatingPointError(f"epoch {epoch + 1}: the sum of its losses is not finite")


def _first_layer(model, train_state, batch, key):
    """Where the forward pass of the step stops being finite."""
    params, state = train_state[:2]
    outputs = intermediates(model, params, state, batch.images, key=key, train=True)
    for path, output in outputs.items():
        if not is_finite(output):
            return f"the first layer whose output is not finite is {path}"
    return "the outputs of all layers are finite, the loss or its gradient is not"
