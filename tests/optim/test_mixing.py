"""Optax and `jaxnn.optim` hold each other: wrappers, chains, masks, extra arguments, states."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import optim
from jaxnn.optim.combine import MaskedNode
from jaxnn.typing import GradientTransformation

PARAMS = {"kernel": jnp.array([[1.0, -2.0], [0.5, 3.0]]), "bias": jnp.array([0.1, -0.2])}
MASK = {"kernel": True, "bias": False}
GRADS = [jax.tree.map(lambda p, s=s: jnp.sin(s + 5 * p), PARAMS) for s in range(8)]


def by_value():
    """A transformation that requires an extra argument: divides by the loss."""

    def update(grads, state, params=None, *, value, **extra_args):
        return jax.tree.map(lambda g: g / value, grads), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def steps(optimizer, grads=GRADS, **extra_args):
    """The updates of several steps, each compiled, and the last state."""
    params, state, seen = PARAMS, optimizer.init(PARAMS), []
    update = jax.jit(lambda g, state, params: optimizer.update(g, state, params, **extra_args))
    for g in grads:
        updates, state = update(g, state, params)
        params = optax.apply_updates(params, updates)
        seen.append(updates)
    return seen, state


WRAPPERS = {
    "chain": lambda o: optax.chain(optax.clip(0.5), o.adam(0.1)),
    "named_chain": lambda o: optax.named_chain(("a", o.trace(0.9)), ("b", o.scale(-0.1))),
    "masked": lambda o: optax.masked(o.adamw(0.1), MASK),
    "masked twice": lambda o: optax.masked(optax.masked(o.adam(0.1), MASK), lambda p: MASK),
    "partition": lambda o: optax.partition(
        {"a": o.adam(0.1), "b": o.sgd(0.1, 0.9)}, {"kernel": "a", "bias": "b"}
    ),
    "MultiSteps": lambda o: optax.MultiSteps(o.adam(0.1), every_k_schedule=3),
    "apply_if_finite": lambda o: optax.apply_if_finite(o.rmsprop(0.1, momentum=0.5), 2),
    "conditionally_mask": lambda o: optax.conditionally_mask(o.adam(0.1), lambda step: step < 3),
    "conditionally_transform": lambda o: optax.conditionally_transform(
        o.adagrad(0.1), lambda step: step % 2 == 0
    ),
    "inject_hyperparams": lambda o: optax.inject_hyperparams(o.adamw)(
        learning_rate=optax.linear_schedule(0.1, 0.0, 5), b1=0.8, weight_decay=0.1
    ),
    "inject_hyperparams with all": lambda o: optax.inject_hyperparams(o.rmsprop)(
        learning_rate=0.1, decay=0.8, eps=1e-3, initial_scale=0.5, centered=True, momentum=0.9
    ),
    "flatten": lambda o: optax.flatten(o.nadam(0.1)),
    "apply_every": lambda o: optax.chain(optax.apply_every(2), o.amsgrad(0.1)),
    "keep_params_nonnegative": lambda o: optax.chain(o.sgd(0.1), optax.keep_params_nonnegative()),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
@jax.numpy_dtype_promotion("standard")  # Optax itself does not run under strict promotion
def test_optax_wraps_ours_as_its_own(wrap):
    (ours, our_state), (theirs, their_state) = steps(wrap(optim)), steps(wrap(optax))
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14)
    for a, b in zip(jax.tree.leaves(our_state), jax.tree.leaves(their_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("outer", [optim, optax])
@pytest.mark.parametrize("inner", [optim, optax])
@jax.numpy_dtype_promotion("standard")
def test_chains_and_masks_nest_either_way(outer, inner):
    mixed = outer.chain(outer.masked(inner.trace(0.9), MASK), inner.adam(0.1))
    pure = optax.chain(optax.masked(optax.trace(0.9), MASK), optax.adam(0.1))
    for a, b in zip(jax.tree.leaves(steps(mixed)[0]), jax.tree.leaves(steps(pure)[0]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)


@jax.numpy_dtype_promotion("standard")
def test_lookahead_wraps_ours():
    def synchronised(optimizer):
        params = optax.LookaheadParams.init_synced(PARAMS)
        wrapped = optax.lookahead(optimizer, sync_period=2, slow_step_size=0.5)
        state = wrapped.init(params)
        for g in GRADS:
            updates, state = wrapped.update(g, state, params)
            params = optax.apply_updates(params, updates)
        return params

    ours, theirs = synchronised(optim.adam(0.1)), synchronised(optax.adam(0.1))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11), ours, theirs)


NESTS = {
    "ours": optim.chain(optim.sgd(0.1), by_value()),
    "ours in ours": optim.chain(optim.chain(optim.sgd(0.1), by_value()), optim.identity()),
    "ours in Optax's": optax.chain(optim.chain(optim.sgd(0.1), by_value())),
    "ours, masked": optim.masked(optim.chain(optim.sgd(0.1), by_value()), True),
    "ours, masked by Optax": optax.masked(optim.chain(optim.sgd(0.1), by_value()), True),
    "Optax's, masked by ours": optim.masked(optax.chain(optax.sgd(0.1), by_value()), True),
}


@pytest.mark.parametrize("halved", NESTS.values(), ids=NESTS.keys())
def test_extra_arguments_reach_the_member_that_takes_them(halved):
    updates, _ = steps(halved, GRADS[:1], value=2.0, other="ignored")
    expected = jax.tree.map(lambda g: -0.05 * g, GRADS[0])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), updates[0], expected)
    with pytest.raises(TypeError, match="value"):
        steps(halved, GRADS[:1])


def test_an_argument_may_be_named_without_taking_any():
    def update(grads, state, params=None, *, value):
        return value, state

    named = GradientTransformation(lambda params: (), update)
    chained = optim.chain(optim.identity(), named)
    assert chained.update(PARAMS, chained.init(PARAMS), value=3.0, other=4.0)[0] == 3.0


@pytest.mark.parametrize(
    ("compatible", "expected"), [(True, {"kernel": 1.0, "bias": MaskedNode()}), (False, None)]
)
def test_extra_arguments_like_the_gradients_are_masked_when_asked(compatible, expected):
    seen = {}

    def update(grads, state, params=None, **extra_args):
        seen.update(extra_args)
        return grads, state

    inner = GradientTransformation(lambda params: (), update)
    masked = optim.masked(inner, MASK, mask_compatible_extra_args=compatible)
    value = {"kernel": 1.0, "bias": 2.0}
    masked.update(PARAMS, masked.init(PARAMS), value=value, other=[1.0])
    assert seen == {"value": expected or value, "other": [1.0]}


def test_a_chain_is_of_the_type_by_which_its_members_library_knows_it():
    ours, theirs = optim.adam(0.1), optax.scale(2.0)
    assert type(optim.chain(ours, optim.identity())) is GradientTransformation
    assert type(optim.chain(ours, theirs)) is optax.GradientTransformationExtraArgs
    assert type(optim.masked(optax.adam(0.1), MASK)) is optax.GradientTransformationExtraArgs


def test_optax_finds_its_way_in_the_state():
    optimizer = optim.masked(optim.chain(optim.adam(0.1), optim.trace(0.9)), MASK)
    state = optimizer.init(PARAMS)
    np.testing.assert_array_equal(optax.tree.get(state, "mu")["kernel"], np.zeros((2, 2)))
    assert optax.tree.get(optax.tree.set(state, count=jnp.int32(7)), "count") == 7
    marked = optax.tree.map_params(
        optimizer, lambda p: "p", state, transform_non_params=lambda _: 0
    )
    hidden = {"kernel": "p", "bias": MaskedNode()}
    assert marked.inner_state[0][0]._asdict() == {"count": 0, "mu": hidden, "nu": hidden}
    assert marked.inner_state[1].trace == hidden


def test_the_masked_transformation_sees_no_hidden_leaf():
    seen = []

    def update(grads, state, params=None):
        seen.append((grads, params))
        return grads, state

    spy = GradientTransformation(lambda params: seen.append(params), update)
    masked = optim.masked(spy, lambda tree: jax.tree.map(lambda x: x.ndim > 1, tree))
    updates, _ = masked.update(GRADS[0], masked.init(PARAMS), PARAMS)
    assert [tree["bias"] for tree in (seen[0], *seen[1])] == [MaskedNode()] * 3
    assert [tree["kernel"].shape for tree in (seen[0], *seen[1])] == [(2, 2)] * 3
    assert updates["bias"] is GRADS[0]["bias"]
