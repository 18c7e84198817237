"""How initial values were drawn, told from the numbers alone.

A distribution is a candidate if no number lies outside its support and Kolmogorov and Smirnov's
statistic does not refuse it; of several candidates the likeliest is named if it is so by far.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

CRITICAL = 2.2
"""√n·D above this has a probability below 1e-4 if the numbers were drawn so."""

CLEARLY = math.log(100.0)
"""By how much a log-likelihood must be the greater for its distribution to be named alone."""

FEWEST = 16
"""Fewer numbers fit nearly everything that is wide enough."""

MOST_NAMED = 3

MOST = 5_000
"""How many numbers are looked at, evenly spaced: these settle it, and a large embedding has 1e7."""

TRUNCATED_STD = 0.87962566103423978
"""The standard deviation of N(0, 1) cut off at ±2, by which `variance_scaling` divides."""


class Distribution(NamedTuple):
    """One way in which values may have been drawn.

    Attributes:
      name: in the field's words.
      scale: the bound of a uniform distribution, else σ.
      bound: beyond which there is nothing.
      cumulative: from values divided by the scale to the probability to be below.
      log_density: likewise, of values within the bound, to its logarithm.
    """

    name: str
    scale: float
    bound: float
    cumulative: Callable[[np.ndarray], np.ndarray]
    log_density: Callable[[np.ndarray], np.ndarray]


def identify(array: np.ndarray, fan_in: int, fan_out: int) -> str:
    """Names the distribution from which initial values look drawn.

    Args:
      array: of any shape.
      fan_in: how many values each output of the layer is a sum of.
      fan_out: how many outputs each value of its input reaches.

    Returns:
      `"zeros"`, `"LeCun normal (truncated)"`, `"N(0, 1)"`, ...; `"unknown"` if no candidate
      fits, as for trained values; `"... or ..."` of up to three that fit, or are the same for
      these fans; `"several"` if there are too few numbers to tell.

    Example:
      >>> draws = np.random.default_rng(0).uniform(-0.1, 0.1, (100, 50))
      >>> identify(draws, 100, 50)
      'uniform ±1/√fan_in'
      >>> identify(np.zeros(50), 100, 50)
      'zeros'
    """
    array = np.asarray(array, np.float64)
    if array.size == 0:
        return "unknown"
    if np.all(array == array.flat[0]):
        return {0.0: "zeros", 1.0: "ones"}.get(array.flat[0], f"constant {array.flat[0]:.6g}")
    if _is_orthogonal(array):
        return "orthogonal"
    values = np.sort(array.ravel()[:: -(-array.size // MOST)])
    fitting = [d for d in _candidates(fan_in, fan_out) if _fits(values, d)]
    if not fitting:
        return "unknown"
    likelihoods = [_log_likelihood(values, d) for d in fitting]
    best = max(likelihoods)
    near = [
        d for d, likelihood in zip(fitting, likelihoods, strict=True) if best - likelihood < CLEARLY
    ]
    if values.size < FEWEST or len(near) > MOST_NAMED:
        return "several"
    return " or ".join(d.name for d in near)


def _is_orthogonal(array: np.ndarray) -> bool:
    if array.ndim < 2 or min(array.shape[-2:]) < 2:
        return False
    matrix = array.reshape(-1, array.shape[-1])
    rows, columns = matrix.shape
    some = (matrix if rows >= columns else matrix.T)[:, :64]
    product = some.T @ some
    return bool(np.allclose(product, np.eye(len(product)), atol=1e-5))


def _candidates(fan_in: int, fan_out: int) -> list[Distribution]:
    scales = {
        "LeCun": 1 / math.sqrt(fan_in),
        "He": math.sqrt(2 / fan_in),
        "Glorot": math.sqrt(2 / (fan_in + fan_out)),
        "He by fan_out": math.sqrt(2 / fan_out),
    }
    return [
        _uniform("uniform ±1/√fan_in", 1 / math.sqrt(fan_in)),
        *(_uniform(_named(name, "uniform"), math.sqrt(3) * std) for name, std in scales.items()),
        *(_normal(_named(name, "normal"), std) for name, std in scales.items()),
        *(
            _truncated(_named(name, "normal (truncated)"), std / TRUNCATED_STD)
            for name, std in scales.items()
        ),
        *(
            _truncated(_named(name, "normal (truncated, std not corrected)"), std)
            for name, std in scales.items()
        ),
        _normal("N(0, 1)", 1.0),
        _normal("N(0, 0.02²)", 0.02),
        _truncated("N(0, 0.02²) truncated at ±2σ", 0.02),
        _normal("N(0, 0.01²)", 0.01),
    ]


def _named(name: str, distribution: str) -> str:
    name, by, fan = name.partition(" by ")
    return f"{name} {distribution}{by}{fan}"


def _uniform(name: str, bound: float) -> Distribution:
    return Distribution(
        name, bound, bound, lambda z: (1 + z) / 2, lambda z: np.full(z.shape, -math.log(2))
    )


def _normal(name: str, std: float) -> Distribution:
    return Distribution(name, std, math.inf, _below, _log_density)


def _truncated(name: str, std: float) -> Distribution:
    """The normal distribution cut off at two standard deviations."""
    low, within = _below(np.array(-2.0)), 1 - 2 * _below(np.array(-2.0))
    return Distribution(
        name,
        std,
        2 * std,
        lambda z: (_below(z) - low) / within,
        lambda z: _log_density(z) - np.log(within),
    )


def _below(z: np.ndarray) -> np.ndarray:
    """The probability of N(0, 1) to lie below z."""
    return np.vectorize(math.erfc, otypes=[float])(-z / math.sqrt(2)) / 2


def _log_density(z: np.ndarray) -> np.ndarray:
    return -(z**2) / 2 - math.log(math.sqrt(2 * math.pi))


def _fits(values: np.ndarray, distribution: Distribution) -> bool:
    """Whether Kolmogorov and Smirnov's statistic lets it stand; float32 may round a bound up."""
    if np.abs(values).max() > distribution.bound * (1 + 1e-6):
        return False
    n = values.size
    expected = distribution.cumulative(values / distribution.scale)
    steps = np.arange(n + 1) / n
    distance = max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))
    return bool(distance * math.sqrt(n) < CRITICAL)


def _log_likelihood(values: np.ndarray, distribution: Distribution) -> float:
    scaled = distribution.log_density(values / distribution.scale)
    return float(np.sum(scaled) - values.size * math.log(distribution.scale))
