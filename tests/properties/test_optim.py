"""Optimisers at any gradients: zeros, 1e-30 to 1e18; what must not change, and what must."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jaxnn import optim
from tests.properties.draws import few, reals, some

RATE = 0.125
HALVING = optim.exponential_decay(1.0, 1, 0.5)
OPTIMIZERS = {
    "sgd": optim.sgd(RATE),
    "sgd with momentum": optim.sgd(RATE, momentum=0.5, nesterov=True),
    "rmsprop": optim.rmsprop(RATE),
    "rmsprop, centred": optim.rmsprop(RATE, centered=True, momentum=0.5, bias_correction=True),
    "adagrad": optim.adagrad(RATE),
    "adam": optim.adam(RATE),
    "adamw without decay": optim.adamw(RATE, weight_decay=0.0),
    "amsgrad": optim.amsgrad(RATE),
    "nadam": optim.nadam(RATE),
    "chain": optim.chain(optim.clip(1.0), optim.identity(), optim.scale(0.5)),
    "clip_by_global_norm": optim.clip_by_global_norm(1.0),
    "scale_by_adam": optim.scale_by_adam(),
    "scale_by_amsgrad": optim.scale_by_amsgrad(),
    "scale_by_rms": optim.scale_by_rms(),
    "scale_by_stddev": optim.scale_by_stddev(),
    "scale_by_rss": optim.scale_by_rss(),
    "scale_by_schedule": optim.scale_by_schedule(HALVING),
    "scale_by_learning_rate": optim.scale_by_learning_rate(HALVING),
    "trace": optim.trace(0.5),
    "masked": optim.masked(optim.trace(0.5), {"kernel": True, "bias": False}),
}
each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
UPDATES = {id(optimizer): jax.jit(optimizer.update) for optimizer in OPTIMIZERS.values()}

trees = st.builds(
    lambda kernel, bias: {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)},
    reals(2, 3),
    reals(3),
)


def extremes(*shape):
    """Float32 gradients from 1e-30, whose square is 0, to 1e18, whose square is still finite."""
    powers = arrays(np.int32, shape, elements=st.integers(-30, 18), fill=st.nothing())
    signs = arrays(np.float32, shape, elements=st.sampled_from([-1, 0, 1]), fill=st.nothing())
    return st.builds(lambda s, p: jnp.asarray(s * 10.0**p, jnp.float32), signs, powers)


def advance(optimizer, grads, state, params):
    updates, after = UPDATES[id(optimizer)](grads, state, params)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    assert jax.tree.map(jnp.result_type, after) == jax.tree.map(jnp.result_type, state)
    return updates, after


@each_optimizer
@few
@given(params=trees)
def test_without_gradients_parameters_stay_where_they_are(optimizer, params):
    state, nothing = optimizer.init(params), jax.tree.map(jnp.zeros_like, params)
    for _ in range(2):
        updates, state = advance(optimizer, nothing, state, params)
        moved = optim.apply_updates(params, updates)
        jax.tree.map(np.testing.assert_array_equal, moved, params)


@each_optimizer
@few
@given(first=extremes(2, 3), second=extremes(2, 3))
def test_gradients_of_any_size_give_finite_updates(optimizer, first, second):
    bias = jnp.zeros(3, jnp.float32)
    params = {"kernel": jnp.ones((2, 3), jnp.float32), "bias": bias}
    state = optimizer.init(params)
    for kernel in (first, second, first):
        updates, state = advance(optimizer, {"kernel": kernel, "bias": bias}, state, params)
        assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(updates))
        assert jax.tree.map(jnp.result_type, updates) == jax.tree.map(jnp.result_type, params)


@pytest.mark.parametrize("name", ["rmsprop", "adam", "amsgrad", "adagrad", "sgd"])
@some
@given(g=reals(3).filter(lambda g: abs(g).min() > 1e-2))
def test_a_first_step_goes_downhill_in_every_element(name, g):
    optimizer = OPTIMIZERS[name]
    updates, _ = optimizer.update(jnp.asarray(g), optimizer.init(jnp.zeros(3)))
    np.testing.assert_array_equal(np.sign(updates), -np.sign(g))


@pytest.mark.parametrize("name", ["adam", "amsgrad"])
@some
@given(gradients=st.lists(reals(3), min_size=1, max_size=4))
def test_adam_keeps_to_its_learning_rate(name, gradients):
    optimizer, state = OPTIMIZERS[name], OPTIMIZERS[name].init(jnp.zeros(3))
    bound = RATE * (1 - 0.9) / (1 - 0.999) ** 0.5  # section 2.1 of the paper
    for g in gradients:
        updates, state = optimizer.update(jnp.asarray(g), state)
        assert (abs(updates) <= max(RATE, bound) * (1 + 1e-12)).all()


sequences = st.lists(reals(3, low=-100, high=100), min_size=1, max_size=4)


@some
@given(gradients=sequences, b1=st.floats(0, 0.99), b2=st.floats(0, 0.999))
def test_adam_is_algorithm_1(gradients, b1, b2):
    optimizer, m, v = optim.adam(RATE, b1, b2), 0.0, 0.0
    state = optimizer.init(jnp.zeros(3))
    for t, g in enumerate(gradients, start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        expected = -RATE * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + 1e-8)
        updates, state = optimizer.update(jnp.asarray(g), state)
        np.testing.assert_allclose(updates, expected, rtol=1e-9, atol=1e-12)


@some
@given(gradients=sequences, decay=st.floats(0, 1), eps=st.floats(1e-10, 1))
def test_rmsprop_and_momentum_are_their_sums_written_out(gradients, decay, eps):
    rms, momentum = optim.rmsprop(RATE, decay, eps), optim.sgd(RATE, decay)
    rss = optim.adagrad(RATE, eps=eps)
    states = [each.init(jnp.zeros(3)) for each in (rms, momentum, rss)]
    for t, g in enumerate(gradients):
        past = gradients[: t + 1]
        v = sum((1 - decay) * decay ** (t - i) * old**2 for i, old in enumerate(past))
        m = sum(decay ** (t - i) * old for i, old in enumerate(past))
        s = 0.1 + sum(old**2 for old in past)
        expected = [-RATE * g / np.sqrt(v + eps), -RATE * m, -RATE * g / np.sqrt(s + eps)]
        for i, optimizer in enumerate((rms, momentum, rss)):
            updates, states[i] = optimizer.update(jnp.asarray(g), states[i])
            np.testing.assert_allclose(updates, expected[i], rtol=1e-9, atol=1e-11)


@some
@given(grads=trees, bound=st.floats(1e-3, 1e4))
def test_clipping_shortens_to_the_bound_and_no_further(grads, bound):
    clipped, _ = optim.clip(bound).update(grads, None)
    for g, u in zip(jax.tree.leaves(grads), jax.tree.leaves(clipped), strict=True):
        np.testing.assert_array_equal(u, np.clip(g, -bound, bound))
    before = float(optim.global_norm(grads))
    flat = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(grads)])
    assert before == pytest.approx(np.linalg.norm(flat), rel=1e-12)
    shortened, _ = optim.clip_by_global_norm(bound).update(grads, None)
    assert float(optim.global_norm(shortened)) == pytest.approx(min(before, bound), rel=1e-12)


@some
@given(params=trees, grads=trees, decay=st.floats(0, 1))
def test_decayed_weights_are_a_penalty_on_those_of_the_mask(params, grads, decay):
    kernels = {"kernel": True, "bias": False}
    added, _ = optim.add_decayed_weights(decay, kernels).update(
        grads, optim.add_decayed_weights(decay, kernels).init(params), params
    )
    np.testing.assert_array_equal(added["bias"], grads["bias"])
    np.testing.assert_allclose(
        added["kernel"], grads["kernel"] + decay * params["kernel"], rtol=1e-14, atol=1e-12
    )


@some
@given(grads=trees, rates=st.lists(st.floats(-4, 4), min_size=1, max_size=3))
def test_a_chain_of_scales_is_one_scale_by_their_product(grads, rates):
    chain = optim.chain(*map(optim.scale, rates))
    updates, _ = chain.update(grads, chain.init(grads))
    for g, u in zip(jax.tree.leaves(grads), jax.tree.leaves(updates), strict=True):
        np.testing.assert_allclose(u, g * np.prod(rates), rtol=1e-13, atol=1e-290)
