"""Activations: exact to units in the last place, and where it is worse no worse than PyTorch."""

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpmath import mp
from torch.nn import functional

from jaxnn import activations
from tests.oracle import assert_ulps, exact

INFINITY = float("inf")


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def normal_cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def twice_u(x):
    return 2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)


def tanh_terms(x, at_twice_u, at_minus_twice_u):
    slope = 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * mp.mpf("0.044715") * x**2)
    return [at_twice_u, x * slope * at_twice_u * at_minus_twice_u]


def tanh_tail_units(x):
    """The documented 6 |u| units for x < −1, u being at most 350 where the result is normal."""
    u = np.sqrt(2 / np.pi) * np.polyval([0.044715, 0, 1, 0], np.clip(x, -20, 0).astype(float))
    return 4 + np.where(x < -1, 6 * np.abs(u), 0)


class Case(NamedTuple):
    """An elementwise activation, PyTorch's, and what is true of it."""

    ours: Callable
    torch: Callable
    value: Callable  # x -> f(x), exactly
    slope: Callable  # x -> the terms whose sum is f'(x), exactly
    limits: tuple[float, float]  # of f at −∞ and at ∞
    slope_limits: tuple[float, float]  # of f' at −∞ and at ∞
    bound: Callable = lambda x: 4.0  # units in the last place


CASES = {
    "sigmoid": Case(
        activations.sigmoid,
        torch.sigmoid,
        sigmoid,
        lambda x: [sigmoid(x) * sigmoid(-x)],
        limits=(0, 1),
        slope_limits=(0, 0),
    ),
    "tanh": Case(
        activations.tanh,
        torch.tanh,
        mp.tanh,
        lambda x: [mp.sech(x) ** 2],
        limits=(-1, 1),
        slope_limits=(0, 0),
    ),
    "relu": Case(
        activations.relu,
        functional.relu,
        lambda x: x if x > 0 else mp.zero,
        lambda x: [mp.one if x > 0 else mp.zero],
        limits=(0, INFINITY),
        slope_limits=(0, 1),
    ),
    "leaky_relu": Case(
        activations.leaky_relu,
        functional.leaky_relu,
        lambda x: x if x > 0 else x * mp.mpf("0.01"),
        lambda x: [mp.one if x > 0 else mp.mpf("0.01")],
        limits=(-INFINITY, INFINITY),
        slope_limits=(0.01, 1),
    ),
    "leaky_relu(negative_slope=0.25)": Case(
        partial(activations.leaky_relu, negative_slope=0.25),
        partial(functional.leaky_relu, negative_slope=0.25),
        lambda x: x if x > 0 else x / 4,
        lambda x: [mp.one if x > 0 else mp.mpf("0.25")],
        limits=(-INFINITY, INFINITY),
        slope_limits=(0.25, 1),
    ),
    "elu": Case(
        activations.elu,
        functional.elu,
        lambda x: x if x > 0 else mp.expm1(x),
        lambda x: [mp.one if x > 0 else mp.exp(x)],
        limits=(-1, INFINITY),
        slope_limits=(0, 1),
    ),
    "elu(alpha=0.5)": Case(
        partial(activations.elu, alpha=0.5),
        partial(functional.elu, alpha=0.5),
        lambda x: x if x > 0 else mp.expm1(x) / 2,
        lambda x: [mp.one if x > 0 else mp.exp(x) / 2],
        limits=(-0.5, INFINITY),
        slope_limits=(0, 1),
    ),
    "gelu": Case(
        activations.gelu,
        functional.gelu,
        lambda x: x * normal_cdf(x),
        lambda x: [normal_cdf(x), x * mp.npdf(x)],
        limits=(0, INFINITY),
        slope_limits=(0, 1),
    ),
    "gelu(approximate=True)": Case(
        partial(activations.gelu, approximate=True),
        partial(functional.gelu, approximate="tanh"),
        lambda x: x * sigmoid(twice_u(x)),
        lambda x: tanh_terms(x, sigmoid(twice_u(x)), sigmoid(-twice_u(x))),
        limits=(0, INFINITY),
        slope_limits=(0, 1),
        bound=tanh_tail_units,
    ),
    "silu": Case(
        activations.silu,
        functional.silu,
        lambda x: x * sigmoid(x),
        lambda x: [sigmoid(x), x * sigmoid(x) * sigmoid(-x)],
        limits=(0, INFINITY),
        slope_limits=(0, 1),
    ),
    "softplus": Case(
        activations.softplus,
        partial(functional.softplus, threshold=1000),  # its default is x itself from 20 on
        lambda x: mp.log1p(mp.exp(x)) if x < 100 else x + mp.exp(-x),
        lambda x: [sigmoid(x)],
        limits=(0, INFINITY),
        slope_limits=(0, 1),
    ),
}
SOFTMAXES = ("softmax", "log_softmax")

