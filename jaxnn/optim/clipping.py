"""Bounds on gradients: each element on its own, or the norm of all together."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxnn.optim.averages import squared_norm
from jaxnn.optim.combine import stateless
from jaxnn.optim.leaves import leafwise, require_numbers_in
from jaxnn.typing import GradientTransformation, Params


def clip(max_delta: ArrayLike) -> GradientTransformation:
    """Clips each element: u = min(max(g, −δ), δ).

    Args:
      max_delta: δ, at least 0.

    Returns:
      A transformation without state.

    Raises:
      ValueError: if `max_delta` is negative.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> clipping = optim.clip(1.0)
      >>> clipping.update(jnp.array([0.5, -3.0]), clipping.init(jnp.zeros(2)))[0]
      Array([ 0.5, -1. ], dtype=float32)
    """
    require_numbers_in("[0, inf]", "clip", max_delta=max_delta)
    return stateless(
        lambda grads: leafwise(lambda g, delta: jnp.clip(g, -delta, delta), grads, delta=max_delta)
    )


def clip_by_global_norm(max_norm: ArrayLike) -> GradientTransformation:
    """Shortens all gradients together to a norm: u = g·min(1, c/‖g‖).

    Args:
      max_norm: c, at least 0.

    Returns:
      A transformation without state.

    Raises:
      ValueError: if `max_norm` is negative.

    Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013),
    algorithm 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> clipping = optim.clip_by_global_norm(1.0)
      >>> clipping.update(jnp.array([3.0, 4.0]), clipping.init(jnp.zeros(2)))[0]
      Array([0.6, 0.8], dtype=float32)
    """
    require_numbers_in("[0, inf]", "clip_by_global_norm", max_norm=max_norm)

    def shorten(grads):
        norm = global_norm(grads)
        factor = jnp.minimum(1, jnp.asarray(max_norm, norm.dtype) / norm)
        return leafwise(lambda g, factor: g * factor, grads, factor=factor)

    return stateless(shorten)


def global_norm(updates: Params) -> jax.Array:
    """The Euclidean norm of all leaves together: √(Σ|g|²).

    Args:
      updates: g, a tree of arrays.

    Returns:
      A scalar in the widest dtype of the leaves; real also where they are complex.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optim.global_norm({"kernel": jnp.array([3.0, 0.0]), "bias": jnp.array([4.0])})
      Array(5., dtype=float32)
    """
    squares = [jnp.sum(squared_norm(jnp.asarray(g)).real) for g in jax.tree.leaves(updates)]
    with jax.numpy_dtype_promotion("standard"):
        return jnp.sqrt(sum(squares))
