"""Where libraries differ: each convention of the Numerics table on numbers that show it."""

import inspect

import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import optim


def updates(optimizer, gradients, theta=0.0):
    """The update of every step for one number."""
    theta = jnp.asarray(theta)
    state, seen = optimizer.init(theta), []
    for g in gradients:
        u, state = optimizer.update(jnp.asarray(g), state, theta)
        seen.append(float(u))
    return seen


CONVENTIONS = {
    "sgd: momentum is undampened": (optim.sgd(1.0, 0.5), [1.0] * 3, [-1.0, -1.5, -1.75]),
    "sgd: Nesterov's adds the momentum once more": (
        optim.sgd(1.0, 0.5, nesterov=True),
        [1.0] * 3,
        [-1.5, -1.75, -1.875],
    ),
    "rmsprop: decay is 0.9 and ε, 1e-8, stands inside the root": (
        optim.rmsprop(1.0),
        [1e-4],
        [-1e-4 / np.sqrt(0.1 * 1e-8 + 1e-8)],
    ),
    "rmsprop: ε outside the root when asked": (
        optim.rmsprop(1.0, eps=1e-4, eps_in_sqrt=False),
        [1e-4],
        [-1e-4 / (np.sqrt(0.1 * 1e-8) + 1e-4)],
    ),
    "rmsprop: momentum runs over updates, learning rate included": (
        optim.rmsprop(optim.linear_schedule(1.0, 0.0, 2), decay=0.0, eps=0.0, momentum=0.5),
        [1.0] * 2,
        [-1.0, -1.0],
    ),
    "adam: ε, 1e-8, stands outside the root, after the bias correction": (
        optim.adam(1.0),
        [1e-8] * 3,
        [-0.5] * 3,
    ),
    "adam: eps_root stands inside the root, after the bias correction": (
        optim.adam(1.0, eps=0.0, eps_root=3e-8),
        [1e-4] * 3,
        [-0.5] * 3,
    ),
    "adam: decays are 0.9 and 0.999": (
        optim.adam(1.0, eps=0.0),
        [1.0, 0.0],
        [-1.0, -(0.9 * 0.1 / 0.19) / np.sqrt(0.999 * 0.001 / (1 - 0.999**2))],
    ),
    "adamw: decay is 1e-4 of the parameter, times the learning rate": (
        optim.adamw(0.1),
        [0.0] * 2,
        [-0.1 * 1e-4 * 7.0] * 2,
    ),
    "adamw: decay does not enter the moments": (
        optim.adamw(0.1, eps=0.0, weight_decay=0.5),
        [1e-6] * 2,
        [-0.1 * (1.0 + 0.5 * 7.0)] * 2,
    ),
    "before adam, decay is an L2 penalty and enters the moments": (
        optim.chain(optim.add_decayed_weights(0.5), optim.adam(0.1, eps=0.0)),
        [1e-6] * 2,
        [-0.1] * 2,
    ),
    "before sgd, decay is an L2 penalty": (
        optim.chain(optim.add_decayed_weights(0.5), optim.sgd(0.1)),
        [1.0],
        [-0.1 * (1.0 + 0.5 * 7.0)],
    ),
    "adagrad: the sum starts at 0.1 and ε, 1e-7, stands inside the root": (
        optim.adagrad(1.0),
        [1e-4],
        [-1e-4 / np.sqrt(0.1 + 1e-8 + 1e-7)],
    ),
    "amsgrad: the largest second moment is corrected first": (
        optim.amsgrad(1.0, b1=0.0, eps=0.0),
        [2.0, 1.0],
        [-1.0, -0.5],
    ),
    "schedules: the first step has rate s(0)": (
        optim.sgd(optim.linear_schedule(1.0, 0.0, 4)),
        [1.0] * 5,
        [-1.0, -0.75, -0.5, -0.25, -0.0],
    ),
}


@pytest.mark.parametrize("case", CONVENTIONS.values(), ids=CONVENTIONS.keys())
def test_convention(case):
    optimizer, gradients, expected = case
    np.testing.assert_allclose(updates(optimizer, gradients, theta=7.0), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "adagrad", "nadam", "amsgrad"])
def test_weight_decay_is_only_where_it_is_put(name):
    assert "weight_decay" not in inspect.signature(getattr(optim, name)).parameters


def test_clipping_by_norm_keeps_the_direction_and_what_is_short():
    clip = optim.clip_by_global_norm(1.0)
    for grads, expected in (
        ([3.0, 4.0], [0.6, 0.8]),
        ([0.3, 0.4], [0.3, 0.4]),
        ([0.0] * 2, [0.0] * 2),
    ):
        np.testing.assert_allclose(clip.update(jnp.array(grads), clip.init(None))[0], expected)


def test_equal_gradients_have_no_variance_to_take_the_root_of():
    optimizer = optim.scale_by_stddev(bias_correction=True, eps_in_sqrt=False)
    g = jnp.full(1000, 0.1) * jnp.linspace(0.1, 10.0, 1000)
    state = optimizer.init(g)
    for _ in range(5):
        u, state = optimizer.update(g, state)
    assert jnp.isfinite(u).all()


def test_a_gradient_that_is_no_number_shows_in_the_update():
    for optimizer in (optim.adagrad(0.1), optim.adam(0.1), optim.rmsprop(0.1), optim.sgd(0.1)):
        assert np.isnan(updates(optimizer, [1.0, np.nan])[1])
