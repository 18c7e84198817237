"""Initialisers: their distributions, their agreement with JAX's and PyTorch's, what they refuse."""

import inspect
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from scipy import stats

from jaxnn import initializers
from jaxnn.typing import Initializer

KEY = jax.random.key(0)
IN, OUT = 300, 200


class Case(NamedTuple):
    """An initialiser, the distribution of its values in a kernel (300, 200), and JAX's own."""

    ours: Initializer
    distribution: object
    jax: Callable | None


def truncated(std: float) -> object:
    """A normal without what lies beyond ±2, scaled to that standard deviation."""
    return stats.truncnorm(-2, 2, scale=std / stats.truncnorm(-2, 2).std())


def symmetric(bound: float) -> object:
    return stats.uniform(-bound, 2 * bound)


JAXS = jax.nn.initializers
CASES = {
    "normal": Case(initializers.normal(0.01), stats.norm(scale=0.01), JAXS.normal(0.01)),
    "truncated_normal": Case(
        initializers.truncated_normal(0.01),
        stats.truncnorm(-2, 2, scale=0.01),
        JAXS.truncated_normal(0.01),
    ),
    "uniform": Case(initializers.uniform(0.1), symmetric(0.1), None),
    "lecun_normal": Case(
        initializers.lecun_normal, truncated(np.sqrt(1 / IN)), JAXS.lecun_normal()
    ),
    "lecun_uniform": Case(
        initializers.lecun_uniform, symmetric(np.sqrt(3 / IN)), JAXS.lecun_uniform()
    ),
    "glorot_normal": Case(
        initializers.glorot_normal, truncated(np.sqrt(2 / (IN + OUT))), JAXS.glorot_normal()
    ),
    "glorot_uniform": Case(
        initializers.glorot_uniform, symmetric(np.sqrt(6 / (IN + OUT))), JAXS.glorot_uniform()
    ),
    "he_normal": Case(initializers.he_normal, truncated(np.sqrt(2 / IN)), JAXS.he_normal()),
    "he_uniform": Case(initializers.he_uniform, symmetric(np.sqrt(6 / IN)), JAXS.he_uniform()),
    "torch_linear": Case(initializers.torch_linear, symmetric(1 / np.sqrt(IN)), None),
    "torch_linear_bias": Case(initializers.torch_linear_bias(IN), symmetric(1 / np.sqrt(IN)), None),
}
ONE_VALUE = {
    "zeros": (initializers.zeros, 0.0, JAXS.zeros),
    "constant": (initializers.constant(-0.5), -0.5, JAXS.constant(-0.5)),
}
EVERY = (
    {name: case.ours for name, case in CASES.items()}
    | {name: row[0] for name, row in ONE_VALUE.items()}
    | {"orthogonal": initializers.orthogonal}
)
SCALED = {
    "lecun_normal": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1 / fan_in,
    "glorot_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "glorot_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he_normal": lambda fan_in, fan_out: 2 / fan_in,
    "he_uniform": lambda fan_in, fan_out: 2 / fan_in,
    "torch_linear": lambda fan_in, fan_out: 1 / (3 * fan_in),
}
"""The variances of those whose scale follows from the shape."""

random = pytest.mark.parametrize("name", CASES)
every = pytest.mark.parametrize("name", EVERY)


def test_every_public_initialiser_has_a_row():
    public = {
        name
        for name, value in vars(initializers).items()
        if inspect.isfunction(value) and value.__module__ == initializers.__name__
    }
    assert {name for name in public if not name.startswith("_")} == {*EVERY}


@random
def test_values_follow_their_distribution(name):
    case = CASES[name]
    values = np.asarray(case.ours(KEY, (IN, OUT)), float).ravel()
    assert stats.kstest(values, case.distribution.cdf).pvalue > 0.01
    low, high = case.distribution.support()
    assert low * (1 + 1e-6) <= values.min()
    assert values.max() <= high * (1 + 1e-6)
    # Five standard errors of the mean, and of the standard deviation.
    std, n = case.distribution.std(), values.size
    kurtosis = case.distribution.stats("k") + 3
    assert abs(values.mean()) < 5 * std / np.sqrt(n)
    assert abs(values.std() / std - 1) < 5 * np.sqrt((kurtosis - 1) / (4 * n))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.jax])
def test_bits_are_those_of_jax(name):
    case, shape = CASES[name], (5, 3, 4)
    np.testing.assert_array_equal(case.ours(KEY, shape), case.jax(KEY, shape, jnp.float32))


