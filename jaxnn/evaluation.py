"""A trained model on data: its loss and accuracy, its outputs."""

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn import checks, metrics, parallel
from jaxnn.pieces import joined, total
from jaxnn.steps import Metrics, measure
from jaxnn.storage import is_stored
from jaxnn.streaming import chunks
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
      ValueError: on a batch size below 1, no examples, or data that do not fit the model.

    Example:
      >>> from jaxnn import layers, losses
      >>> data = Dataset(jnp.eye(3), jnp.array([0, 1, 1]))
      >>> evaluate(layers.serial(), (), (), data, batch_size=2, loss=losses.softmax_cross_entropy)
      {'accuracy': 0.666666..., 'loss': 0.884778...}
    """
    checks.require_positive_integer(batch_size, "evaluate: batch_size")
    if dataset.size == 0:  # but more images than labels are right: `parallel.shard` fills up
        raise ValueError("evaluate: dataset must hold at least one example, got none")
    if is_stored(dataset.images):
        parts = _streamed(
            _over_stacked(_measure_batch, model, loss), params, state, dataset, batch_size
        )
        return metrics.values(total(joined(parts), dataset.size // batch_size))
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
    if is_stored(inputs):
        parts = _streamed(_over_stacked(_outputs, model), params, state, inputs, batch_size)
        return jnp.concatenate([part.reshape(-1, *part.shape[2:]) for part in parts])
    return _prediction(model, batch_size)(params, state, inputs)


def measure_dataset(
    model: Layer, params: Params, state: State, dataset: Dataset, *, loss: Loss, batch_size: int
) -> Metrics:
    """What `evaluate` compiles: a pure function, for a program of which it is a part.

    Args:
      model: a layer; it is applied with `train=False`.
      params: its parameters.
      state: its state.
      dataset: the examples.
      loss: `(outputs, labels) -> (batch,)`.
      batch_size: examples at a time.

    Returns:
      A dictionary of `metrics.Average`s.

    Example:
      >>> from jaxnn import layers, losses
      >>> data = Dataset(jnp.eye(3), jnp.array([0, 1, 1]))
      >>> settings = {"loss": losses.softmax_cross_entropy, "batch_size": 2}
      >>> measure_dataset(layers.serial(), (), (), data, **settings)["accuracy"].sum
      Array(2, dtype=int32)
    """
    measure_batch = partial(_measure_batch, model, loss, params, state)
    parts = _over_batches(measure_batch, dataset, dataset.size, batch_size)
    return metrics.merge(*map(metrics.total, parts))


@lru_cache(maxsize=16)  # a second call with the same model compiles nothing
def _evaluation(model, loss, batch_size):
    return jax.jit(partial(measure_dataset, model, loss=loss, batch_size=batch_size))


@lru_cache(maxsize=16)
def _prediction(model, batch_size):
    def program(params, state, inputs):
        outputs = partial(_outputs, model, params, state)
        parts = _over_batches(outputs, inputs, inputs.shape[0], batch_size)
        return jnp.concatenate([part.reshape(-1, *part.shape[2:]) for part in parts])

    return jax.jit(program)


def _measure_batch(model, loss, params, state, batch):
    outputs = _outputs(model, params, state, batch.images)
    return measure(outputs, loss(outputs, batch.labels), batch.labels)


def _outputs(model, params, state, inputs):
    return model.apply(params, state, inputs)[0]


def _over_batches(function, data, n, batch_size):
    """The function's results over the full batches, stacked, and over the ragged rest."""
    full, ragged = divmod(n, batch_size)
    at = lambda indices: function(parallel.take(data, indices))
    parts = []
    if full:
        batches = jnp.arange(full * batch_size).reshape(full, batch_size)
        parts.append(jax.lax.map(at, batches))
    if ragged or not full:  # of no examples too
        rest = at(jnp.arange(full * batch_size, n))
        parts.append(jax.tree.map(lambda result: result[None], rest))
    return parts


@lru_cache(maxsize=16)
def _over_stacked(function, *settings):
    """A program: `function(*settings, params, state, batch)` for each batch of a stack."""

    def program(params, state, batches):
        return jax.lax.map(partial(function, *settings, params, state), batches)

    return jax.jit(program)


def _streamed(program, params, state, data, batch_size):
    """The program's results over all chunks of stored data, on the host."""
    order = np.arange(len(jax.tree.leaves(data)[0]))
    with chunks(data, order, batch_size) as stream:
        return [jax.device_get(program(params, state, batches)) for _, batches in stream]
