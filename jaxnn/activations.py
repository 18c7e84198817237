"""Activations, in float32 within four units in the last place of the exact value, tails included.

Each takes a floating array and gives one of its shape and dtype; float16 and bfloat16 are computed
in float32. ±∞ gives the limit, NaN gives NaN, and the derivative at a kink is PyTorch's.
"""

import math
from collections.abc import Callable
from functools import partial, wraps
from typing import Concatenate, ParamSpec

import jax
import jax.numpy as jnp
from jax import Array

from jaxnn.elementary import (
    exp_difference,
    expm1,
    sum_of_fractions,
    times_normal_cdf,
    times_sigmoid,
    with_derivative,
)

P = ParamSpec("P")


def _activation(function: Callable[Concatenate[Array, P], Array]):
    """Refuses an array that is not floating, and computes in float32 at least."""

    @wraps(function)
    def checked(x: Array, *args: P.args, **kwargs: P.kwargs) -> Array:
        x = jnp.asarray(x)
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise TypeError(f"{function.__name__}: x must be a floating array, got {x.dtype}")
        wide = jnp.float32 if x.dtype.itemsize < 4 else x.dtype
        return function(x.astype(wide), *args, **kwargs).astype(x.dtype)

    return checked


def _sigmoid_slope(x: Array) -> Array:
    return sigmoid(x) * sigmoid(-x)


@_activation
@with_derivative(_sigmoid_slope)
def sigmoid(x: Array) -> Array:
    """The logistic function.

        σ(x) = 1 / (1 + e^−x),   σ'(x) = σ(x) σ(−x)

    Args:
      x: floating array of any shape; another dtype is a `TypeError`.

    Returns:
      Values in [0, 1], of the shape and dtype of `x`.

    Example:
      >>> sigmoid(jnp.array([-jnp.inf, 0.0, jnp.inf]))
      Array([0. , 0.5, 1. ], dtype=float32)
    """
    return 1 / (1 + jnp.exp(-x))


@_activation
@with_derivative(lambda x: 4 * _sigmoid_slope(2 * x))
def tanh(x: Array) -> Array:
    """The hyperbolic tangent.

        tanh(x) = (eˣ − e^−x) / (eˣ + e^−x) = 2 σ(2x) − 1,   tanh'(x) = 4 σ(2x) σ(−2x)

    Args:
      x: floating array of any shape; another dtype is a `TypeError`.

    Returns:
      Values in [−1, 1], of the shape and dtype of `x`.

    Example:
      >>> tanh(jnp.array([-jnp.inf, 0.0, jnp.inf]))
      Array([-1.,  0.,  1.], dtype=float32)
    """
    # Near 0, where 2σ − 1 cancels: Lambert's x/(1 + x²/(3 + x²/(5 + ...))), to the seventh term.
    y = x * x
    numerator = x * (135135 + y * (17325 + y * (378 + y)))
    denominator = 135135 + y * (62370 + y * (3150 + y * 28))
    far = jnp.copysign(1 - 2 * sigmoid(-2 * jnp.abs(x)), x)
    return jnp.where(jnp.abs(x) < 0.55, numerator / denominator, far)


@_activation
def relu(x: Array) -> Array:
    """The rectified linear unit.

        relu(x) = max(x, 0),   relu'(x) = 1 for x > 0, 0 for x ≤ 0

    Args:
      x: floating array of any shape; another dtype is a `TypeError`.

    Returns:
      Values of the shape and dtype of `x`.

    Reference:
      Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines (2010).

    Example:
      >>> relu(jnp.array([-2.0, 0.0, 2.0]))
      Array([0., 0., 2.], dtype=float32)
    """
    return jnp.where(x <= 0, 0, x)  # the derivative of jnp.maximum at 0 is ½


@_activation
def leaky_relu(x: Array, negative_slope: float | Array = 0.01) -> Array:
    """The leaky rectified linear unit.

        leaky_relu(x) = x for x > 0, αx for x ≤ 0;   its derivative is 1 and α

    Args:
      x: floating array of any shape; another dtype is a `TypeError`.
      negative_slope: α, any number.

    Returns:
      Values of the shape and dtype of `x`.

    Reference:
      Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013).

    Example:
      >>> leaky_relu(jnp.array([-2.0, 0.0, 2.0]))
      Array([-0.02,  0.  ,  2.  ], dtype=float32)
    """
    return jnp.where(x > 0, x, negative_slope * x)


@_activation
def elu(x: Array, alpha: float | Array = 1.0) -> Array:
    """The exponential linear unit.

        elu(x) = x for x > 0, α(eˣ − 1) for x ≤ 0;   its derivative is 1 and αeˣ

    Args:
      x: floating array of any shape; another dtype is a `TypeError`.
      alpha: α, any number.

    Returns:
      Values of at least −α for a positive α, of the shape and dtype of `x`.

    Reference:
      Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by ELUs (2016).

    Example:
      >>> elu(jnp.array([-jnp.inf, 0.0, 2.0]))
      Array([-1.,  0.,  2.], dtype=float32)
    """
    not_positive = jnp.where(x > 0, 0, x)  # else eˣ = ∞ would make the derivative NaN
    return jnp.where(x > 0, x, alpha * expm1(not_positive))


def _gated(function: Callable[[Array], Array], x: Array) -> Array:
    """A function that is 0 at −∞ and x at +∞, where its formula says ∞ · 0."""
    return jnp.where(x > 900, x, function(jnp.clip(x, -1000, 1000)))