@pytest.mark.parametrize("name", ONE_VALUE)
def test_one_value_everywhere(name):
    ours, value, jaxs = ONE_VALUE[name]
    np.testing.assert_array_equal(ours(KEY, (2, 3)), np.full((2, 3), value))
    np.testing.assert_array_equal(ours(KEY, (2, 3)), jaxs(KEY, (2, 3)))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float64])
@every
def test_shape_and_dtype_are_those_asked_for(name, dtype):
    values = EVERY[name](KEY, (4, 3), dtype)
    assert values.shape == (4, 3)
    assert values.dtype == dtype


@every
def test_the_same_key_gives_the_same_bits_and_another_key_others(name):
    first, again, other = (EVERY[name](jax.random.key(seed), (4, 3)) for seed in (1, 1, 2))
    assert first.dtype == jnp.float32
    np.testing.assert_array_equal(first, again)
    assert bool((first != other).all()) == (name not in ONE_VALUE)


@pytest.mark.parametrize("shape", [(40, 40), (60, 40), (40, 60), (3, 5, 40)])
def test_orthogonal_matrices_are_orthogonal(shape):
    matrix = initializers.orthogonal(KEY, shape, jnp.float64).reshape(-1, shape[-1])
    small = matrix @ matrix.T if len(matrix) < shape[-1] else matrix.T @ matrix
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-13)
    np.testing.assert_array_equal(
        initializers.orthogonal(KEY, shape), JAXS.orthogonal()(KEY, shape, jnp.float32)
    )


@pytest.mark.parametrize("parameter", ["weight", "bias"])
def test_torch_linear_draws_as_pytorchs_linear(parameter):
    torch.manual_seed(0)
    other = getattr(torch.nn.Linear(100, 5000), parameter).detach().numpy()
    ours = {
        "weight": initializers.torch_linear(KEY, (100, 5000)),
        "bias": initializers.torch_linear_bias(100)(KEY, (5000,)),
    }[parameter]
    assert stats.ks_2samp(np.ravel(ours), other.ravel()).pvalue > 0.01


@pytest.mark.parametrize("name", SCALED)
def test_leading_sizes_multiply_the_numbers_of_inputs_and_outputs(name):
    values = EVERY[name](KEY, (3, 3, 50, 30), jnp.float64)
    assert abs(float(values.var()) / SCALED[name](9 * 50, 9 * 30) - 1) < 0.05


@pytest.mark.parametrize(
    ("initializer", "name"),
    [
        (initializers.zeros, "zeros"),
        (initializers.he_normal, "he_normal"),
        (initializers.constant(0.5), "constant(0.5)"),
        (initializers.normal(0.01), "normal(0.01)"),
        (initializers.truncated_normal(1e-3), "truncated_normal(0.001)"),
        (initializers.uniform(2), "uniform(2)"),
        (initializers.torch_linear_bias(784), "torch_linear_bias(784)"),
    ],
)
def test_each_has_a_name_to_print(initializer, name):
    assert initializer.__name__ == name


def test_a_traced_setting_passes():
    draw = jax.jit(lambda std: initializers.normal(std)(KEY, (3,)))
    np.testing.assert_allclose(draw(0.5), initializers.normal(0.5)(KEY, (3,)), rtol=1e-6)


@every
def test_refuses_a_size_of_zero(name):
    with pytest.raises(ValueError, match=r"expected sizes of at least 1, got shape \(3, 0\)"):
        EVERY[name](KEY, (3, 0))


@every
def test_refuses_a_dtype_that_is_not_floating(name):
    with pytest.raises(TypeError, match="expected a floating dtype, got int8"):
        EVERY[name](KEY, (3, 2), jnp.int8)


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("name", [*SCALED, "orthogonal"])
def test_refuses_a_rank_without_inputs_and_outputs(name, shape):
    with pytest.raises(ValueError, match=rf"{name}: expected a shape \(..., in, out\), got \("):
        EVERY[name](KEY, shape)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (
            lambda: initializers.normal(-1.0),
            r"normal: std must be a number in \[0, inf\), got -1.0",
        ),
        (lambda: initializers.truncated_normal(np.nan), "truncated_normal: std must be"),
        (lambda: initializers.uniform(np.inf), "uniform: bound must be"),
        (lambda: initializers.torch_linear_bias(0), "in_size must be a whole number of at least 1"),
    ],
)
def test_refuses_settings_outside_their_range(make, what):
    with pytest.raises(ValueError, match=what):
        make()


def test_compiled_as_one_program_they_give_the_same_bits():
    draw_all = lambda key: {name: init(key, (7, 5), jnp.float32) for name, init in EVERY.items()}
    jax.tree.map(np.testing.assert_array_equal, jax.jit(draw_all)(KEY), draw_all(KEY))
