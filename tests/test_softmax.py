"""Softmax and log softmax: exact to units in the last place however far apart the logits are."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jax.test_util import check_grads
from mpmath import mp

from jaxnn import activations
from tests.oracle import assert_ulps, exact

rowwise = pytest.mark.parametrize("name", ["softmax", "log_softmax"])


def probabilities(row: list) -> list:
    """The exact softmax of a row of logits."""
    highest = max(row)
    exponentials = [mp.exp(x - highest) for x in row]
    total = mp.fsum(exponentials)
    return [e / total for e in exponentials]


def log_probabilities(row: list) -> list:
    """The exact log softmax: the highest logit's sum over the others is not added to its own 1."""
    highest = row.index(max(row))
    others = mp.fsum(mp.exp(x - row[highest]) for i, x in enumerate(row) if i != highest)
    return [x - row[highest] - mp.log1p(others) for x in row]


def by_row(function: Callable, logits: np.ndarray) -> np.ndarray:
    rows = exact(lambda x: x, logits).tolist()
    return np.array([function(row) for row in rows], dtype=object)


EXACT = {"softmax": probabilities, "log_softmax": log_probabilities}


@pytest.mark.parametrize("compiled", [lambda f: f, jax.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("classes", [1, 2, 10, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@rowwise
def test_rows_are_exact_to_units_in_the_last_place(name, dtype, classes, compiled):
    function = compiled(getattr(activations, name))
    for scale in (1e-3, 1, 10, 30, 1e4):
        normal = np.random.default_rng(classes).normal(size=(1 + 100 // classes, classes))
        logits = (normal * scale).astype(dtype)
        assert function(logits).dtype == dtype
        assert_ulps(function(logits), by_row(EXACT[name], logits))


@pytest.mark.parametrize(
    "row",
    [
        [1e4, -1e4, 1e4 - 1],
        [0, -20, -40, -80],
        [-1e4, -1e4 - 60],
        [3e38, -3e38, 1],
        [2, 2, 2],
        [0.1, 0.1 - 1e-6],
    ],
)
@rowwise
def test_extreme_rows_are_exact(name, row):
    logits = np.float32([row])
    assert_ulps(getattr(activations, name)(logits), by_row(EXACT[name], logits))


@pytest.mark.parametrize("derivative", [jax.jacrev, jax.jacfwd])
@rowwise
def test_jacobians_of_rows_are_exact(name, derivative):
    """Each entry is a product or a difference of two numbers: twice the units, of the larger."""
    jacobian = jax.jit(derivative(getattr(activations, name)))
    for scale in (1, 10, 30):
        row = (np.random.default_rng(scale).normal(size=5) * scale).astype(np.float32)
        p = by_row(probabilities, row[None])[0]
        first, second = (np.diag(p), np.outer(p, p)) if name == "softmax" else (np.eye(5), p)
        terms = np.maximum(first, second + 0 * first)
        assert_ulps(jacobian(row), first - second, bound=8, terms=terms)


@rowwise
def test_rows_with_infinities_and_nan(name):
    row = np.float32([[0, -np.inf, 0], [np.nan, 0, 1], [-np.inf, -np.inf, -np.inf], [np.inf, 0, 1]])
    other = getattr(torch, name)(torch.tensor(row), -1)
    np.testing.assert_array_equal(jnp.isnan(getattr(activations, name)(row)), torch.isnan(other))
    np.testing.assert_array_equal(getattr(activations, name)(row)[0, 1], other[0, 1])
    slopes = jax.grad(lambda x: getattr(activations, name)(x)[0])(row[0])
    np.testing.assert_array_equal(slopes, [0.25, 0, -0.25] if name == "softmax" else [0.5, 0, -0.5])


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@rowwise
def test_axis_is_pytorchs_dim(name, axis):
    x = np.random.default_rng(0).normal(size=(2, 3, 4)) * 5
    inputs = torch.tensor(x, requires_grad=True)
    values = getattr(torch, name)(inputs, axis)
    (values * torch.tensor(x**2)).sum().backward()
    loss = lambda y: jnp.sum(getattr(activations, name)(y, axis) * x**2)
    close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-13, equal_nan=False)
    close(getattr(activations, name)(x, axis), values.detach().numpy())
    close(jax.grad(loss)(x), inputs.grad.numpy())


@rowwise
def test_rows_have_right_second_derivatives(name):
    x = np.array([0.3, -1.2, 0.3, 2.0])
    check_grads(getattr(activations, name), (x,), order=2, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@rowwise
def test_rows_of_half_precision_are_computed_in_float32(name, dtype):
    function, x = getattr(activations, name), jnp.linspace(-12, 12, 7, dtype=dtype)
    assert function(x).dtype == dtype
    np.testing.assert_array_equal(function(x), function(x.astype(jnp.float32)).astype(dtype))
