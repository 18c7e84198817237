"""Initialisers for any key and shape: bounds, moments within what chance allows, the same bits."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnn import initializers
from tests.properties.draws import each_dtype, few, keys, some

STD = 0.5
TRUNCATED = 0.8796256610342398  # the standard deviation of a normal cut off at two of its own
SHAPES = [(64, 48), (2, 32, 48)]


class Case(NamedTuple):
    """An initialiser, its standard deviation for (in, out), its bound in such, its kurtosis."""

    initializer: Callable
    std: Callable[[int, int], float]
    bound: float
    kurtosis: float


NORMAL = {"bound": math.inf, "kurtosis": 3.0}
CUT = {"bound": 2 / TRUNCATED, "kurtosis": 2.4}
UNIFORM = {"bound": math.sqrt(3), "kurtosis": 1.8}
CASES = {
    "normal": Case(initializers.normal(STD), lambda i, o: STD, **NORMAL),
    "truncated_normal": Case(
        initializers.truncated_normal(STD), lambda i, o: TRUNCATED * STD, **CUT
    ),
    "uniform": Case(initializers.uniform(STD), lambda i, o: STD / math.sqrt(3), **UNIFORM),
    "lecun_normal": Case(initializers.lecun_normal, lambda i, o: i**-0.5, **CUT),
    "lecun_uniform": Case(initializers.lecun_uniform, lambda i, o: i**-0.5, **UNIFORM),
    "glorot_normal": Case(initializers.glorot_normal, lambda i, o: (2 / (i + o)) ** 0.5, **CUT),
    "glorot_uniform": Case(
        initializers.glorot_uniform, lambda i, o: (2 / (i + o)) ** 0.5, **UNIFORM
    ),
    "he_normal": Case(initializers.he_normal, lambda i, o: (2 / i) ** 0.5, **CUT),
    "he_uniform": Case(initializers.he_uniform, lambda i, o: (2 / i) ** 0.5, **UNIFORM),
    "torch_linear": Case(initializers.torch_linear, lambda i, o: (3 * i) ** -0.5, **UNIFORM),
    "torch_linear_bias": Case(
        initializers.torch_linear_bias(64), lambda i, o: (3 * 64) ** -0.5, **UNIFORM
    ),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)

FIXED = {"zeros": initializers.zeros, "constant": initializers.constant(0.25)}
ALL = {name: case.initializer for name, case in CASES.items()}
ALL |= {**FIXED, "orthogonal": initializers.orthogonal}


@cases
@few
@given(key=keys, shape=st.sampled_from(SHAPES))
def test_moments_are_within_five_standard_errors_and_values_within_the_bound(case, key, shape):
    values = np.asarray(case.initializer(key, shape), np.float64)
    *outer, fan_in, fan_out = shape
    std = case.std(math.prod(outer) * fan_in, math.prod(outer) * fan_out)
    assert abs(values.mean()) < 5 * std / math.sqrt(values.size)
    error_of_variance = std**2 * math.sqrt((case.kurtosis - 1) / values.size)
    assert abs(np.mean(values**2) - std**2) < 5 * error_of_variance
    assert abs(values).max() <= case.bound * std * (1 + 1e-6)
    if case.bound < math.inf:
        assert abs(values).max() > 0.95 * case.bound * std


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [jnp.bfloat16], ids=["bfloat16"])  # float32 is above
@few
@given(key=keys, shape=st.sampled_from([(1, 1), (2, 3, 4)]))
def test_a_key_gives_the_same_bits_each_time_and_another_key_others(name, dtype, key, shape):
    values = ALL[name](key, shape, dtype)
    assert (values.shape, values.dtype) == (shape, dtype)
    assert jnp.isfinite(values).all()
    np.testing.assert_array_equal(values, ALL[name](key, shape, dtype))
    if values.size > 1 and name not in FIXED:
        assert (values != ALL[name](jax.random.fold_in(key, 0), shape, dtype)).any()


@some
@given(key=keys, value=st.floats(-1e30, 1e30))
def test_fixed_values_do_not_depend_on_the_key(key, value):
    np.testing.assert_array_equal(initializers.zeros(key, (3, 2)), np.zeros((3, 2)))
    given = initializers.constant(value)(key, (3, 2))
    np.testing.assert_array_equal(given, np.full((3, 2), value, np.float32))


@each_dtype
@few
@given(key=keys, shape=st.sampled_from([(1, 1), (3, 5), (5, 3), (4, 4)]))
def test_rows_or_columns_are_orthonormal(dtype, key, shape):
    matrix = np.asarray(initializers.orthogonal(key, shape, dtype), np.float64)
    gram = matrix @ matrix.T if shape[0] <= shape[1] else matrix.T @ matrix
    room = 8 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=room)


@some
@given(key=keys, factor=st.sampled_from([2.0**-20, 0.25, 8.0]))
def test_a_scale_only_scales(key, factor):
    for initializer in (
        initializers.normal, initializers.truncated_normal, initializers.uniform,
    ):  # fmt: skip
        np.testing.assert_array_equal(
            initializer(factor)(key, (3, 2)), factor * initializer(1.0)(key, (3, 2))
        )
