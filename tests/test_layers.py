"""Leaf layers: the contract that each keeps, what each says, and what each refuses."""

import inspect
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from mpmath import mp

from jaxnn import activations, layers
from jaxnn.typing import Layer
from tests.oracle import assert_ulps, exact

KEY = jax.random.key(0)
MEAN, STD = [0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]


class Case(NamedTuple):
    """A layer, the size of an example, and whether it trains without a key."""

    layer: Layer
    size: tuple[int, ...]
    trains: bool = True


CASES = {
    "dense": Case(layers.dense(5, 3), (5,)),
    "dense without bias": Case(layers.dense(5, 3, use_bias=False), (5,)),
    "batch_norm": Case(layers.batch_norm(4), (4,)),
    "layer_norm": Case(layers.layer_norm(4), (4,)),
    "dropout": Case(layers.dropout(0.5), (4,), trains=False),
    "flatten": Case(layers.flatten(), (2, 3, 4)),
    "normalize_images": Case(layers.normalize_images(MEAN, STD), (2, 3, 4)),
    "activation": Case(layers.activation(activations.gelu), (4,)),
}
"""A row for every leaf layer."""

cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def test_every_leaf_layer_has_a_case():
    public = {
        name
        for name, function in inspect.getmembers(layers, inspect.isfunction)
        if inspect.signature(function).return_annotation is Layer and not name.startswith("_")
    }
    assert public - {"serial", "residual", "branches", "map_layers"} == {
        name.split()[0] for name in CASES
    }


@cases
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keeps_the_contract_of_a_layer(case, dtype):
    params, state = case.layer.init(KEY, jnp.dtype(dtype))
    assert {type(params), type(state)} == {dict}
    assert params.keys() <= {"kernel", "bias", "scale"}
    assert state.keys() <= {"mean", "var", "count", "std"}
    for name, array in (params | state).items():
        assert array.dtype == ("int32" if name == "count" else dtype)
    x = jnp.ones((3, *case.size), dtype)
    describe = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), tree)
    for train in {False, case.trains}:
        y, new_state = case.layer.apply(params, state, x, train=train)
        assert (y.dtype, y.shape[0]) == (dtype, 3)
        assert describe(new_state) == describe(state)
    assert describe(case.layer.init(KEY)) == describe(case.layer.init(KEY, jnp.float32))


@cases
def test_jit_and_vmap_over_parameters_change_nothing(case):
    rng = np.random.default_rng(0)
    x = jnp.array(rng.normal(size=(3, 8, *case.size)))
    trees = [case.layer.init(key, jnp.float64) for key in jax.random.split(KEY, 3)]
    apply = partial(case.layer.apply, train=case.trains)
    params, state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)
    together = jax.jit(jax.vmap(apply))(params, state, x)
    alone = [apply(*tree, x[i]) for i, tree in enumerate(trees)]
    expected = jax.tree.map(lambda *leaves: jnp.stack(leaves), *alone)
    for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ["dense", "batch_norm", "layer_norm", "normalize_images"])
def test_another_dtype_is_an_error_that_names_both(name):
    layer, size, _ = CASES[name]
    with pytest.raises(ValueError, match=rf"^{name}: .*float32.* got float64$"):
        layer.apply(*layer.init(KEY), jnp.ones((3, *size)))


def exactly_normalised(x, axis):
    """(x − μ)/√(σ² + 1e-5), μ and the unbiased σ², without rounding."""
    mean = x.mean(axis, keepdims=True)
    squares = ((x - mean) ** 2).sum(axis, keepdims=True)
    root = np.frompyfunc(mp.sqrt, 1, 1)
    n = x.shape[axis]
    return (x - mean) / root(squares / n + mp.mpf(1e-5)), mean, squares / (n - 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spread", [1.0, 1e-3, 0.0])
@pytest.mark.parametrize("offset", [0.0, 100.0, 1e4])
def test_normalising_is_exact_whatever_the_mean_and_the_spread(offset, spread, dtype):
    """Which takes a variance in two passes; where it is tiny, or 0, ε decides."""
    x = (offset + spread * np.random.default_rng(0).normal(size=(8, 4))).astype(dtype)
    rows, _, _ = exactly_normalised(exact(lambda x: x, x), 1)
    columns, mean, var = exactly_normalised(exact(lambda x: x, x), 0)
    by_row, by_column = layers.layer_norm(4), layers.batch_norm(4, momentum=1.0)
    y, _ = by_row.apply(*by_row.init(KEY, jnp.dtype(dtype)), jnp.array(x))
    assert_ulps(y, rows, terms=np.ones(x.shape))
    y, state = by_column.apply(*by_column.init(KEY, jnp.dtype(dtype)), jnp.array(x), train=True)
    assert_ulps(y, columns, terms=np.ones(x.shape))
    assert_ulps(state["mean"], mean[0], terms=np.abs(x).max(0))
    assert_ulps(state["var"], var[0])


def test_batch_norm_needs_more_than_one_value_while_training():
    params, state = layers.batch_norm(4).init(KEY, jnp.float64)
    apply = partial(layers.batch_norm(4).apply, params, state, train=True)
    with pytest.raises(ValueError, match=r"more than one value per feature, got shape \(1, 4\)"):
        apply(jnp.ones((1, 4)))
    with pytest.raises(ValueError, match=r"more than one value per feature, got shape \(1, 1, 4\)"):
        apply(jnp.ones((1, 1, 4)))
    assert apply(jnp.ones((1, 2, 4)))[0].shape == (1, 2, 4)


REPRS = [
    (layers.dense(5, 3), "dense(5, 3)"),
    (layers.dense(5, 3, use_bias=False), "dense(5, 3, False)"),
    (layers.batch_norm(4), "batch_norm(4, 0.1, 1e-05)"),
    (layers.layer_norm(4), "layer_norm(4, 1e-05)"),
    (layers.dropout(0.5), "dropout(0.5)"),
    (layers.flatten(), "flatten()"),
    (layers.normalize_images(0.5, 0.25), "normalize_images(0.5, 0.25)"),
    (layers.activation(activations.relu), "relu()"),
    (layers.activation(jnp.sin), "sin()"),
    (layers.activation(partial(activations.elu, alpha=0.5)), "elu()"),
    (layers.activation(partial(partial(activations.elu), alpha=0.5)), "elu()"),
]


@pytest.mark.parametrize(("layer", "text"), REPRS)
def test_a_layer_says_what_it_is(layer, text):
    assert repr(layer) == text


def test_an_activation_is_its_function():
    x = jnp.linspace(-1, 1, 5)
    layer = layers.activation(partial(activations.leaky_relu, negative_slope=0.5))
    np.testing.assert_array_equal(layer.apply({}, {}, x)[0], [-0.5, -0.25, 0, 0.5, 1])


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 3, 4), (2, 3, 4, 5)])
def test_flatten_keeps_the_order(shape):
    x = jnp.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(layers.flatten().apply({}, {}, x)[0], np.reshape(x, (2, -1)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.5), (0.1307, 0.3081)])
