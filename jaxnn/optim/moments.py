"""Adam and AMSGrad: the mean of gradients over the root of the mean of their squares.

Each `step` is the published algorithm for one array: in come the gradient g and the moments, out
go the update u and the new moments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike

from jaxnn.optim.averages import average, debias_factor, next_count, squared_norm
from jaxnn.optim.leaves import advance, full_like, require_numbers_in
from jaxnn.typing import GradientTransformation, Params


class ScaleByAdamState(NamedTuple):
    """Steps taken, the first and the second moment."""

    count: Any
    mu: Params
    nu: Params


class ScaleByAmsgradState(NamedTuple):
    """Steps taken, the first and the second moment, the largest second moment so far."""

    count: Any
    mu: Params
    nu: Params
    nu_max: Params


def scale_by_adam(
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    eps_root: ArrayLike = 0.0,
    mu_dtype: DTypeLike | None = None,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """Divides the mean of gradients by the root of the mean of their squares (Adam).

    m ← β₁·m + (1−β₁)·g, v ← β₂·v + (1−β₂)·g², m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ), u = m̂/(√(v̂+ε_root)+ε);
    Nesterov's form looks one step ahead: m̂ = β₁·m/(1−β₁ᵗ⁺¹) + (1−β₁)·g/(1−β₁ᵗ).

    Args:
      b1: β₁, in [0, 1).
      b2: β₂, in [0, 1).
      eps: ε, outside the root, at least 0; 1e-8 is 0 in float16, as in Optax: give 1e-4 there.
      eps_root: ε_root, inside the root, at least 0; a positive one keeps derivatives finite
        at g = 0.
      mu_dtype: dtype of m; the parameters' unless given.
      nesterov: whether to use Nesterov's form (NAdam).

    Returns:
      A transformation with the state `ScaleByAdamState(count, mu, nu)`.

    Raises:
      ValueError: if a number is outside its range.

    Kingma, Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1; Dozat,
    "Incorporating Nesterov momentum into Adam" (2016).

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> direction = optim.scale_by_adam()
      >>> direction.update(jnp.array([1e-3, -4.0]), direction.init(jnp.zeros(2)))[0].round(3)
      Array([ 1., -1.], dtype=float32)
    """
    _require_adam("scale_by_adam", b1, b2, eps, eps_root)

    def init(params: Params) -> ScaleByAdamState:
        count = jnp.zeros([], jnp.int32)
        return ScaleByAdamState(count, full_like(params, dtype=mu_dtype), full_like(params))

    def step(g, m, v, *, b1, b2, eps, eps_root, debias1, debias1_next, debias2):
        m = average(m, g, b1)
        v = average(v, squared_norm(g), b2)
        m_hat = m * debias1
        if nesterov:
            m_hat = average(m * debias1_next, g * debias1, b1)
        v_hat = v * debias2
        return m_hat / (jnp.sqrt(v_hat + eps_root) + eps), m, v

    def update(grads, state, params=None):
        t = next_count(state.count)
        numbers = {"b1": b1, "b2": b2, "eps": eps, "eps_root": eps_root}
        numbers["debias1"] = debias_factor(b1, t)
        numbers["debias1_next"] = debias_factor(b1, next_count(t))
        numbers["debias2"] = debias_factor(b2, t)
        updates, mu, nu = advance("scale_by_adam", step, grads, state.mu, state.nu, **numbers)
        return updates, ScaleByAdamState(t, mu, nu)

    return GradientTransformation(init, update)


def scale_by_amsgrad(
    b1: ArrayLike = 0.9,
    b2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    eps_root: ArrayLike = 0.0,
    mu_dtype: DTypeLike | None = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> GradientTransformation:
    """Adam that divides by the root of the largest second moment so far (AMSGrad).

    m and v as in `scale_by_adam`, v_max ← max(v_max, v̂), u = m̂/(√(v_max+ε_root)+ε).

    Args:
      b1: β₁, in [0, 1).
      b2: β₂, in [0, 1).
      eps: ε, outside the root, at least 0; 1e-8 is 0 in float16, as in Optax: give 1e-4 there.
      eps_root: ε_root, inside the root, at least 0.
      mu_dtype: dtype of m; the parameters' unless given.
      bias_correction_mu: whether m̂ = m/(1−β₁ᵗ), else m̂ = m.
      bias_correction_nu: whether v̂ = v/(1−β₂ᵗ), else v̂ = v.

    Returns:
      A transformation with the state `ScaleByAmsgradState(count, mu, nu, nu_max)`.

    Raises:
      ValueError: if a number is outside its range.

    Reddi, Kale, Kumar, "On the convergence of Adam and beyond" (2018), algorithm 2, which has
    neither bias correction.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> direction = optim.scale_by_amsgrad()
      >>> state = direction.init(jnp.zeros(1))
      >>> for gradient in (4.0, 1.0):
      ...     updates, state = direction.update(jnp.array([gradient]), state)
      >>> round(float(updates[0]), 3)  # 0.832 with Adam, which forgets the 4 in time
      0.605
    """
    _require_adam("scale_by_amsgrad", b1, b2, eps, eps_root)

    def init(params: Params) -> ScaleByAmsgradState:
        count, mu = jnp.zeros([], jnp.int32), full_like(params, dtype=mu_dtype)
        return ScaleByAmsgradState(count, mu, full_like(params), full_like(params))

    def step(g, m, v, v_max, *, b1, b2, eps, eps_root, debias1, debias2):
        m = average(m, g, b1)
        v = average(v, squared_norm(g), b2)
        m_hat = m * debias1
        v_max = jnp.maximum(v_max, v * debias2)
        return m_hat / (jnp.sqrt(v_max + eps_root) + eps), m, v, v_max

    def update(grads, state, params=None):
        t = next_count(state.count)
        numbers = {"b1": b1, "b2": b2, "eps": eps, "eps_root": eps_root}
        numbers["debias1"] = debias_factor(b1, t) if bias_correction_mu else 1.0
        numbers["debias2"] = debias_factor(b2, t) if bias_correction_nu else 1.0
        updates, *moments = advance("scale_by_amsgrad", step, grads, *state[1:], **numbers)
        return updates, ScaleByAmsgradState(t, *moments)

    return GradientTransformation(init, update)


def _require_adam(
    name: str, b1: ArrayLike, b2: ArrayLike, eps: ArrayLike, eps_root: ArrayLike
) -> None:
    require_numbers_in("[0, 1)", name, b1=b1, b2=b2)
    require_numbers_in("[0, inf)", name, eps=eps, eps_root=eps_root)
