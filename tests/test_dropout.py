"""Dropout: how much it drops, how it scales, and that its masks are functions of the key alone."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxnn import layers

KEY = jax.random.key(0)
RATES = [0.0, 0.1, 0.5, 0.9]


def drop(x, rate, key=KEY):
    return layers.dropout(rate).apply({}, {}, x, key=key, train=True)[0]


@pytest.mark.parametrize("rate", RATES)
def test_keeps_a_share_of_1_minus_rate(rate):
    n = 100_000
    kept = float(layers.keep_mask(KEY, rate, (n,)).mean())
    assert abs(kept - (1 - rate)) <= 4 * math.sqrt(rate * (1 - rate) / n)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scales_what_it_keeps(rate, dtype):
    x = jnp.linspace(-1, 1, 1000, dtype=dtype)
    y, mask = drop(x, rate), layers.keep_mask(KEY, rate, x.shape)
    np.testing.assert_allclose(y[mask], x[mask] / (1 - rate), rtol=2 * jnp.finfo(dtype).eps)
    assert not y[~mask].any()
    assert y.dtype == dtype


def test_a_rate_of_0_changes_nothing():
    x = jnp.linspace(-1, 1, 1000)
    np.testing.assert_array_equal(drop(x, 0.0), x)


def test_drops_what_is_not_finite():
    x = jnp.full(100, jnp.nan)
    assert not drop(x, 0.5)[~layers.keep_mask(KEY, 0.5, x.shape)].any()


def test_evaluation_changes_nothing_and_needs_no_key():
    x = jnp.linspace(-1, 1, 1000)
    y, state = layers.dropout(0.5).apply({}, {}, x)
    assert y is x
    assert state == {}


def test_training_without_a_key_is_an_error():
    with pytest.raises(ValueError, match=r"^dropout: training draws a mask and needs a key"):
        layers.dropout(0.5).apply({}, {}, jnp.ones(3), train=True)


def test_the_mask_is_a_function_of_key_and_shape():
    mask = layers.keep_mask(KEY, 0.3, (64, 50))
    for dtype in ("float32", "float64"):
        np.testing.assert_array_equal(drop(jnp.ones((64, 50), dtype), 0.3) != 0, mask)
    for x64 in (False, True):
        with jax.enable_x64(x64):
            for draw in (layers.keep_mask, jax.jit(layers.keep_mask, static_argnums=2)):
                np.testing.assert_array_equal(draw(KEY, 0.3, (64, 50)), mask)
    assert (layers.keep_mask(jax.random.key(1), 0.3, (64, 50)) != mask).any()


def test_a_lower_rate_keeps_what_a_higher_one_keeps():
    """So that a sweep over rates compares like with like."""
    low, high = (layers.keep_mask(KEY, rate, (1000,)) for rate in (0.2, 0.6))
    assert (low | ~high).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate_dtype", ["float32", "float64"])
def test_a_sweep_may_trace_the_rate(dtype, rate_dtype):
    x, rates = jnp.ones(100, dtype), jnp.array([0.25, 0.5], rate_dtype)
    together = jax.jit(jax.vmap(lambda rate: drop(x, rate)))(rates)
    np.testing.assert_array_equal(together, [drop(x, 0.25), drop(x, 0.5)], strict=True)


def test_child_i_draws_from_fold_in_of_key_and_i():
    model = layers.serial(layers.dropout(0.5), layers.serial(layers.dropout(0.5)))
    x = jnp.ones(1000)
    outputs = layers.intermediates(model, *model.init(KEY), x, key=KEY, train=True)
    key = jax.random.fold_in
    first = layers.keep_mask(key(KEY, 0), 0.5, x.shape)
    second = layers.keep_mask(key(key(KEY, 1), 0), 0.5, x.shape)
    np.testing.assert_array_equal(outputs["0/dropout"], jnp.where(first, 2, 0))
    np.testing.assert_array_equal(outputs["1/0/dropout"], jnp.where(first & second, 4, 0))


def test_a_mask_can_be_handed_to_pytorch():
    """Values and gradients of a network, whose PyTorch twin multiplies with our mask."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(8, 5)), rng.normal(size=(5, 3))
    model = layers.serial(layers.dropout(0.3), layers.dense(5, 3, use_bias=False))

    def total(kernel):
        params = ({}, {"kernel": kernel})
        y, _ = model.apply(params, ({}, {}), jnp.array(x), key=KEY, train=True)
        return jnp.sum(jnp.square(y))

    value, gradient = jax.value_and_grad(total)(jnp.array(kernel))
    mask = np.array(layers.keep_mask(jax.random.fold_in(KEY, 0), 0.3, x.shape))
    weight = torch.tensor(kernel, requires_grad=True)
    expected = (torch.tensor(x) * torch.tensor(mask) / (1 - 0.3) @ weight).square().sum()
    expected.backward()
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, weight.grad.numpy(), rtol=1e-10)