def test_raw_images_become_what_torchvision_makes_of_them(mean, std, dtype):
    """`ToTensor` divides by 255, `Normalize` subtracts and divides."""
    x = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    layer = layers.normalize_images(mean, std)
    y, _ = layer.apply(*layer.init(KEY, jnp.dtype(dtype)), jnp.array(x))
    expected = exact(lambda x: (x / 255 - mean) / std, x)
    assert_ulps(np.asarray(y), expected, terms=np.maximum(x / 255, mean) / std)
    as_tensor = torch.tensor(x).to(getattr(torch, dtype)).div(255).sub(mean).div(std)
    np.testing.assert_allclose(y, as_tensor, rtol=0, atol=4 * np.finfo(dtype).eps, strict=True)


def test_float_images_are_in_0_to_1_already():
    layer = layers.normalize_images(0.5, 0.25)
    params, state = layer.init(KEY)
    raw, _ = layer.apply(params, state, jnp.array([[0, 255]], jnp.uint8))
    scaled, _ = layer.apply(params, state, jnp.array([[0.0, 1.0]], jnp.float32))
    np.testing.assert_array_equal(raw, [[-2, 2]])
    np.testing.assert_array_equal(scaled, [[-2, 2]])


WRONG = [
    (lambda: layers.dense(0, 3), r"dense: in_size must be a whole number of at least 1, got 0"),
    (lambda: layers.dense(3, 2.0), r"dense: out_size must be .* got 2.0"),
    (lambda: layers.dense(True, 3), r"dense: in_size must be .* got True"),
    (lambda: layers.batch_norm(-1), r"batch_norm: size must be .* got -1"),
    (lambda: layers.batch_norm(3, momentum=1.5), r"momentum must be .* \[0, 1\], got 1.5"),
    (lambda: layers.batch_norm(3, epsilon=0.0), r"epsilon must be .* \(0, inf\), got 0.0"),
    (lambda: layers.layer_norm("3"), r"layer_norm: size must be .* got '3'"),
    (lambda: layers.layer_norm(3, epsilon=-1e-5), r"epsilon must be .* \(0, inf\), got -1e-05"),
    (lambda: layers.dropout(1), r"dropout: rate must be a number in \[0, 1\), got 1"),
    (lambda: layers.dropout(float("nan")), r"dropout: rate must be .* got nan"),
    (lambda: layers.dropout(None), r"dropout: rate must be .* got None"),
    (lambda: layers.normalize_images(0.5, 0.0), r"std must be a number in \(0, inf\), got 0.0"),
    (lambda: layers.normalize_images([0.5, 0.5], [0.5, 0]), r"std must be .* got 0"),
    (lambda: layers.normalize_images([0, 0], [1, 1, 1]), r"as many channels, got \[0, 0\] and"),
    (lambda: used(layers.dense(3, 2), (4, 5)), r"3 features on its last axis, got \(4, 5\)"),
    (lambda: used(layers.dense(3, 2), ()), r"3 features on its last axis, got \(\)"),
    (lambda: used(layers.dense(3, 2), (4, 3), "uint8"), "got uint8; begin the model with norm"),
    (lambda: used(layers.dense(3, 2), (4, 3), "int32"), "got int32; begin the model with norm"),
    (lambda: used(layers.batch_norm(3), (4, 3, 2)), r"3 features on its last axis, got"),
    (lambda: used(layers.layer_norm(3), (4, 2)), r"3 features on its last axis, got \(4, 2\)"),
    (lambda: used(layers.normalize_images(MEAN, STD), (2, 28, 28)), r"4 channels .* \(2, 28, 28\)"),
    (
        lambda: used(layers.normalize_images(0.5, 0.5), (2, 4), "int32"),
        "uint8 or float32, got int32",
    ),
]


def used(layer, shape, dtype="float32"):
    return layer.apply(*layer.init(KEY), jnp.ones(shape, dtype))


@pytest.mark.parametrize(("use", "message"), WRONG)
def test_refuses_what_does_not_fit(use, message):
    with pytest.raises(ValueError, match=message):
        use()
