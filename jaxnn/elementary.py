"""What the activations need where XLA's elementary functions, or their plain formulas, lose digits.

On a CPU XLA's float32 `exp`, `log` and `logistic` are right to 1, 1.2 and 2.5 units in the last
place, but `tanh` only to 4.7, `expm1` to 5.4, `erfc` to 62; results below the smallest normal
number become 0; and a product of two exponentials is compiled as the exponential of the sum.
"""

import math
from collections.abc import Callable, Sequence
from functools import reduce

import jax
import jax.numpy as jnp
from jax import Array, lax

_SQRT_2PI = math.sqrt(2 * math.pi)


def with_derivative(slope: Callable[[Array], Array]):
    """A decorator: gives an elementwise function the derivative `slope(x)`, exact at every order.

    >>> square = with_derivative(lambda x: 2 * x)(lambda x: x * x)
    >>> jax.grad(square)(3.0)
    Array(6., dtype=float32, weak_type=True)
    """

    def decorate(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        function = jax.custom_jvp(function)
        function.defjvps(lambda tangent, _, x: tangent * slope(x))
        return function

    return decorate


def polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """c₀ + c₁x + c₂x² + ... of the coefficients c.

    >>> polynomial([1.0, 2.0, 3.0], jnp.array(10.0))
    Array(321., dtype=float32, weak_type=True)
    """
    horner = lambda c, z: reduce(lambda y, c: y * z + c, reversed(c), jnp.zeros_like(z))
    # Even and odd powers apart: neither waits for the other, which halves the time.
    return horner(coefficients[::2], x * x) + x * horner(coefficients[1::2], x * x)


@with_derivative(jnp.exp)
def expm1(x: Array) -> Array:
    """eˣ − 1 for x ≤ 0.

    >>> expm1(jnp.array([-1e-30, -1.0, -100.0])).round(4)
    Array([-0.    , -0.6321, -1.    ], dtype=float32)
    """
    small = jnp.maximum(x, -0.35)
    series = small * polynomial([1 / math.factorial(n) for n in range(1, 15)], small)
    return jnp.where(x > -0.35, series, jnp.exp(x) - 1)


def exp_difference(x: Array, y: Array) -> Array:
    """e^(x − y): rounding x − y alone would cost |x − y| units in the last place.

    The rounding error is found as in Knuth, The Art of Computer Programming, volume 2, section
    4.2.2, theorem B.

    >>> exp_difference(jnp.array([1.0]), jnp.array([1.0]))
    Array([1.], dtype=float32)
    """
    difference = x - y
    back = difference - x
    error = (x - (difference - back)) - (y + back)
    return jnp.exp(difference) * (1 + jnp.where(jnp.isfinite(error), error, 0))


def sum_of_fractions(x: Array, axis: int) -> Array:
    """The sum of numbers in [0, 1] along an axis, which is kept: of n, √n units would be lost.

    >>> sum_of_fractions(jnp.full(1000, 0.1), 0)
    Array([100.], dtype=float32)
    """
    coarse = jnp.floor(x * 4096) / 4096  # these add up without rounding
    return coarse.sum(axis, keepdims=True) + (x - coarse).sum(axis, keepdims=True)


@jax.custom_jvp
def times_sigmoid(y: Array, x: Array) -> Array:
    """y σ(x), also where σ(x) alone, or its reciprocal, is out of range.

    >>> print(f"{times_sigmoid(jnp.array(-90.0), jnp.array(-90.0)):.5g}")
    -7.3746e-38
    """
    # y e^−s / (e^−s + e^−(x + s)), where x + s is exact
    s = jnp.where(x < -64, 32.0, 0.0)
    scale = jnp.where(x < -64, math.exp(-32), 1.0)
    return y * scale / (scale + jnp.exp(-(x + s)))


times_sigmoid.defjvps(
    lambda dy, _, y, x: dy * times_sigmoid(jnp.ones_like(y), x),
    lambda dx, _, y, x: dx * times_sigmoid(times_sigmoid(y, -x), x),
)


def _times_gaussian(y: Array, correction: Array | float, x: Array) -> Array:
    """y (1 + correction) e^(−x²/2): rounding x²/2 alone would cost x²/2 units in the last place."""
    exponent_bits, mantissa_bits = (8, 11) if x.dtype == jnp.float32 else (11, 25)
    head = lax.reduce_precision(x, exponent_bits, mantissa_bits)  # its square is exact
    r = (head - x) * (head + x) / 2
    rest = r * (1 + r / 2 * (1 + r / 3))  # eʳ − 1
    return (y + y * (rest + correction + rest * correction)) * jnp.exp(-head * head / 2)


# p interpolates R(a) / (w (1 − w)), of _tail_excess, at the Chebyshev points of 1 − 2w.
_P = (
    0.5417232570327214, 0.6242854674106398, 0.4300345878422303, 0.1922075423738554,
    0.04465461931319126, -0.004838316663064424, -0.006530376232206548, -0.0006799484193045289,
    0.0008163491411697917, 0.00017454122081579534, -0.00012256389203322635, -2.91418320578637e-05,
    2.277482520799483e-05, 3.60553211778339e-06, -4.741215339831792e-06, -6.164034913684769e-08,
    9.582230195372094e-07, -1.4804758375997186e-07, -1.564561769658346e-07, 4.9665907407848035e-08,
    1.4543845045965017e-08, -6.6760656835976586e-09,
)  # fmt: skip


def _tail_excess(a: Array) -> Array:
    """R in Φ(−a) = e^(−a²/2) (1 + R) / (2 + √(2π) a), a ≥ 0: 0 at both ends, 0.18 in between."""
    w = a / (a + 4)
    return w * (1 - w) * polynomial(_P, 1 - 2 * w)


@with_derivative(lambda x: (2 - x * x) * jnp.exp(-x * x / 2) / _SQRT_2PI)
def _times_normal_cdf_slope(x: Array) -> Array:
    """Φ(x) + x Φ'(x), which is one minus itself at −x."""
    a = jnp.abs(x)
    difference = 1 - a * (a + 2 / _SQRT_2PI) + _tail_excess(a)
    at_minus_a = _times_gaussian(difference / (2 + _SQRT_2PI * a), 0.0, a)
    return jnp.where(x > 0, 1 - at_minus_a, at_minus_a)


@with_derivative(_times_normal_cdf_slope)
def times_normal_cdf(x: Array) -> Array:
    """x Φ(x), Φ being the distribution function of the standard normal, as max(x, 0) − |x| Φ(−|x|).

    >>> print(f"{times_normal_cdf(jnp.array(-13.0)):.5g}")
    -7.9523e-38
    """
    a = jnp.abs(x)
    return jnp.maximum(x, 0) - _times_gaussian(a / (2 + _SQRT_2PI * a), _tail_excess(a), a)
