"""Averages over the steps taken, right to the last digits in float32 too."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from jaxnn.elementary import expm1


def next_count(count: jax.Array) -> jax.Array:
    """`count + 1`, which stays at the largest integer once it is there, as Optax's counts do."""
    return jnp.minimum(count, jnp.iinfo(count.dtype).max - 1) + 1


def debias_factor(decay: Any, count: jax.Array) -> jax.Array:
    """1/(1−decayᵗ) as −1/(eˣ − 1), x = t·ln(decay): 1 − 0.999ᵗ would lose four digits of seven."""
    if isinstance(decay, jax.Array):
        log_decay = jnp.log(decay)
    else:
        log_decay = math.log(decay) if decay > 0 else -math.inf
    t = count.astype(jnp.result_type(float))
    return -1 / expm1(t * jnp.asarray(log_decay, t.dtype))


def average(old: jax.Array, new: jax.Array, decay: Any) -> jax.Array:
    """decay·old + (1−decay)·new, counted from the nearer of the two.

    So the weights add up to 1 after rounding too: 0.9 and 0.1 do not in float32, and the error
    would grow with every step.
    """
    from_old, from_new = old + (1 - decay) * (new - old), new + decay * (old - new)
    return jnp.where(decay < 0.5, from_new, from_old)


def squared_norm(x: jax.Array) -> jax.Array:
    """|x|² of each element, in the dtype of x."""
    return (x * x.conj()).real.astype(x.dtype)
