"""The same training in `jaxnn` and in Flax with Optax: Adam on the real MNIST, in float64.

The measured difference, 1e-10 of the distance travelled, is that of the biases before a batch norm.
Their gradient is 0 but for rounding, 1e-17 or so, which Adam divides by an ε of 1e-8. Pixels that
are 0 in all images must be 0 for the network too: any other constant would do the same to the
kernel's rows for them.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.flatten_util import ravel_pytree

from jaxnn import data, layers, losses, models, optim
from jaxnn.interop import from_nnx, to_nnx
from jaxnn.train import TrainState, make_train_step
from jaxnn.typing import Dataset

STEPS = 50
BATCH_SIZE = 64
LEARNING_RATE = 1e-3


def made_in_jaxnn():
    perceptron = models.mlp((784, 32, 16, 10), batch_norm=True)
    model = layers.serial(layers.normalize_images(0.0, 1.0), layers.flatten(), perceptron)
    params, state = model.init(jax.random.key(0), jnp.float64)
    return model, params, state, to_nnx(model, params, state)


def made_in_flax():
    """With Flax's own batch norm, which keeps the biased variance; images scaled by a function."""
    rngs = nnx.Rngs(0)
    scaled = lambda images: images.reshape(len(images), -1).astype(jnp.float64) / 255
    module = nnx.Sequential(
        scaled,
        nnx.Linear(784, 32, rngs=rngs),
        nnx.BatchNorm(32, use_fast_variance=False, rngs=rngs),
        nnx.relu,
        nnx.Linear(32, 10, rngs=rngs),
    )
    graph, arrays = nnx.split(module)
    module = nnx.merge(graph, jax.tree.map(lambda x: x.astype(jnp.float64), arrays))
    return *from_nnx(module), module


@nnx.jit
def flax_step(module, optimizer, batch):
    """A step as Flax's users write it."""

    def loss(module):
        logits = module(batch.images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch.labels).mean()

    optimizer.update(module, nnx.grad(loss)(module))


def distance(a, b):
    difference = jax.tree.map(lambda x, y: np.float64(x) - np.float64(y), a, b)
    return float(jnp.linalg.norm(ravel_pytree(difference)[0]))


@pytest.mark.parametrize("make", [made_in_jaxnn, made_in_flax])
def test_fifty_steps_of_adam_go_the_same_way(make):
    """Parameters and running statistics agree to 1e-9 of the distance travelled, at every step."""
    model, params, state, module = make()
    train, _ = data.load("mnist")
    batches = np.random.default_rng(0).permutation(train.size)[: STEPS * BATCH_SIZE]

    adam = optim.adam(LEARNING_RATE)
    step = jax.jit(make_train_step(model, adam, losses.softmax_cross_entropy))
    start, zero = (params, state), jnp.zeros((), jnp.int32)
    train_state = TrainState(params, state, adam.init(params), jax.random.key(0), zero)
    with jax.numpy_dtype_promotion("standard"):  # Flax mixes float64 and float32
        optimizer = nnx.Optimizer(module, optax.adam(LEARNING_RATE), wrt=nnx.Param)

    for indices in batches.reshape(STEPS, BATCH_SIZE):
        batch = Dataset(jnp.array(train.images[indices]), jnp.array(train.labels[indices]))
        train_state, _ = step(train_state, batch)
        with jax.numpy_dtype_promotion("standard"):
            flax_step(module, optimizer, batch)
        _, *theirs = from_nnx(module)
        for ours, flax, first in zip(train_state[:2], theirs, start, strict=True):
            assert distance(ours, flax) <= 1e-9 * distance(ours, first)
