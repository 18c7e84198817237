"""Layers; what a layer is stands in `jaxnn.typing`, how they are put together in `combinators`.

Sizes are explicit, the batch is the first axis, features are the last. Numerics are PyTorch's:
its initial values of dense layers, its meaning of momentum, its unbiased running variance.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp

from jaxnn import checks
from jaxnn.checks import LayerError
from jaxnn.combinators import branches as branches
from jaxnn.combinators import intermediates as intermediates
from jaxnn.combinators import map_layers as map_layers
from jaxnn.combinators import residual as residual
from jaxnn.combinators import serial as serial
from jaxnn.combinators import summary as summary
from jaxnn.initializers import torch_linear, torch_linear_bias
from jaxnn.normalization import batch_norm as batch_norm
from jaxnn.normalization import layer_norm as layer_norm
from jaxnn.normalization import normalize_images as normalize_images
from jaxnn.typing import Initializer, Key, Layer


def dense(
    in_size: int,
    out_size: int,
    *,
    use_bias: bool = True,
    kernel_init: Initializer = torch_linear,
    bias_init: Initializer | None = None,
) -> Layer:
    """A fully connected layer: y = x · kernel + bias.

    Args:
      in_size: features of x.
      out_size: features of y.
      use_bias: False leaves the bias out.
      kernel_init: of the kernel `(in_size, out_size)`; by default uniform in ±1/√in_size.
      bias_init: of the bias `(out_size,)`; by default uniform in ±1/√in_size, as in PyTorch.

    Returns:
      A layer from `(batch, ..., in_size)` to `(batch, ..., out_size)`; params `kernel`, `bias`.

    Raises:
      ValueError: on sizes below 1; when applied, on a last axis or a dtype that does not fit.

    Example:
      >>> layer = dense(3, 2)
      >>> params, state = layer.init(jax.random.key(0))
      >>> layer.apply(params, state, jnp.ones((5, 3)))[0].shape
      (5, 2)
    """
    checks.require_positive_integer(in_size, "dense: in_size")
    checks.require_positive_integer(out_size, "dense: out_size")
    bias_init = bias_init or torch_linear_bias(in_size)

    def init(key, dtype=jnp.float32):
        kernel_key, bias_key = jax.random.split(key)
        kernel = kernel_init(kernel_key, (in_size, out_size), dtype)
        if not use_bias:
            return {"kernel": kernel}, {}
        return {"kernel": kernel, "bias": bias_init(bias_key, (out_size,), dtype)}, {}

    def apply(params, state, x, *, key=None, train=False):
        checks.require_input("dense", x, params["kernel"].dtype, in_size)
        y = x @ params["kernel"]
        return y + jnp.broadcast_to(params["bias"], y.shape) if use_bias else y, state

    settings = {"in_size": in_size, "out_size": out_size}
    settings |= {} if use_bias else {"use_bias": False}
    return Layer("dense", init, apply, settings=settings)


def dropout(rate: float) -> Layer:
    """While training, drops values with probability `rate` and scales the rest by 1/(1 − rate).

    Args:
      rate: the probability to drop, in [0, 1).

    Returns:
      A layer on arrays of any shape. It draws, so that `apply` needs a `key` while training.

    Raises:
      ValueError: on a rate outside [0, 1); when applied in training, without a key.

    Reference:
      Srivastava et al., Dropout (2014), section 10, for scaling while training.

    Example:
      >>> layer = dropout(0.5)
      >>> layer.apply({}, {}, jnp.ones(6), key=jax.random.key(0), train=True)[0]
      Array([2., 2., 0., 0., 2., 0.], dtype=float32)
    """
    checks.require_in("[0, 1)", rate, "dropout: rate")

    def apply(params, state, x, *, key=None, train=False):
        if not train:
            return x, state
        if key is None:
            raise LayerError("dropout", "training draws a mask and needs a key, got key=None")
        return apply_mask(x, keep_mask(key, rate, x.shape), rate), state

    return Layer("dropout", _no_params, apply, settings={"rate": rate})


def keep_mask(key: Key, rate: float, shape: Sequence[int]) -> jax.Array:
    """Draws a dropout mask: True, "keep", with probability 1 − rate.

    Args:
      key: a random key.
      rate: the probability to drop, in [0, 1).
      shape: of the values to be dropped.

    Returns:
      Booleans of the shape, the same for every floating dtype of the values.

    Example:
      >>> round(float(keep_mask(jax.random.key(0), 0.2, (100_000,)).mean()), 2)
      0.8
    """
    checks.require_in("[0, 1)", rate, "keep_mask: rate")
    return jax.random.uniform(key, shape, jnp.float32) >= jnp.asarray(rate, jnp.float32)


def apply_mask(x: jax.Array, mask: jax.Array, rate: float) -> jax.Array:
    """Applies a dropout mask: x/(1 − rate) where the mask is True, else 0.

    Args:
      x: values of any shape.
      mask: booleans of the same shape.
      rate: the rate that the mask was drawn with.

    Returns:
      An array like x.

    Example:
      >>> apply_mask(jnp.array([1.0, 1.0]), jnp.array([True, False]), 0.5)
      Array([2., 0.], dtype=float32)
    """
    checks.require_in("[0, 1)", rate, "apply_mask: rate")
    if not jnp.issubdtype(x.dtype, jnp.floating) or mask.shape != x.shape:
        raise ValueError(
            f"apply_mask: x must be floating and mask of its shape, got {x.dtype} of shape "
            f"{x.shape} and shape {mask.shape}"
        )
    return jnp.where(mask, x / jnp.asarray(1 - rate, x.dtype), 0)


def flatten() -> Layer:
    """Makes one axis of all axes but the first: `(batch, height, width)` to `(batch, features)`.

    Returns:
      A layer without parameters.

    Example:
      >>> flatten().apply({}, {}, jnp.zeros((5, 28, 28)))[0].shape
      (5, 784)
    """

    def apply(params, state, x, *, key=None, train=False):
        # Not −1, which has no value where there are no examples.
        return x.reshape(x.shape[0], math.prod(x.shape[1:])), state

    return Layer("flatten", _no_params, apply)


def activation(function: Callable[[jax.Array], jax.Array]) -> Layer:
    """Applies a function to every value, or for softmax to every row; named after the function.

    Args:
      function: from an array to one of the same shape.

    Returns:
      A layer without parameters.

    Example:
      >>> from jaxnn.activations import relu
      >>> activation(relu).apply({}, {}, jnp.array([-1.0, 2.0]))[0]
      Array([0., 2.], dtype=float32)
    """
    checks.require_function(function, "activation: function")
    apply = lambda params, state, x, *, key=None, train=False: (function(x), state)
    unwrapped = function.func if isinstance(function, partial) else function
    return Layer(getattr(unwrapped, "__name__", "activation"), _no_params, apply)


def _no_params(key, dtype=jnp.float32):
    return {}, {}
