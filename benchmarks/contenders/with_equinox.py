"""Equinox with Optax, in the low-overhead loop of Equinox's own page of tricks.

Model and optimiser state cross `jax.jit` as flat lists of arrays, so that no module is flattened in
Python at each step.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from benchmarks.contenders import python_loop


class Network(eqx.Module):
    """The perceptron on one raw image."""

    layers: list[eqx.nn.Linear]

    def __init__(self, sizes, key):
        keys = jax.random.split(key, len(sizes) - 1)
        self.layers = [
            eqx.nn.Linear(in_size, size, key=key)
            for in_size, size, key in zip(sizes, sizes[1:], keys, strict=False)
        ]

    def __call__(self, image):
        x = image.reshape(-1).astype(jnp.float32) / 127.5 - 1
        *hidden, last = self.layers
        for layer in hidden:
            x = jax.nn.relu(layer(x))
        return last(x)


def loss_of(model, images, labels):
    """The mean cross-entropy."""
    logits = jax.vmap(model)(images)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def epoch(hidden=(256, 128), batch_size=64, examples=60_000):
    """A Python loop over the jitted step."""
    optimizer = optax.adam(1e-3)
    model = Network((784, *hidden, 10), jax.random.key(0))
    opt_state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
    arrays, structure = jax.tree.flatten((model, opt_state))

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(arrays, total, images, labels):
        model, opt_state = jax.tree.unflatten(structure, arrays)
        loss, grads = eqx.filter_value_and_grad(loss_of)(model, images, labels)
        updates, opt_state = optimizer.update(grads, opt_state)
        model = eqx.apply_updates(model, updates)
        return jax.tree.leaves((model, opt_state)), total + loss * len(labels)

    return python_loop.epochs(step, arrays, batch_size, examples)
