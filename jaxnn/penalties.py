"""Penalties on the size of parameters, to be added to a loss with a factor of one's own."""

from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.typing import Params


def l1(params: Params, names: tuple[str, ...] = ("kernel",)) -> jax.Array:
    """L1 penalty: Σ |w| over the parameters of the given names; its slope at 0 is 0.

    Args:
      params: a pytree of parameters.
      names: which arrays count, by their name in the layer: kernels only unless told otherwise.

    Returns:
      A scalar.

    Raises:
      ValueError: if no parameter has one of the names.

    Example:
      >>> l1({"kernel": jnp.array([[1.0, -2.0]]), "bias": jnp.array([5.0])})
      Array(3., dtype=float32)
    """
    return _penalty("l1", magnitude, params, names)


def l2(params: Params, names: tuple[str, ...] = ("kernel",)) -> jax.Array:
    """L2 penalty: Σ w² over the parameters of the given names.

    A penalty of λ/2 · Σ w² is what PyTorch's `weight_decay=λ` does to plain SGD.

    Args:
      params: a pytree of parameters.
      names: which arrays count, by their name in the layer: kernels only unless told otherwise.

    Returns:
      A scalar.

    Raises:
      ValueError: if no parameter has one of the names.

    Example:
      >>> l2({"kernel": jnp.array([[1.0, -2.0]]), "bias": jnp.array([5.0])})
      Array(5., dtype=float32)
    """
    return _penalty("l2", jnp.square, params, names)


def magnitude(x: jax.Array) -> jax.Array:
    """The absolute value |x|, whose slope at 0 is 0 as in PyTorch, where that of `jnp.abs` is 1.

    Args:
      x: floating, of any shape.

    Returns:
      An array like x.

    Example:
      >>> jax.grad(magnitude)(0.0), jax.grad(jnp.abs)(0.0)
      (Array(0., dtype=float32, weak_type=True), Array(1., dtype=float32, weak_type=True))
    """
    return x * jnp.sign(x)


def mask_by_name(params: Params, names: tuple[str, ...] = ("kernel",)) -> Any:
    """Which parameters have one of the names, as an optimiser's `mask` for weight decay wants it.

    Args:
      params: a pytree of parameters.
      names: of arrays in their layer.

    Returns:
      A pytree of booleans of the same structure.

    Example:
      >>> mask_by_name({"kernel": jnp.ones(2), "bias": jnp.ones(2)})
      {'bias': False, 'kernel': True}
    """
    is_named = lambda path, _: getattr(path[-1], "key", None) in names
    return jax.tree_util.tree_map_with_path(is_named, params)


def _penalty(place, term, params, names):
    mask = jax.tree.leaves(mask_by_name(params, names))
    if not any(mask):
        raise ValueError(f"{place}: names must hold that of a parameter, got {names!r}")
    chosen = zip(jax.tree.leaves(params), mask, strict=True)
    return reduce(jnp.add, (jnp.sum(term(leaf)) for leaf, named in chosen if named))