elementwise = pytest.mark.parametrize("name", CASES)
both_precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_every_public_activation_has_a_row():
    public = {
        name
        for name, value in vars(activations).items()
        if inspect.isfunction(value) and value.__module__ == activations.__name__
    }
    rows = {name.partition("(")[0] for name in CASES} | {*SOFTMAXES}
    assert {name for name in public if not name.startswith("_")} == rows


@cache
def grid(dtype: type) -> np.ndarray:
    """All magnitudes, and densely what lies between the last normal results on both sides."""
    end = 120 if dtype == np.float32 else 750
    magnitudes = np.geomspace(1e-30, end, 200)
    special = [-91.0, -88.5, -80.0, -50.0, -10.0, 0.0, 50.0, 1000.0, 1e30]
    points = [np.linspace(-end, end, 301), np.linspace(-14, 14, 401), magnitudes, -magnitudes]
    return np.concatenate([*points, special]).astype(dtype)


def units(name: str, x: np.ndarray) -> np.ndarray:
    """How many units in the last place an activation may be off: in float64, 1.3e-15."""
    return CASES[name].bound(x) * (1.0 if x.dtype == np.float32 else 1.5)


def check_values(name: str, function: Callable, x: np.ndarray) -> None:
    assert_ulps(function(x), exact(CASES[name].value, x), bound=units(name, x))


def check_slopes(name: str, function: Callable, x: np.ndarray) -> None:
    """Checks derivatives wherever the value is 0 or normal, and the derivative is, with a margin.

    The margin is for 4 σ(2x) σ(−2x), a factor of which is 0 earlier than the product.
    """
    tiny = np.finfo(x.dtype).smallest_normal
    values, terms = exact(CASES[name].value, x), exact(CASES[name].slope, x)
    slopes = np.frompyfunc(mp.fsum, 1, 1)(terms)
    seen = ((values == 0) | (np.abs(values) >= tiny)) & (
        (slopes == 0) | (np.abs(slopes) > 4 * tiny)
    )
    slopes = np.where(seen, slopes, float(tiny) / 2)
    sizes = np.frompyfunc(lambda terms: max(map(abs, terms)), 1, 1)(terms)
    assert_ulps(function(x), slopes, bound=units(name, x), terms=sizes)


def reverse(function: Callable) -> Callable:
    return jax.vmap(jax.grad(function))


def forward(function: Callable) -> Callable:
    return lambda x: jax.jvp(function, (x,), (jnp.ones_like(x),))[1]


@pytest.mark.parametrize("compiled", [lambda f: f, jax.jit], ids=["eager", "jit"])
@both_precisions
@elementwise
def test_values_are_exact_to_units_in_the_last_place(name, dtype, compiled):
    check_values(name, compiled(CASES[name].ours), grid(dtype))


@pytest.mark.parametrize("derivative", [reverse, forward])
@both_precisions
@elementwise
def test_derivatives_are_exact_to_units_in_the_last_place(name, dtype, derivative):
    check_slopes(name, jax.jit(derivative(CASES[name].ours)), grid(dtype))


