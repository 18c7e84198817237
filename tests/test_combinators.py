"""Combinators: how trees of layers compute, and what can be asked of them."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import combinators, layers
from jaxnn.activations import relu, tanh
from jaxnn.checks import LayerError
from jaxnn.layers import activation, batch_norm, branches, dense, dropout, flatten, residual, serial
from jaxnn.typing import Layer

KEY = jax.random.key(0)
concatenate = partial(jnp.concatenate, axis=-1)


def nested() -> Layer:
    """Every combinator inside another, with layers that draw and layers that keep a state."""
    inner = serial(batch_norm(4), activation(relu), dropout(0.5))
    return serial(
        dense(3, 4),
        residual(inner),
        branches(dense(4, 2), serial(dropout(0.2), dense(4, 1)), combine=concatenate),
        serial(),
    )


PATHS = [
    "0/dense",
    "1/0/0/batch_norm",
    "1/0/1/relu",
    "1/0/2/dropout",
    "2/0/dense",
    "2/1/0/dropout",
    "2/1/1/dense",
]

MODELS = {
    "serial": serial(dense(3, 4), dropout(0.5), batch_norm(4), activation(tanh)),
    "serial of none": serial(),
    "residual": residual(serial(dense(3, 3), batch_norm(3))),
    "branches": branches(dense(3, 2), serial(dropout(0.5), dense(3, 2)), combine=sum),
    "nested": nested(),
    "a leaf": dense(3, 2),
}
models = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
modes = pytest.mark.parametrize("train", [False, True], ids=["evaluating", "training"])
X = jnp.array(np.random.default_rng(0).normal(size=(8, 3)))


def assert_equal_trees(actual, expected):
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15, strict=True)


def test_every_combinator_has_a_case():
    public = {
        name
        for name, function in inspect.getmembers(combinators, inspect.isfunction)
        if inspect.signature(function).return_annotation is Layer and not name.startswith("_")
    }
    assert public - {"map_layers"} == {name.split()[0] for name in MODELS} - {"nested", "a"}


def test_serial_is_one_layer_after_the_other():
    model, key = MODELS["serial"], jax.random.key(1)
    params, state = model.init(KEY, jnp.float64)
    x, states = X, []
    for i, layer in enumerate(model.layers):
        child_key = jax.random.fold_in(key, i)
        x, new_state = layer.apply(params[i], state[i], x, key=child_key, train=True)
        states.append(new_state)
    assert_equal_trees(model.apply(params, state, X, key=key, train=True), (x, tuple(states)))


def test_residual_adds_its_input():
    model, inner = MODELS["residual"], MODELS["residual"].layers[0]
    params, state = model.init(KEY, jnp.float64)
    y, new_state = inner.apply(params[0], state[0], X, train=True)
    assert_equal_trees(model.apply(params, state, X, train=True), (X + y, (new_state,)))


def test_branches_share_their_input():
    model, key = MODELS["branches"], jax.random.key(1)
    params, state = model.init(KEY, jnp.float64)
    first, _ = model.layers[0].apply(params[0], state[0], X, train=True)
    child_key = jax.random.fold_in(key, 1)
    second, _ = model.layers[1].apply(params[1], state[1], X, key=child_key, train=True)
    assert_equal_trees(model.apply(params, state, X, key=key, train=True)[0], first + second)


@models
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_params_and_state_are_tuples_with_an_entry_a_child(model, dtype):
    def check(layer, params, state, key):
        if not layer.layers and layer.rebuild is None:
            assert_equal_trees((params, state), layer.init(key, jnp.dtype(dtype)))
            return
        assert (type(params), type(state)) == (tuple, tuple)
        for i, child in enumerate(zip(layer.layers, params, state, strict=True)):
            check(*child, jax.random.fold_in(key, i))

    params, state = model.init(KEY, jnp.dtype(dtype))
    check(model, params, state, KEY)
    assert {x.dtype.name for x in jax.tree.leaves(params)} <= {dtype}


@models
@modes
def test_jit_and_vmap_change_nothing(model, train):
    trees = [(*model.init(jax.random.key(i), jnp.float64), (i + 1) * X) for i in (0, 1)]
    apply = partial(model.apply, key=KEY, train=train)
    stack = lambda *leaves: jnp.stack(leaves)
    together = jax.jit(jax.vmap(apply))(*jax.tree.map(stack, *trees))
    assert_equal_trees(together, jax.tree.map(stack, *(apply(*tree) for tree in trees)))


@models
def test_a_scan_can_carry_the_state(model):
    params, state = model.init(KEY, jnp.float64)

    def step(state, x):
        y, state = model.apply(params, state, x, key=KEY, train=True)
        return state, y

    batches = jnp.stack([X, 2 * X, 3 * X])
    last, outputs = state, []
    for x in batches:
        last, y = step(last, x)
        outputs.append(y)
    assert_equal_trees(jax.lax.scan(step, state, batches), (last, jnp.stack(outputs)))


@models
@modes
def test_intermediates_work_under_jit(model, train):
    params, state = model.init(KEY, jnp.float64)
    find = partial(layers.intermediates, model, key=jax.random.key(1), train=train)
    assert_equal_trees(jax.jit(find)(params, state, X), find(params, state, X))


@modes
def test_intermediates_are_the_outputs_of_the_networks_first_layers(train):
    model, key = MODELS["serial"], jax.random.key(1)
    params, state = model.init(KEY, jnp.float64)
    outputs = layers.intermediates(model, params, state, X, key=key, train=train)
    assert [*outputs] == ["0/dense", "1/dropout", "2/batch_norm", "3/tanh"]
    for n, output in enumerate(outputs.values(), start=1):
        prefix = serial(*model.layers[:n])
        expected, _ = prefix.apply(params[:n], state[:n], X, key=key, train=train)
        np.testing.assert_array_equal(output, expected)


@modes
def test_intermediates_go_through_every_combinator(train):
    model, key = nested(), jax.random.key(1)
    params, state = model.init(KEY, jnp.float64)
    outputs = layers.intermediates(model, params, state, X, key=key, train=train)
    assert [*outputs] == PATHS
    y, _ = model.apply(params, state, X, key=key, train=train)
    np.testing.assert_array_equal(concatenate([outputs["2/0/dense"], outputs["2/1/1/dense"]]), y)
    around = outputs["0/dense"] + outputs["1/0/2/dropout"]
    first = model.layers[2].layers[0]
    expected, _ = first.apply(params[2][0], state[2][0], around)
    np.testing.assert_array_equal(outputs["2/0/dense"], expected)


def test_intermediates_of_a_leaf():
    outputs = layers.intermediates(dense(3, 2), *dense(3, 2).init(KEY, jnp.float64), X)
    assert [*outputs] == ["dense"]


@models
def test_map_layers_of_nothing_rebuilds_the_same(model):
    again = layers.map_layers(lambda path, leaf: leaf, model)
    assert repr(again) == repr(model)
    params, state = model.init(KEY, jnp.float64)
    options = {"key": KEY, "train": True}
    assert_equal_trees(
        again.apply(params, state, X, **options), model.apply(params, state, X, **options)
    )


def test_map_layers_changes_leaves_by_path():
    seen = []

    def without_dropout(path, leaf):
        seen.append(path)
        return serial() if leaf.name == "dropout" else leaf

    changed = layers.map_layers(without_dropout, nested())
    assert seen == PATHS
    assert [*layers.intermediates(changed, *changed.init(KEY, jnp.float64), X)] == [
        path for path in PATHS if "dropout" not in path
    ]


def test_a_network_says_what_it_is():
    model = serial(dense(3, 4), residual(dropout(0.5)), branches(dense(4, 1), combine=sum))
    assert repr(model) == (
        "serial(dense(3, 4), residual(dropout(0.5)), branches(dense(4, 1), sum))"
    )


def test_summary():
    model = serial(flatten(), dense(3, 4), residual(batch_norm(4)), dense(4, 1000, use_bias=False))
    summary = layers.summary(model)
    assert [tuple(row) for row in summary] == [
        ("0/flatten", {}, 0),
        ("1/dense", {"kernel": (3, 4), "bias": (4,)}, 16),
        ("2/0/batch_norm", {"scale": (4,), "bias": (4,)}, 8),
        ("3/dense", {"kernel": (4, 1000)}, 4000),
    ]
    assert summary.parameters == 4024
    assert str(summary).splitlines() == [
        "layer           shapes                    parameters",
        "0/flatten                                          0",
        "1/dense         kernel (3, 4)  bias (4,)          16",
        "2/0/batch_norm  scale (4,)  bias (4,)              8",
        "3/dense         kernel (4, 1000)               4,000",
        "total                                          4,024",
    ]


@models
def test_summary_counts_what_training_changes(model):
    params, _ = model.init(KEY)
    assert layers.summary(model).parameters == sum(x.size for x in jax.tree.leaves(params))


WRONG = [
    (lambda: used(serial(dense(3, 4), dense(5, 2))), "1/dense", "must have 5 features"),
    (lambda: used(serial(residual(serial(dense(9, 9))))), "0/0/0/dense", "must have 9 features"),
    (lambda: used(branches(serial(), dense(2, 3), combine=sum)), "1/dense", "2 features"),
    (lambda: used(serial(serial(), residual(dense(3, 2)))), "1/residual", "must keep float64"),
    (lambda: used(residual(dense(3, 2))), "residual", r"shape \(8, 3\), gave .* \(8, 2\)"),
    (lambda: used(serial(dropout(0.5))), "0/dropout", "needs a key"),
    (lambda: used(serial(residual(batch_norm(3))), X[:1]), "0/0/batch_norm", "more than one"),
]


def used(model, x=X):
    return model.apply(*model.init(KEY, jnp.float64), x, train=True)


@pytest.mark.parametrize(("use", "path", "message"), WRONG)
@pytest.mark.parametrize("wrap", [lambda use: use, jax.jit])
def test_errors_name_the_path_of_the_layer(use, path, message, wrap):
    with pytest.raises(LayerError, match=f"^{path}: .*{message}") as caught:
        wrap(use)()
    assert caught.value.path == path


def test_branches_need_layers():
    with pytest.raises(ValueError, match="branches: expected at least one layer, got none"):
        branches(combine=sum)
