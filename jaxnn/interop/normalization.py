"""Normalisation as Flax means it, for models that come from there."""

from collections.abc import Collection
from dataclasses import replace

import jax.numpy as jnp

from jaxnn import layers
from jaxnn.typing import Layer


def biased_batch_norm(size: int, *, momentum: float = 0.1, epsilon: float = 1e-5) -> Layer:
    """Batch norm as in Flax: the running variance moves towards the biased variance.

    All else is `layers.batch_norm`: the same outputs and gradients, in training and evaluation.

    Args:
      size: features of x.
      momentum: weight of the new value, in [0, 1]: 1 minus Flax's.
      epsilon: ε > 0, added to the variance.

    Returns:
      A layer on `(batch, ..., size)`; params `scale`, `bias`; state `mean`, `var`.

    Raises:
      ValueError: as `layers.batch_norm`, also on a single value per feature while training, which
        Flax takes for a variance of 0.

    Example:
      >>> import jax
      >>> layer = biased_batch_norm(1, momentum=1.0)
      >>> params, state = layer.init(jax.random.key(0))
      >>> layer.apply(params, state, jnp.array([[0.0], [2.0]]), train=True)[1]["var"]
      Array([1.], dtype=float32)
    """
    unbiased = layers.batch_norm(size, momentum=momentum, epsilon=epsilon)

    def init(key, dtype=jnp.float32):
        params, state = unbiased.init(key, dtype)
        return params, {"mean": state["mean"], "var": state["var"]}

    def apply(params, state, x, *, key=None, train=False):
        if not train:
            return unbiased.apply(params, state, x)
        y, new_state = unbiased.apply(params, {**state, "count": jnp.int32(0)}, x, train=True)
        n = x.size // size
        kept = (1 - jnp.asarray(momentum, x.dtype)) * state["var"]
        var = kept + (new_state["var"] - kept) * ((n - 1) / n)
        return y, {"mean": new_state["mean"], "var": var}

    return Layer("biased_batch_norm", init, apply, settings=unbiased.settings)


def without(names: Collection[str], layer: Layer) -> Layer:
    """A normalisation without `scale` (it is 1) or `bias` (it is 0), as Flax's `use_bias=False`.

    Example:
      >>> import jax
      >>> layer = without(["bias"], layers.layer_norm(2))
      >>> params, _ = layer.init(jax.random.key(0))
      >>> layer.apply(params, {}, jnp.array([[1.0, 3.0]]))[0]
      Array([[-0.999995,  0.999995]], dtype=float32)
    """
    size = layer.settings["size"]

    def init(key, dtype=jnp.float32):
        params, state = layer.init(key, dtype)
        return {name: array for name, array in params.items() if name not in names}, state

    def apply(params, state, x, *, key=None, train=False):
        fixed = {"scale": jnp.ones(size, x.dtype), "bias": jnp.zeros(size, x.dtype)}
        return layer.apply(fixed | params, state, x, key=key, train=train)

    settings = {**layer.settings, **{f"use_{name}": False for name in names}}
    return replace(layer, init=init, apply=apply, settings=settings)
