"""JAX without a library: parameters in a list, Adam written out."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp

from benchmarks.contenders import python_loop
from benchmarks.contenders.mnist import training


def init(key, sizes):
    """Kernels and biases, He-normal and zero; Adam's two moments and its count."""
    keys = jax.random.split(key, len(sizes) - 1)
    params = [
        (jax.random.normal(key, shape) * (2 / shape[0]) ** 0.5, jnp.zeros(shape[1]))
        for key, shape in zip(keys, pairwise(sizes), strict=True)
    ]
    zeros = jax.tree.map(jnp.zeros_like, params)
    return params, (zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), jnp.int32))


def forward(params, x):
    """The logits."""
    *hidden, (kernel, bias) = params
    for hidden_kernel, hidden_bias in hidden:
        x = jax.nn.relu(x @ hidden_kernel + hidden_bias)
    return x @ kernel + bias


def loss_of(params, images, labels):
    """The mean cross-entropy on raw images."""
    x = images.reshape(len(images), -1).astype(jnp.float32) / 127.5 - 1
    log_probabilities = jax.nn.log_softmax(forward(params, x))
    return -jnp.take_along_axis(log_probabilities, labels[:, None], 1).mean()


def adam(params, grads, moments, learning_rate=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    """Adam's step."""
    mu, nu, count = moments
    count = count + 1
    mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, mu, grads)
    nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, nu, grads)
    c1, c2 = 1 - b1**count, 1 - b2**count
    move = lambda p, m, v: p - learning_rate * (m / c1) / (jnp.sqrt(v / c2) + eps)
    return jax.tree.map(move, params, mu, nu), (mu, nu, count)


def step(state, images, labels):
    """The state after a step, and the sum of the batch's losses."""
    params, moments = state
    loss, grads = jax.value_and_grad(loss_of)(params, images, labels)
    return adam(params, grads, moments), loss * len(labels)


def loop(hidden=(256, 128), batch_size=64, examples=60_000):
    """A jitted step called from a Python loop, batches gathered by NumPy."""
    state = init(jax.random.key(0), (784, *hidden, 10))

    @partial(jax.jit, donate_argnums=(0, 1))
    def jitted(state, total, images, labels):
        state, loss = step(state, images, labels)
        return state, total + loss

    return python_loop.epochs(jitted, state, batch_size, examples)


def scan(hidden=(256, 128), batch_size=64, examples=60_000):
    """The epoch as a `lax.scan` by hand, and a last step on the ragged rest."""
    images, labels = jax.device_put(training(examples))
    key = jax.random.key(1)
    state = init(jax.random.key(0), (784, *hidden, 10))
    full = examples // batch_size * batch_size

    @partial(jax.jit, donate_argnums=0)
    def one_epoch(state, key, images, labels):
        order = jax.random.permutation(key, examples)

        def step_on(state, batch):
            return step(state, images[batch], labels[batch])

        state, losses = jax.lax.scan(step_on, state, order[:full].reshape(-1, batch_size))
        total = losses.sum()
        if full < examples:
            state, loss = step_on(state, order[full:])
            total = total + loss
        return state, total

    def run():
        nonlocal state, key
        key, order_key = jax.random.split(key)
        state, total = one_epoch(state, order_key, images, labels)
        return {"loss": float(total) / examples, "examples": examples}

    return run