@elementwise
def test_derivatives_are_exact_without_jit(name):
    check_slopes(name, reverse(CASES[name].ours), grid(np.float32))


@given(x=arrays(np.float32, 32, elements=st.floats(-100, 100, width=32)))
@settings(max_examples=10, deadline=None)
@elementwise
def test_any_input_gives_exact_values_and_derivatives(name, x):
    check_values(name, CASES[name].ours, x)
    check_slopes(name, forward(CASES[name].ours), x)


@elementwise
def test_agrees_with_pytorch(name):
    x = np.concatenate([np.linspace(-30, 30, 121), [-1e-9, 1e-9]])
    inputs = torch.tensor(x, requires_grad=True)
    values = CASES[name].torch(inputs)
    values.sum().backward()
    # Next to 0 PyTorch's own cancellations, of units in the last place of 1, show.
    close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-14, equal_nan=False)
    close(CASES[name].ours(x), values.detach().numpy())
    close(reverse(CASES[name].ours)(x), inputs.grad.numpy())


@elementwise
def test_limits_and_nan(name):
    case, x = CASES[name], np.float32([-np.inf, np.inf, np.nan])
    for function in (case.ours, jax.jit(case.ours)):
        np.testing.assert_array_equal(function(x), np.float32([*case.limits, np.nan]))
    slopes = reverse(case.ours)(x)
    np.testing.assert_array_equal(slopes[:2], np.float32(case.slope_limits))


@elementwise
def test_higher_derivatives_are_finite_and_right(name):
    x = np.concatenate([grid(np.float32), np.float32([-1e30, -1001, -1000, 901, 1000, 1001])])
    points = np.array(
        [-3.1, -1.3, -0.4, 0.0, 0.2, 0.7, 2.9]
    )  # at a kink, the derivative from below
    derivative = CASES[name].ours
    for order in (1, 2, 3):
        derivative = jax.grad(derivative)
        ours = jax.jit(jax.vmap(derivative))
        assert jnp.isfinite(ours(x)).all()
        exactly = exact(lambda x, n=order: mp.diff(CASES[name].value, x, n, direction=-1), points)
        np.testing.assert_allclose(ours(points), exactly.astype(float), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@elementwise
def test_half_precision_is_computed_in_float32_and_rounded_once(name, dtype):
    ours, x = jax.jit(CASES[name].ours), jnp.linspace(-12, 12, 301, dtype=dtype)
    rounded = lambda function: function(x.astype(jnp.float32)).astype(dtype)
    assert ours(x).dtype == dtype
    np.testing.assert_array_equal(ours(x), rounded(ours))
    np.testing.assert_array_equal(jax.jit(reverse(ours))(x), rounded(jax.jit(reverse(ours))))


@pytest.mark.parametrize("x", [3, True, 1j, np.arange(3), jnp.arange(3, dtype=jnp.uint8)])
@pytest.mark.parametrize("name", [*CASES, *SOFTMAXES])
def test_refuses_what_is_not_floating(name, x):
    function = CASES[name].ours if name in CASES else getattr(activations, name)
    with pytest.raises(
        TypeError, match=f"{name.partition('(')[0]}: x must be a floating array, got"
    ):
        function(x)


def test_the_oracle_counts_units_in_the_last_place():
    thirds = exact(lambda x: x / 3, np.float32([1, 2]))
    values = np.float32([1 / 3, 2 / 3])
    assert_ulps(values, thirds, bound=0.5)
    with pytest.raises(
        AssertionError, match=r"2 of 2 are off .* index \[\d\], by 5.33 units for 4"
    ):
        assert_ulps(values + 5 * np.spacing(values), thirds)
    assert_ulps(values + 5 * np.spacing(values), thirds, other=values - 6 * np.spacing(values))
