"""The smallest nets that have what the catalogue is about, each setting of which can be changed."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp

from jaxnn import layers
from jaxnn.activations import relu
from jaxnn.typing import Layer

WIDTH = 32
SIZES = 784, 64, WIDTH, 10
INPUT = layers.normalize_images(0.5, 0.5)

Weights = Mapping[str, tuple[int, ...]]


def mlp(
    sizes: Sequence[int] = SIZES,
    *,
    activations: Sequence[Callable] | None = None,
    between: Callable[[int], Layer] | None = None,
    prepare: Layer = INPUT,
    **dense_options,
) -> Layer:
    """Dense layers on images, between each two an activation and before it what `between` makes."""
    activations = activations or [relu] * (len(sizes) - 2)
    parts = [prepare, layers.flatten()]
    for i, (inside, outside) in enumerate(pairwise(sizes)):
        parts.append(layers.dense(inside, outside, **dense_options))
        if i < len(sizes) - 2:
            parts += [between(outside)] if between else []
            parts.append(layers.activation(activations[i]))
    return layers.serial(*parts)


def with_weights(weights: Weights, function: Callable) -> Layer:
    """A layer `function(params, x)` whose weights are uniform in ±1/√fan-in, as PyTorch's."""

    def init(key, dtype=jnp.float32):
        draw = lambda number, shape: jax.random.uniform(
            jax.random.fold_in(key, number),
            shape,
            dtype,
            *(sign * jnp.prod(jnp.array(shape[:-1])) ** -0.5 for sign in (-1, 1)),
        )
        return {name: draw(i, shape) for i, (name, shape) in enumerate(weights.items())}, {}

    apply = lambda params, state, x, *, key=None, train=False: (function(params, x), state)
    return Layer("with_weights", init, apply)


def classifier(weights: Weights, function: Callable, features: int) -> Layer:
    """Images, a layer of its own, ReLU, dense to ten classes."""
    return layers.serial(
        INPUT,
        with_weights(weights, function),
        layers.activation(relu),
        layers.flatten(),
        layers.dense(features, 10),
    )


def convolution(padding=((1, 1), (1, 1)), order=(0, 3, 1, 2)) -> Layer:
    """3×3 with stride 2 to 8 channels, flattened in an order of the axes (N, H, W, C)."""

    def function(params, x):
        dimensions = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(
            x[..., None], params["kernel"], (2, 2), padding, dimension_numbers=dimensions
        )
        return y.transpose(order)

    return classifier({"kernel": (3, 3, 1, 8)}, function, 14 * 14 * 8)


def transposed_convolution(*, flip: bool) -> Layer:
    """Four pixels averaged, then a transposed 3×3 with stride 2 to 4 channels."""

    def function(params, x):
        small = x.reshape(-1, 14, 2, 14, 2, 1).mean((2, 4))
        kernel = params["kernel"][::-1, ::-1] if flip else params["kernel"]
        return jax.lax.conv_transpose(small, kernel, (2, 2), "SAME")

    return classifier({"kernel": (3, 3, 1, 4)}, function, 28 * 28 * 4)


def recurrent(weights: Weights, cell: Callable) -> Layer:
    """A cell that reads an image row by row; its state's first half goes on."""

    def function(params, x):
        carry = jnp.zeros((2, len(x), WIDTH), x.dtype)
        step = lambda carry, row: (cell(params, carry, row), None)
        return jax.lax.scan(step, carry, x.swapaxes(0, 1))[0][0]

    return classifier(weights, function, WIDTH)


def lstm(order=(0, 1, 2, 3)) -> Layer:
    """The gates i, f, g, o stand in one matrix, and are read in an order."""

    def cell(params, carry, row):
        h, c = carry
        gates = jnp.split(row @ params["w"] + h @ params["u"], 4, axis=-1)
        i, f, g, o = (gates[k] for k in order)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jnp.stack([jax.nn.sigmoid(o) * jnp.tanh(c), c])

    return recurrent({"w": (28, 4 * WIDTH), "u": (WIDTH, 4 * WIDTH)}, cell)


def gru(*, resets_product=True, inner_bias=True) -> Layer:
    """The candidate's reset before or after its product, its second bias inside or outside."""

    def cell(params, carry, row):
        h = carry[0]
        split = lambda name: jnp.split(params[name], 3, axis=-1)
        (wr, wz, wn), (ur, uz, un), (br, bz, bn), bias = map(split, "wubd")
        r = jax.nn.sigmoid(row @ wr + h @ ur + br[0] + bias[0][0])
        z = jax.nn.sigmoid(row @ wz + h @ uz + bz[0] + bias[1][0])
        inside, outside = (bias[2][0], 0.0) if inner_bias else (0.0, bias[2][0])
        product = r * (h @ un + inside) if resets_product else (r * h) @ un + inside
        h = (1 - z) * jnp.tanh(row @ wn + bn[0] + outside + product) + z * h
        return jnp.stack([h, h])

    wide = 3 * WIDTH
    biases = {"b": (1, wide), "d": (1, wide)}
    return recurrent({"w": (28, wide), "u": (WIDTH, wide), **biases}, cell)


def attention(*, scale=0.25, may_attend=True) -> Layer:
    """One head of width 16 over an image's rows; a row attends to itself and those above."""

    def function(params, x):
        query, key, value = jnp.split(x @ params["w"], 3, axis=-1)
        mask = jnp.tril(jnp.ones((28, 28), bool)) == may_attend
        products = jnp.where(mask, scale * query @ key.swapaxes(1, 2), -1e9)
        return jax.nn.softmax(products) @ value

    return classifier({"w": (28, 48)}, function, 28 * 16)


def embedding(std: float, *, trains_empty: bool = True) -> Layer:
    """Each row of an image is one of 16 words, by its ink, embedded in 16 features."""

    def init(key, dtype=jnp.float32):
        return {"table": std * jax.random.normal(key, (16, 16), dtype)}, {}

    def apply(params, state, x, *, key=None, train=False):
        words = jnp.clip((x.mean(-1) + 1) * 10, 0, 15).astype(int)
        table = params["table"]
        first = table[:1] if trains_empty else jax.lax.stop_gradient(table[:1])
        return jnp.concatenate([first, table[1:]])[words], state

    words = Layer("embedding", init, apply)
    return layers.serial(INPUT, words, layers.flatten(), layers.dense(28 * 16, 10))
