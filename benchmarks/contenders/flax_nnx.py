"""Flax NNX with Optax."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchmarks.contenders import python_loop
from benchmarks.contenders.mnist import batches, predictions, training


class Network(nnx.Module):
    """The perceptron on raw images, with batch norm and dropout if asked for."""

    def __init__(self, sizes, batch_norm, dropout, rngs):
        *hidden, classes = sizes[1:]
        blocks = []
        for in_size, size in zip(sizes, hidden, strict=False):
            blocks.append(nnx.Linear(in_size, size, rngs=rngs))
            if batch_norm:
                blocks.append(nnx.BatchNorm(size, rngs=rngs))
            blocks.append(nnx.relu)
            if dropout:
                blocks.append(nnx.Dropout(dropout, rngs=rngs))
        self.layers = nnx.Sequential(*blocks, nnx.Linear(hidden[-1], classes, rngs=rngs))

    def __call__(self, images):
        x = images.reshape(len(images), -1).astype(jnp.float32) / 127.5 - 1
        return self.layers(x)


def make(hidden, batch_norm=False, dropout=0.0):
    """A network and its optimiser."""
    model = Network((784, *hidden, 10), batch_norm, dropout, nnx.Rngs(0))
    return model, nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)


def step(model, optimizer, total, images, labels):
    """A step; the sum of all losses so far."""

    def loss_of(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()

    loss, grads = nnx.value_and_grad(loss_of)(model)
    optimizer.update(model, grads)
    return total + loss * len(labels)


def epoch(hidden=(256, 128), batch_size=64, examples=60_000, batch_norm=False, dropout=0.0):
    """`nnx.jit`, with `cached_partial` so that the graph is not walked anew at each step."""
    images, labels = training(examples)
    rng = np.random.default_rng(0)
    cached = nnx.cached_partial(nnx.jit(step), *make(hidden, batch_norm, dropout))

    def run():
        total, parts = jnp.zeros(()), batches(rng.permutation(examples), batch_size)
        for batch in parts:
            total = cached(total, images[batch], labels[batch])
        return {"loss": float(total) / examples, "examples": sum(map(len, parts))}

    return run


def functional(hidden=(256, 128), batch_size=64, examples=60_000, batch_norm=False, dropout=0.0):
    """The functional loop of Flax's guide: split once, `jax.jit` over the state, merged inside."""
    graph, state = nnx.split(make(hidden, batch_norm, dropout))

    @partial(jax.jit, donate_argnums=(0, 1))
    def jitted(state, total, images, labels):
        model, optimizer = nnx.merge(graph, state)
        total = step(model, optimizer, total, images, labels)
        return nnx.state((model, optimizer)), total

    return python_loop.epochs(jitted, state, batch_size, examples)


def prediction(images, batch_size, calls):
    """`nnx.jit` with `cached_partial`."""
    model, _ = make((256, 128))
    logits = nnx.cached_partial(nnx.jit(lambda model, images: model(images)), model)
    return predictions(lambda batch: np.asarray(logits(batch)), images, batch_size, calls)
