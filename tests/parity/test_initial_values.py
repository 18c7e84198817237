"""How initial values were drawn is told from the numbers alone."""

from functools import partial

import jax
import numpy as np
import pytest
import torch
from torch import nn

from torch_port.parity.settings.initial_values import identify

DRAWN_BY_JAX = {
    "LeCun normal (truncated)": jax.nn.initializers.lecun_normal(),
    "He normal (truncated)": jax.nn.initializers.he_normal(),
    "Glorot uniform": jax.nn.initializers.glorot_uniform(),
    "LeCun uniform": jax.nn.initializers.lecun_uniform(),
    "uniform ±1/√fan_in": jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform"),
    "N(0, 0.02²) truncated at ±2σ": jax.nn.initializers.truncated_normal(0.02),
    "LeCun normal (truncated, std not corrected)": jax.nn.initializers.truncated_normal(784**-0.5),
    "orthogonal": jax.nn.initializers.orthogonal(),
    "zeros": jax.nn.initializers.zeros,
    "constant 0.25": jax.nn.initializers.constant(0.25),
}


@pytest.mark.parametrize("name", DRAWN_BY_JAX)
def test_what_jax_draws_is_recognised(name):
    values = DRAWN_BY_JAX[name](jax.random.key(0), (784, 256))
    assert identify(np.asarray(values), 784, 256) == name


DRAWN_BY_TORCH = {
    "Glorot normal": nn.init.xavier_normal_,
    "He normal": nn.init.kaiming_normal_,
    "He uniform": partial(nn.init.kaiming_uniform_, nonlinearity="relu"),
    "He normal by fan_out": partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"),
    "N(0, 0.02²)": partial(nn.init.trunc_normal_, std=0.02),
    "N(0, 1)": nn.init.normal_,
}


@pytest.mark.parametrize("name", DRAWN_BY_TORCH)
def test_what_torch_draws_is_recognised(name):
    torch.manual_seed(0)
    weight = DRAWN_BY_TORCH[name](torch.empty(256, 784))
    assert identify(weight.numpy().T, 784, 256) == name


def test_trained_values_are_unknown_and_few_are_several():
    values = np.random.default_rng(0).uniform(-1, 1, (200, 50))
    assert identify(np.sign(values) + values, 200, 50) == "unknown"
    assert identify(0.1 * values[:1, :4], 100, 4) == "several"
