"""Losses against exact values in float32, and their means against those that PyTorch takes."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mpmath import mp

from jaxnn import losses
from tests.loss_cases import CASES, WEIGHTS, cases, classes, log_softmax, numbers, yes_or_no
from tests.oracle import assert_ulps, exact

IGNORED = 3


def drawn(case, dtype, scale=3.0, batch=40, seed=0):
    """Outputs and targets as NumPy arrays, floats in the dtype."""
    pair = case.draw(np.random.default_rng(seed), scale, batch)
    return tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in pair)


def value_and_gradient(case, outputs, targets, weights):
    """Of ours: a loss per example, and the gradient of their weighted sum."""
    values, pull = jax.vjp(lambda x: case.ours(x, jnp.array(targets)), jnp.array(outputs))
    return values, pull(jnp.array(weights, values.dtype))[0]


def torch_value_and_gradient(case, outputs, targets, weights):
    x = torch.tensor(outputs, requires_grad=True)
    values = case.theirs(x, torch.tensor(targets))
    values.backward(torch.tensor(weights, dtype=values.dtype))
    return values.detach().numpy(), x.grad.numpy()


def test_every_loss_has_a_case():
    public = {
        name
        for name, function in inspect.getmembers(losses, inspect.isfunction)
        if function.__module__ == losses.__name__ and not name.startswith("_")
    }
    assert public - {"mean"} == {name.split()[0] for name in CASES}


@cases
@pytest.mark.parametrize("scale", [1e-3, 1.0, 20.0, 1e4])
def test_is_right_to_four_units_in_float32(case, scale):
    outputs, targets = drawn(case, np.float32, scale)
    theirs, _ = torch_value_and_gradient(case, outputs, targets, np.ones(len(outputs)))
    exactly = np.frompyfunc(lambda x: mp.mpf(float(x)), 1, 1)
    examples = [
        (exactly(x), y if np.ndim(y) == 0 else exactly(y))
        for x, y in zip(outputs, targets, strict=True)
    ]
    expected = np.array([case.exact(*example) for example in examples], dtype=object)
    largest_term = case.largest_term or (lambda *_: 0)
    terms = np.array([largest_term(*example) for example in examples])
    values = np.asarray(case.ours(jnp.array(outputs), jnp.array(targets)))
    assert values.dtype == np.float32
    finite = expected < mp.inf
    np.testing.assert_array_equal(np.isfinite(values), finite)
    assert_ulps(values[finite], expected[finite], other=theirs[finite], terms=terms[finite])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 20.0])
def test_gradients_are_right_to_four_units_in_float32(name, scale):
    """In units of the largest in an example; of 1 where it is the difference of probabilities."""
    outputs, targets = drawn(CASES[name], np.float32, scale)
    weights = np.ones(len(outputs))
    _, gradient = value_and_gradient(CASES[name], outputs, targets, weights)
    _, theirs = torch_value_and_gradient(CASES[name], outputs, targets, weights)
    wide = [x.astype(np.float64) if x.dtype == np.float32 else x for x in (outputs, targets)]
    expected = np.array(value_and_gradient(CASES[name], *wide, weights)[1])
    least = 1 if name.startswith("softmax") else 0
    terms = np.abs(expected).max(1, keepdims=True, initial=least) + np.zeros(expected.shape)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(gradient), finite)
    expected = exact(lambda x: x, expected[finite])
    assert_ulps(gradient[finite], expected, other=theirs[finite], terms=terms[finite])


@cases
def test_jit_and_vmap_change_nothing(case):
    outputs, targets = map(jnp.array, drawn(case, np.float64))
    expected = case.ours(outputs, targets)
    one_by_one = jax.vmap(lambda x, target: case.ours(x[None], target[None])[0])
    for values in (jax.jit(case.ours)(outputs, targets), one_by_one(outputs, targets)):
        np.testing.assert_allclose(values, expected, rtol=1e-14, strict=True)


MEANS = {
    "cross-entropy": (
        lambda x, y: losses.mean(losses.softmax_cross_entropy(x, y)),
        F.cross_entropy,
        classes,
    ),
    "smoothed": (
        lambda x, y: losses.mean(losses.softmax_cross_entropy(x, y, label_smoothing=0.1)),
        partial(F.cross_entropy, label_smoothing=0.1),
        classes,
    ),
    "class weights": (
        lambda x, y: losses.mean(losses.softmax_cross_entropy(x, y), jnp.array(WEIGHTS)[y]),
        partial(F.cross_entropy, weight=torch.tensor(WEIGHTS)),
        classes,
    ),
    "ignored": (
        lambda x, y: losses.mean(
            losses.softmax_cross_entropy(x, y, ignore_label=IGNORED), y != IGNORED
        ),
        partial(F.cross_entropy, ignore_index=IGNORED),
        classes,
    ),
    "class weights, ignored": (
        lambda x, y: (
            jnp.sum(
                losses.softmax_cross_entropy(
                    x, y, class_weights=jnp.array(WEIGHTS), ignore_label=IGNORED
                )
            )
            / jnp.sum(jnp.where(y == IGNORED, 0, jnp.array(WEIGHTS)[y]))
        ),
        partial(F.cross_entropy, weight=torch.tensor(WEIGHTS), ignore_index=IGNORED),
        classes,
    ),
    "kl": (
        lambda x, y: losses.mean(losses.kl_divergence(x, y)),
        partial(F.kl_div, reduction="batchmean"),
        log_softmax,
    ),
    "squared error": (
        lambda x, y: losses.mean(losses.squared_error(x, y)),
        F.mse_loss,
        numbers,
    ),
    "binary": (
        lambda x, y: losses.mean(losses.sigmoid_binary_cross_entropy(x, y)),
        F.binary_cross_entropy_with_logits,
        yes_or_no,
    ),
}


@pytest.mark.parametrize(("ours", "theirs", "draw"), MEANS.values(), ids=MEANS)
def test_the_mean_is_pytorchs(ours, theirs, draw):
    outputs, targets = draw(np.random.default_rng(2), 3.0, 40)
    value, gradient = jax.value_and_grad(ours)(jnp.array(outputs), jnp.array(targets))
    x = torch.tensor(outputs, requires_grad=True)
    expected = theirs(x, torch.tensor(targets))
    expected.backward()
    np.testing.assert_allclose(value, expected.item(), rtol=1e-10)
    np.testing.assert_allclose(gradient, x.grad.numpy(), rtol=1e-10)
