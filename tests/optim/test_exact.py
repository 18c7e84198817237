"""Agreement with the published algorithms, written here a second time in NumPy's float64.

In float64 to rounding. In float32, under JAX's defaults, within 4 units in the last place, or
PyTorch's own distance from the exact values on the same gradients where that is larger. Gradients
are positive for that, since a moment that crosses zero has no relative precision in any library.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxnn import optim
from jaxnn.optim.averages import debias_factor

STEPS, SIZE = 20, 2048
RATE, DECAY = 0.1, 0.01
SCALES = [1.0, 1e-3, 1e-6]


def sgd(gradients, theta, momentum=0.0, nesterov=False):
    m = 0.0
    for g in gradients:
        m = g + momentum * m
        yield -RATE * (g + momentum * m if nesterov else m)


def rmsprop(gradients, theta, decay=0.9, eps=1e-8, inside=True):
    v = 0.0
    for g in gradients:
        v = decay * v + (1 - decay) * g**2
        yield -RATE * g / (np.sqrt(v + eps) if inside else np.sqrt(v) + eps)


def adagrad(gradients, theta, start=0.1, eps=1e-7, inside=True):
    s = start
    for g in gradients:
        s = s + g**2
        yield -RATE * g / (np.sqrt(s + eps) if inside else np.sqrt(s) + eps)


def adam(gradients, theta, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.0, variant="adam"):
    m = v = largest = 0.0
    for t, g in enumerate(gradients, start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        if variant == "nadam":
            m_hat = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
        if variant == "amsgrad":
            v_hat = largest = np.maximum(largest, v_hat)
        if variant == "amsgrad of PyTorch":  # the largest of the uncorrected
            largest = np.maximum(largest, v)
            v_hat = largest / (1 - b2**t)
        yield -RATE * (m_hat / (np.sqrt(v_hat) + eps) + weight_decay * theta)


def nadam_of_pytorch(gradients, theta, b1=0.9, b2=0.999, eps=1e-8):
    m, v, product = 0.0, 0.0, 1.0
    for t, g in enumerate(gradients, start=1):
        mu, mu_next = (b1 * (1 - 0.5 * 0.96 ** (0.004 * s)) for s in (t, t + 1))
        product *= mu
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        yield -RATE * m_hat / (np.sqrt(v / (1 - b2**t)) + eps)


class Row(NamedTuple):
    """Ours, its equation, PyTorch's nearest, and that one's equation if it is another."""

    ours: object
    exact: object
    torch: object
    torch_exact: object = None


ROWS = {
    "sgd": Row(optim.sgd(RATE), sgd, lambda p: torch.optim.SGD(p, RATE)),
    "momentum": Row(
        optim.sgd(RATE, 0.9),
        lambda *x: sgd(*x, momentum=0.9),
        lambda p: torch.optim.SGD(p, RATE, momentum=0.9),
    ),
    "nesterov": Row(
        optim.sgd(RATE, 0.9, nesterov=True),
        lambda *x: sgd(*x, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, RATE, momentum=0.9, nesterov=True),
    ),
    "rmsprop": Row(
        optim.rmsprop(RATE),
        rmsprop,
        lambda p: torch.optim.RMSprop(p, RATE, alpha=0.9),
        lambda *x: rmsprop(*x, inside=False),
    ),
    "rmsprop, epsilon outside": Row(
        optim.rmsprop(RATE, eps_in_sqrt=False),
        lambda *x: rmsprop(*x, inside=False),
        lambda p: torch.optim.RMSprop(p, RATE, alpha=0.9),
    ),
    "adagrad": Row(
        optim.adagrad(RATE),
        adagrad,
        lambda p: torch.optim.Adagrad(p, RATE, initial_accumulator_value=0.1, eps=1e-7),
        lambda *x: adagrad(*x, inside=False),
    ),
    "adam": Row(optim.adam(RATE), adam, lambda p: torch.optim.Adam(p, RATE)),
    "adamw": Row(
        optim.adamw(RATE, weight_decay=DECAY),
        lambda *x: adam(*x, weight_decay=DECAY),
        lambda p: torch.optim.AdamW(p, RATE, weight_decay=0.0),  # its θ is 0 in the test below
        adam,
    ),
    "nadam": Row(
        optim.nadam(RATE),
        lambda *x: adam(*x, variant="nadam"),
        lambda p: torch.optim.NAdam(p, RATE),
        nadam_of_pytorch,
    ),
    "amsgrad": Row(
        optim.amsgrad(RATE),
        lambda *x: adam(*x, variant="amsgrad"),
        lambda p: torch.optim.Adam(p, RATE, amsgrad=True),
        lambda *x: adam(*x, variant="amsgrad of PyTorch"),
    ),
}

rows = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())


def updates_of(optimizer, gradients, theta) -> np.ndarray:
    def step(state, g):
        updates, state = optimizer.update(g, state, jnp.asarray(theta))
        return state, updates

    return np.asarray(jax.lax.scan(step, optimizer.init(jnp.asarray(theta)), gradients)[1])


def updates_of_pytorch(factory, gradients) -> np.ndarray:
    """What each step adds, seen by starting each from a parameter of 0."""
    parameter = torch.zeros(SIZE, requires_grad=True)
    optimizer = factory([parameter])
    updates = []
    for g in gradients:
        parameter.data.zero_()
        parameter.grad = torch.tensor(g)
        optimizer.step()
        updates.append(parameter.detach().numpy().copy())
    return np.stack(updates)


def ulps(updates, exact) -> float:
    """The largest error in units in the last place of float32 at the exact value."""
    unit = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    return (np.abs(updates.astype(np.float64) - exact) / unit).max()


@rows
@pytest.mark.parametrize("scale", SCALES)
def test_float64_agrees_to_rounding(row, scale):
    random = np.random.default_rng(0)
    gradients = scale * random.normal(size=(STEPS, SIZE))
    theta = random.normal(size=SIZE)
    exact = np.stack([*row.exact(gradients, theta)])
    np.testing.assert_allclose(
        updates_of(row.ours, gradients, theta), exact, rtol=1e-12, atol=1e-13 * np.abs(exact).max()
    )


@rows
def test_float32_is_as_near_as_pytorch(row):
    ours, pytorchs = [], []
    for seed, scale in itertools.product(range(3), SCALES):
        random = np.random.default_rng(seed)
        gradients = np.abs(scale * random.normal(size=(STEPS, SIZE))).astype(np.float32)
        doubles = gradients.astype(np.float64)
        with jax.enable_x64(False):
            updates = updates_of(row.ours, gradients, np.zeros(SIZE, np.float32))
        assert updates.dtype == np.float32
        ours.append(ulps(updates, np.stack([*row.exact(doubles, 0.0)])))
        pytorch_exact = np.stack([*(row.torch_exact or row.exact)(doubles, 0.0)])
        pytorchs.append(ulps(updates_of_pytorch(row.torch, gradients), pytorch_exact))
    assert max(ours) <= max(4, *pytorchs)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999])
def test_the_factor_that_debiases_is_right_to_the_last_digits(decay):
    steps = np.unique(np.logspace(0, 6, 400).astype(np.int32))
    with np.errstate(divide="ignore"):
        exact = -1 / np.expm1(steps * np.log(decay))
    factor = jax.vmap(lambda step: debias_factor(decay, step))
    np.testing.assert_allclose(factor(jnp.asarray(steps)), exact, rtol=1e-13)
    with jax.enable_x64(False):
        assert ulps(np.asarray(jax.jit(factor)(jnp.asarray(steps))), exact) <= 3
