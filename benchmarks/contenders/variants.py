"""What was tried to make the epoch faster: each a program of its own beside `train.make_epoch`."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxnn import activations, combinators, data, layers, losses, metrics, optim, train
from jaxnn.typing import Layer

BATCH_SIZE = 64
LOSS = losses.softmax_cross_entropy


def variant(examples=60_000, gather="in the step", unroll=1, cut=None, optimizer="adam", flags=()):
    """An epoch on all full batches.

    Args:
      examples: how many images it takes.
      gather: "in the step", "before the epoch", "a step ahead", or "once": the first batch only.
      unroll: steps in one turn of the loop.
      cut: what of the first layer is cut in two halves: "rows", "columns", "batch", "gradient".
      optimizer: "adam" or "sgd".
      flags: pairs of the name and the value of an option of XLA.
    """
    step = train.make_train_step(_model(cut), getattr(optim, optimizer)(1e-3), LOSS)
    program = jax.jit(partial(EPOCHS[gather], step, unroll), donate_argnums=0)
    train_set, _ = data.load("mnist")
    train_set = jax.device_put(jax.tree.map(lambda array: array[:examples], train_set))
    start = partial(train.init_train_state, _model(cut), getattr(optim, optimizer)(1e-3))
    train_state = start(jax.random.key(0))
    compiled = program.lower(train_state, train_set).compile(compiler_options=dict(flags))

    def run():
        nonlocal train_state
        train_state, measured = compiled(train_state, train_set)
        return {"loss": float(measured["loss"].value)}

    return run


def _order(train_state, dataset):
    full = dataset.size // BATCH_SIZE
    order = data.permutation(train_state.key, train_state.step // full, dataset.size)
    return order[: full * BATCH_SIZE].reshape(full, BATCH_SIZE)


def _take(dataset, indices):
    return jax.tree.map(lambda array: array[indices], dataset)


def _in_the_step(step, unroll, train_state, dataset):
    take_step = lambda train_state, indices: step(train_state, _take(dataset, indices))
    order = _order(train_state, dataset)
    train_state, measured = lax.scan(take_step, train_state, order, unroll=unroll)
    return train_state, metrics.total(measured)


def _before_the_epoch(step, unroll, train_state, dataset):
    shuffled = _take(dataset, _order(train_state, dataset))
    train_state, measured = lax.scan(step, train_state, shuffled, unroll=unroll)
    return train_state, metrics.total(measured)


def _a_step_ahead(step, unroll, train_state, dataset):
    def take_step(carry, indices):
        train_state, batch = carry
        following = _take(dataset, indices)
        train_state, measured = step(train_state, batch)
        return (train_state, following), measured

    order = _order(train_state, dataset)
    start = train_state, _take(dataset, order[0])
    (train_state, _), measured = lax.scan(take_step, start, jnp.roll(order, -1, 0), unroll=unroll)
    return train_state, metrics.total(measured)


def _once(step, unroll, train_state, dataset):
    order = _order(train_state, dataset)
    batch = _take(dataset, order[0])
    take_step = lambda train_state, _: step(train_state, batch)
    train_state, measured = lax.scan(take_step, train_state, order, unroll=unroll)
    return train_state, metrics.total(measured)


EPOCHS = {
    "in the step": _in_the_step,
    "before the epoch": _before_the_epoch,
    "a step ahead": _a_step_ahead,
    "once": _once,
}


def _model(cut):
    """The lecture's network, its first product cut in two halves that could run side by side."""
    relu = layers.activation(activations.relu)
    first = layers.dense(784, 256)
    if cut:
        first = Layer("dense_cut", first.init, partial(_dense_cut, cut))
    others = (relu, layers.dense(256, 128), relu, layers.dense(128, 10))
    return combinators.serial(layers.normalize_images(0.5, 0.5), layers.flatten(), first, *others)


def _dense_cut(cut, params, state, x, *, key=None, train=False):
    return _product(cut, x, params["kernel"]) + params["bias"], state


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _product(cut, x, kernel):
    inner, outer, batch = kernel.shape[0] // 2, kernel.shape[1] // 2, x.shape[0] // 2
    if cut == "rows":
        return x[:, :inner] @ kernel[:inner] + x[:, inner:] @ kernel[inner:]
    if cut == "columns":
        return jnp.concatenate([x @ kernel[:, :outer], x @ kernel[:, outer:]], axis=1)
    if cut == "batch":
        return jnp.concatenate([x[:batch] @ kernel, x[batch:] @ kernel])
    return x @ kernel


def _forward(cut, x, kernel):
    return _product(cut, x, kernel), (x, kernel)


def _backward(cut, residuals, gradient):
    x, kernel = residuals
    if cut != "gradient":
        return gradient @ kernel.T, x.T @ gradient
    inner = kernel.shape[0] // 2
    halves = [x[:, :inner].T @ gradient, x[:, inner:].T @ gradient]
    return gradient @ kernel.T, jnp.concatenate(halves)


_product.defvjp(_forward, _backward)
