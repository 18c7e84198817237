"""A trained model on data: its loss and accuracy, its outputs."""

from functools import lru_cache

import jax
import jax.numpy as jnp

from jaxnn import checks, metrics, parallel
from jaxnn.steps import measure
from jaxnn.typing import ArrayLike, Dataset, Layer, Loss, Params, State


def evaluate(
    model: Layer, params: Params, state: State, dataset: Dataset, *, loss: Loss, batch_size: int
) -> dict[str, float]:
    """Measures a model on all examples of a data set, the ragged last batch included.

    Args:
      model: a layer; it is applied with `train=False`.
      params: its parameters.
      state: its state.
      dataset: the examples.
      loss: `(outputs, labels) -> (batch,)`.
      batch_size: examples at a time; the result does not depend on it but for rounding.

    Returns:
      `{"loss": mean over the examples}`, and for integer labels `"accuracy"`, the share of examples
      whose largest output is at their label.

    Raises:
      ValueError: on a batch size below 1, or data that do not fit the model.

    Example:
      >>> from jaxnn import layers, losses
      >>> data = Dataset(jnp.eye(3), jnp.array([0, 1, 1]))
      >>> evaluate(layers.serial(), (), (), data, batch_size=2, loss=losses.softmax_cross_entropy)
      {'accuracy': 0.666666..., 'loss': 0.884778...}
    """
    checks.require_positive_integer(batch_size, "evaluate: batch_size")
    return metrics.values(_evaluation(model, loss, batch_size)(params, state, dataset))


def predict(
    model: Layer, params: Params, state: State, inputs: ArrayLike, *, batch_size: int
) -> jax.Array:
    """The outputs of a model, a batch at a time.

    Args:
      model: a layer; it is applied with `train=False`.
      params: its parameters.
      state: its state.
      inputs: `(n, ...)`, raw images if the model begins with `normalize_images`.
      batch_size: examples at a time.

    Returns:
      `(n, ...)`: logits, if the model ends in them.

    Raises:
      ValueError: on a batch size below 1, or inputs that do not fit the model.

    Example:
      >>> from jaxnn import layers
      >>> predict(layers.flatten(), {}, {}, jnp.ones((5, 2, 2)), batch_size=2).shape
      (5, 4)
    """
    checks.require_positive_integer(batch_size, "predict: batch_size")
    return _prediction(model, batch_size)(params, state, inputs)


@lru_cache(maxsize=16)  # a second call with the same model compiles nothing
def _evaluation(model, loss, batch_size):
    def program(params, state, dataset):
        def measure_batch(batch):
            outputs, _ = model.apply(params, state, batch.images)
            return measure(outputs, loss(outputs, batch.labels), batch.labels)

        parts = _over_batches(measure_batch, dataset, dataset.size, batch_size)
        return metrics.merge(*map(metrics.total, parts))

    return jax.jit(program)


@lru_cache(maxsize=16)
def _prediction(model, batch_size):
    def program(params, state, inputs):
        outputs = lambda x: model.apply(params, state, x)[0]
        parts = _over_batches(outputs, inputs, inputs.shape[0], batch_size)
        return jnp.concatenate([part.reshape(-1, *part.shape[2:]) for part in parts])

    return jax.jit(program)


def _over_batches(function, data, n, batch_size):
    """The function's results over the full batches, stacked, and over the ragged rest."""
    full, ragged = divmod(n, batch_size)
    at = lambda indices: function(parallel.take(data, indices))
    parts = []
    if full:
        batches = jnp.arange(full * batch_size).reshape(full, batch_size)
        parts.append(jax.lax.map(at, batches))
    if ragged:
        rest = at(jnp.arange(full * batch_size, n))
        parts.append(jax.tree.map(lambda result: result[None], rest))
    return parts
