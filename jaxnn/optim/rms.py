"""Division by the size that gradients have had: RMSProp, its centred form, and Adagrad.

Each `step` is the published algorithm for one array: in come the gradient g and the moments, out
go the update u and the new moments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxnn.optim.averages import average, debias_factor, next_count, squared_norm
from jaxnn.optim.leaves import advance, full_like, require_numbers_in
from jaxnn.typing import GradientTransformation, OptState, Params


class ScaleByRmsState(NamedTuple):
    """The mean of squared gradients."""

    nu: Params


class ScaleByRmsWithCountState(NamedTuple):
    """Steps taken and the mean of squared gradients."""

    count: Any
    nu: Params


class ScaleByRStdDevState(NamedTuple):
    """The means of gradients and of squared gradients."""

    mu: Params
    nu: Params


class ScaleByRStdDevWithCountState(NamedTuple):
    """Steps taken, the means of gradients and of squared gradients."""

    count: Any
    mu: Params
    nu: Params


class ScaleByRssState(NamedTuple):
    """The sum of squared gradients."""

    sum_of_squares: Params


def scale_by_rms(
    decay: ArrayLike = 0.9,
    eps: ArrayLike = 1e-8,
    initial_scale: ArrayLike = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> GradientTransformation:
    """Divides by the root of the mean of squared gradients (RMSProp).

    v ← β·v + (1−β)·g², v̂ = v or v/(1−βᵗ), u = g/√(v̂+ε) or g/(√v̂+ε).

    Args:
      decay: β, in [0, 1].
      eps: ε, at least 0.
      initial_scale: v before the first step, at least 0.
      eps_in_sqrt: whether ε stands inside the root.
      bias_correction: whether v is divided by 1−βᵗ.

    Returns:
      A transformation with the state `ScaleByRmsState(nu)`, or
      `ScaleByRmsWithCountState(count, nu)` under bias correction.

    Raises:
      ValueError: if a number is outside its range.

    Tieleman, Hinton, "Lecture 6.5: RMSProp" (2012).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> rms = optim.scale_by_rms(decay=0.75)
      >>> rms.update(jnp.array([1.0, -4.0]), rms.init(jnp.zeros(2)))[0]
      Array([ 2., -2.], dtype=float32)
    """
    _require_rms("scale_by_rms", decay, eps, initial_scale)

    def init(params: Params) -> OptState:
        count, nu = jnp.zeros([], jnp.int32), full_like(params, initial_scale)
        return ScaleByRmsWithCountState(count, nu) if bias_correction else ScaleByRmsState(nu)

    def step(g, v, *, beta, eps, debias):
        v = average(v, squared_norm(g), beta)
        return g / _root(v * debias, eps, eps_in_sqrt), v

    def update(grads, state, params=None):
        if bias_correction:
            state = state._replace(count=next_count(state.count))
        debias = debias_factor(decay, state.count) if bias_correction else 1.0
        numbers = {"beta": decay, "eps": eps, "debias": debias}
        updates, nu = advance("scale_by_rms", step, grads, state.nu, **numbers)
        return updates, state._replace(nu=nu)

    return GradientTransformation(init, update)


def scale_by_stddev(
    decay: ArrayLike = 0.9,
    eps: ArrayLike = 1e-8,
    initial_scale: ArrayLike = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> GradientTransformation:
    """Divides by the standard deviation of gradients (centred RMSProp).

    m ← β·m + (1−β)·g, v ← β·v + (1−β)·g², both divided by 1−βᵗ under bias correction,
    σ² = v − m², u = g/√(σ²+ε) or g/(√σ²+ε).

    Args:
      decay: β, in [0, 1].
      eps: ε, at least 0.
      initial_scale: v before the first step, at least 0.
      eps_in_sqrt: whether ε stands inside the root.
      bias_correction: whether m and v are divided by 1−βᵗ.

    Returns:
      A transformation with the state `ScaleByRStdDevState(mu, nu)`, or
      `ScaleByRStdDevWithCountState(count, mu, nu)` under bias correction.

    Raises:
      ValueError: if a number is outside its range.

    Graves, "Generating sequences with recurrent neural networks" (2013), equations 38 to 45.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> stddev = optim.scale_by_stddev(decay=0.5)
      >>> stddev.update(jnp.array([1.0, -4.0]), stddev.init(jnp.zeros(2)))[0]
      Array([ 2., -2.], dtype=float32)
    """
    _require_rms("scale_by_stddev", decay, eps, initial_scale)

    def init(params: Params) -> OptState:
        count, mu, nu = (
            jnp.zeros([], jnp.int32),
            full_like(params),
            full_like(params, initial_scale),
        )
        if bias_correction:
            return ScaleByRStdDevWithCountState(count, mu, nu)
        return ScaleByRStdDevState(mu, nu)

    def step(g, m, v, *, beta, eps, debias):
        m = average(m, g, beta)
        v = average(v, squared_norm(g), beta)
        # Rounding can put the variance of equal gradients below zero.
        variance = jnp.maximum(v * debias - squared_norm(m * debias), 0)
        return g / _root(variance, eps, eps_in_sqrt), m, v

    def update(grads, state, params=None):
        if bias_correction:
            state = state._replace(count=next_count(state.count))
        debias = debias_factor(decay, state.count) if bias_correction else 1.0
        numbers = {"beta": decay, "eps": eps, "debias": debias}
        updates, mu, nu = advance("scale_by_stddev", step, grads, state.mu, state.nu, **numbers)
        return updates, state._replace(mu=mu, nu=nu)

    return GradientTransformation(init, update)


def scale_by_rss(
    initial_accumulator_value: ArrayLike = 0.1, eps: ArrayLike = 1e-7
) -> GradientTransformation:
    """Divides by the root of the sum of squared gradients (Adagrad).

    s ← s + g², u = g/√(s+ε), and 0 where s is 0.

    Args:
      initial_accumulator_value: s before the first step, at least 0.
      eps: ε, at least 0.

    Returns:
      A transformation with the state `ScaleByRssState(sum_of_squares)`.

    Raises:
      ValueError: if a number is outside its range.

    Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011), the diagonal form.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> rss = optim.scale_by_rss(initial_accumulator_value=0.0)
      >>> rss.update(jnp.array([1.0, -4.0]), rss.init(jnp.zeros(2)))[0]
      Array([ 1., -1.], dtype=float32)
    """
    require_numbers_in(
        "[0, inf)", "scale_by_rss", initial_accumulator_value=initial_accumulator_value, eps=eps
    )

    def init(params: Params) -> ScaleByRssState:
        return ScaleByRssState(full_like(params, initial_accumulator_value))

    def step(g, s, *, eps):
        s = s + squared_norm(g)
        return jnp.where(s == 0, 0, g / jnp.sqrt(s + eps)), s

    def update(grads, state, params=None):
        updates, s = advance("scale_by_rss", step, grads, state.sum_of_squares, eps=eps)
        return updates, ScaleByRssState(s)

    return GradientTransformation(init, update)


def _root(v: jax.Array, eps: ArrayLike, inside: bool) -> jax.Array:
    return jnp.sqrt(v + eps) if inside else jnp.sqrt(v) + eps


def _require_rms(name: str, decay: ArrayLike, eps: ArrayLike, initial_scale: ArrayLike) -> None:
    require_numbers_in("[0, 1]", name, decay=decay)
    require_numbers_in("[0, inf)", name, eps=eps, initial_scale=initial_scale)
