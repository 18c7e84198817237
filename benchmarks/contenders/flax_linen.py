"""Flax linen with Optax: a `TrainState`, a jitted step, a Python loop."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import linen
from flax.training.train_state import TrainState

from benchmarks.contenders import python_loop
from benchmarks.contenders.mnist import training


class Network(linen.Module):
    """The perceptron on raw images."""

    hidden: Sequence[int]

    @linen.compact
    def __call__(self, images):
        x = images.reshape(len(images), -1).astype(jnp.float32) / 127.5 - 1
        for size in self.hidden:
            x = linen.relu(linen.Dense(size)(x))
        return linen.Dense(10)(x)


@partial(jax.jit, donate_argnums=(0, 1))
def step(state, total, images, labels):
    """A step; the sum of all losses so far."""

    def loss_of(params):
        logits = state.apply_fn({"params": params}, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    loss, grads = jax.value_and_grad(loss_of)(state.params)
    return state.apply_gradients(grads=grads), total + loss * len(labels)


def epoch(hidden=(256, 128), batch_size=64, examples=60_000):
    """A Python loop over the jitted step."""
    model = Network(tuple(hidden))
    params = model.init(jax.random.key(0), training(1)[0])["params"]
    state = TrainState.create(apply_fn=model.apply, params=params, tx=optax.adam(1e-3))

    return python_loop.epochs(step, state, batch_size, examples)