def _times_sigmoid_of(logit: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """x σ(u), with the derivative σ(u) (1 + x u' σ(−u)), of u = logit(x)."""

    def slope(x: Array) -> Array:
        u, du = jax.jvp(logit, (x,), (jnp.ones_like(x),))
        return times_sigmoid(1 + x * du * sigmoid(-u), u)

    return with_derivative(slope)(lambda x: times_sigmoid(x, logit(x)))


@_activation
def gelu(x: Array, approximate: bool = False) -> Array:
    """The Gaussian error linear unit; Φ is the distribution function of the standard normal.

        gelu(x) = x Φ(x) = x (1 + erf(x/√2)) / 2,   gelu'(x) = Φ(x) + x Φ'(x)

    Args:
      x: floating array of any shape; another dtype is a `TypeError`.
      approximate: True takes (1 + tanh u) / 2 for Φ(x), u = √(2/π) (x + 0.044715 x³); there x < −1
        costs up to 6 |u| units in the last place, where PyTorch loses all of them.

    Returns:
      Values of the shape and dtype of `x`.

    Reference:
      Hendrycks and Gimpel, Gaussian Error Linear Units (2016), section 2.

    Example:
      >>> print(f"{gelu(jnp.array(-10.0)):.5g}")
      -7.6199e-23
    """
    k = 2 * math.sqrt(2 / math.pi)
    twice_u = lambda x: x * (k + 0.044715 * k * (x * x))  # (1 + tanh u) / 2 = σ(2u)
    return _gated(_times_sigmoid_of(twice_u) if approximate else times_normal_cdf, x)


@_activation
def silu(x: Array) -> Array:
    """The sigmoid linear unit, also called swish.

        silu(x) = x σ(x),   silu'(x) = σ(x) (1 + x σ(−x))

    Args:
      x: floating array of any shape; another dtype is a `TypeError`.

    Returns:
      Values of the shape and dtype of `x`.

    Reference:
      Elfwing, Uchibe and Doya, Sigmoid-Weighted Linear Units for Neural Network Function
      Approximation in Reinforcement Learning (2018).

    Example:
      >>> print(f"{silu(jnp.array(-80.0)):.5g}")
      -1.4439e-33
    """
    return _gated(_times_sigmoid_of(lambda x: x), x)


@_activation
@with_derivative(sigmoid)
def softplus(x: Array) -> Array:
    """A smooth relu: the integral of the sigmoid.

        softplus(x) = log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|),   softplus'(x) = σ(x)

    Args:
      x: floating array of any shape; another dtype is a `TypeError`.

    Returns:
      Values of at least 0, of the shape and dtype of `x`.

    Reference:
      Dugas, Bengio, Bélisle, Nadeau and Garcia, Incorporating Second-Order Functional Knowledge
      for Better Option Pricing (2001).

    Example:
      >>> softplus(jnp.array([-jnp.inf, 100.0, jnp.inf]))
      Array([  0., 100.,  inf], dtype=float32)
    """
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _softmax(x: Array, axis: int) -> Array:
    exponential = exp_difference(x, jnp.max(x, axis, keepdims=True))
    return exponential / sum_of_fractions(exponential, axis)


@_softmax.defjvp
def _softmax_jvp(axis, primals, tangents):
    p, (dx,) = _softmax(*primals, axis), tangents
    return p, p * (dx - jnp.sum(p * dx, axis, keepdims=True))


@_activation
def softmax(x: Array, axis: int = -1) -> Array:
    """The distribution over classes with logits x.

        p_i = e^x_i / Σ_j e^x_j,   ∂p_i/∂x_j = p_i (δ_ij − p_j)

    Args:
      x: logits, a floating array with at least one axis, else a `TypeError`; −∞ has p = 0.
      axis: the axis of the classes.

    Returns:
      Values in [0, 1] that sum to 1 along `axis`, of the shape and dtype of `x`.

    Reference:
      Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs (1990).

    Example:
      >>> softmax(jnp.array([0.0, 0.0, 10000.0]))
      Array([0., 0., 1.], dtype=float32)
    """
    return _softmax(x, axis)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _log_softmax(x: Array, axis: int) -> Array:
    highest = jnp.max(x, axis, keepdims=True)
    # The highest logit's e⁰ = 1 is left to log1p: added to the others it would swallow them.
    is_highest = x - highest == 0
    others = jnp.where(is_highest, 0, exp_difference(x, highest)).sum(axis, keepdims=True)
    ties = is_highest.astype(x.dtype).sum(axis, keepdims=True) - 1
    return x - highest - jnp.log1p(others + ties)


@_log_softmax.defjvp
def _log_softmax_jvp(axis, primals, tangents):
    (x,), (dx,) = primals, tangents
    return _log_softmax(x, axis), dx - jnp.sum(_softmax(x, axis) * dx, axis, keepdims=True)


@_activation
def log_softmax(x: Array, axis: int = -1) -> Array:
    """The logarithm of `softmax`, right also where a probability is 0, or 1 to the last digit.

        log p_i = x_i − log Σ_j e^x_j,   ∂ log p_i / ∂x_j = δ_ij − p_j

    Args:
      x: logits, a floating array with at least one axis; another dtype is a `TypeError`.
      axis: the axis of the classes.

    Returns:
      Values of at most 0, of the shape and dtype of `x`.

    Example:
      >>> log_softmax(jnp.array([0.0, 0.0, 10000.0]))
      Array([-10000., -10000.,      0.], dtype=float32)
    """
    return _log_softmax(x, axis)
