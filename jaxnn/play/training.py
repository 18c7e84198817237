"""A training seen several times an epoch, and what a network does with one image."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn import activations, layers, losses, metrics
from jaxnn.cli import build
from jaxnn.cli.options import OptimizerOptions
from jaxnn.pieces import make_pieces, steps_of_epoch
from jaxnn.placement import compiled, copy
from jaxnn.play.settings import Settings
from jaxnn.steps import init_train_state, make_train_step
from jaxnn.typing import Dataset, GradientTransformation, Layer, Params, State

SECONDS = 0.2
"""About how long a training goes on between two looks at it."""

SHAPE, CLASSES = (28, 28), 10


class Network(NamedTuple):
    """A network as it stands, and the compiled program that runs it on one image."""

    model: Layer
    params: Params
    state: State
    program: Callable[[Params, State, np.ndarray], Any]

    def respond(self, image: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The output of every layer for one image, by its path, and the classes' probabilities."""
        outputs, probabilities = jax.device_get(self.program(self.params, self.state, image))
        paths = [row.path for row in layers.summary(self.model)]
        return dict(zip(paths, outputs, strict=True)), probabilities


class Moment(NamedTuple):
    """A training at one moment.

    Attributes:
      network: as it stands.
      epoch: how many passes over the data are done, also in part.
      measured: `test_loss`, `test_accuracy`, and but for the first moment `loss` and `accuracy`
        of the batches since the one before.
      confusion: `(10, 10)`, the test images by true and predicted class.
    """

    network: Network
    epoch: float
    measured: dict[str, float]
    confusion: np.ndarray


def moments(settings: Settings, train_set: Dataset, test_set: Dataset) -> Iterator[Moment]:
    """Trains, and yields how the training stands: at first, and then after each piece of an epoch.

    Args:
      settings: the network and its training.
      train_set: images to train on.
      test_set: images to measure on.

    Raises:
      FloatingPointError: when the loss is no longer finite.
    """
    model, optimizer = make_parts(settings)
    step = make_train_step(model, optimizer, losses.softmax_cross_entropy)
    pieces = make_pieces(step, batch_size=settings.batch_size, whole=False, seconds=SECONDS)
    program, measure = jax.jit(partial(_respond, model)), jax.jit(partial(_measure, model))
    steps = steps_of_epoch(train_set, settings.batch_size)

    def moment(train_state, of_training):
        params, state = copy(train_state[:2])  # the next piece uses the buffers again
        test_loss, confusion = jax.device_get(measure(params, state, test_set))
        accuracy = float(confusion.trace() / confusion.sum())
        measured = {**of_training, "test_loss": float(test_loss), "test_accuracy": accuracy}
        if not all(map(math.isfinite, measured.values())):
            raise FloatingPointError(
                f"the loss is no longer a finite number after step {int(train_state.step):,}: "
                "a smaller learning rate may help"
            )
        epoch = int(train_state.step) / steps
        return Moment(Network(model, params, state, program), epoch, measured, confusion)

    train_state = compiled(init_train_state, model, optimizer)(jax.random.key(0))
    yield moment(train_state, {})
    for _ in range(settings.epochs):
        for after, measured in pieces(train_state, train_set, 0):
            train_state = after
            yield moment(train_state, metrics.values(metrics.total(measured)))


def make_parts(settings: Settings) -> tuple[Layer, GradientTransformation]:
    """The model and the optimiser of the settings."""
    options = OptimizerOptions(
        optimizer=settings.optimizer, learning_rate=settings.learning_rate, schedule="constant"
    )
    schedule = build.make_schedule(options, steps=1, warmup_steps=0)
    return build.make_model(settings, SHAPE, CLASSES), build.make_optimizer(options, schedule)


def _respond(model: Layer, params: Params, state: State, image: jax.Array):
    outputs = list(layers.intermediates(model, params, state, image[None]).values())
    return [output[0] for output in outputs], activations.softmax(outputs[-1])[0]


def _measure(model: Layer, params: Params, state: State, dataset: Dataset):
    logits, _ = model.apply(params, state, dataset.images)
    loss = jnp.mean(losses.softmax_cross_entropy(logits, dataset.labels))
    return loss, metrics.confusion_matrix(logits, dataset.labels).sum
