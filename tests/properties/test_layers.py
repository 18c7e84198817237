"""Layers on any values: batches of any size, rows that know nothing of each other, jit or not."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnn import activations, layers, models
from tests.properties.draws import each_dtype, few, keys, reals, some

SIZE, KEY = 4, jax.random.key(0)
LAYERS = {
    "dense": layers.dense(SIZE, 3),
    "dense without bias": layers.dense(SIZE, 3, use_bias=False),
    "dropout": layers.dropout(0.5),
    "flatten": layers.flatten(),
    "activation": layers.activation(activations.gelu),
    "batch_norm": layers.batch_norm(SIZE),
    "layer_norm": layers.layer_norm(SIZE),
    "normalize_images": layers.normalize_images(0.5, 0.25),
    "serial": layers.serial(layers.dense(SIZE, 3), layers.layer_norm(3)),
    "residual": layers.residual(layers.dense(SIZE, SIZE)),
    "branches": layers.branches(layers.dense(SIZE, 3), layers.dense(SIZE, 3), combine=sum),
    "mlp": models.mlp((SIZE, 5, 3), batch_norm=True, dropout=0.5),
}


@cache
def initialised(layer, dtype=jnp.float64):
    return layer.init(KEY, dtype)


each_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


@each_layer
@few
@given(x=reals(3, SIZE))
def test_without_training_a_row_is_what_it_is_alone(layer, x):
    params, state = initialised(layer)
    x = jnp.asarray(x)
    together, after = layer.apply(params, state, x)
    alone = [layer.apply(params, state, x[i : i + 1])[0][0] for i in range(3)]
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-13, atol=1e-10)
    assert after is state or jax.tree.leaves(after) == jax.tree.leaves(state)
    nothing, _ = layer.apply(params, state, x[:0])
    assert (nothing.shape, nothing.dtype) == ((0, *together.shape[1:]), together.dtype)


@each_layer
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32])
@few
@given(x=reals(3, SIZE))
def test_finite_values_stay_finite_in_their_dtype(layer, dtype, x):
    params, state = initialised(layer, dtype)
    y, after = layer.apply(params, state, jnp.asarray(x, dtype), key=KEY, train=True)
    assert y.dtype == dtype
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves((y, after)))
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    assert jax.tree.map(jnp.result_type, after) == jax.tree.map(jnp.result_type, state)


@each_layer
@few
@given(x=reals(3, SIZE), train=st.booleans())
def test_compiled_or_not_is_the_same(layer, x, train):
    params, state = initialised(layer)
    apply = lambda x: layer.apply(params, state, x, key=KEY, train=train)
    compiled = jax.tree.leaves(jax.jit(apply)(jnp.asarray(x)))
    for a, b in zip(compiled, jax.tree.leaves(apply(jnp.asarray(x))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-10)


@some
@given(x=reals(3, SIZE, low=-100, high=100), y=reals(3, SIZE, low=-100, high=100))
def test_dense_without_bias_is_linear(x, y):
    layer = layers.dense(SIZE, 3, use_bias=False)
    params, state = initialised(layer)
    of = lambda x: layer.apply(params, state, jnp.asarray(x))[0]
    np.testing.assert_allclose(of(x + 2 * y), of(x) + 2 * of(y), rtol=1e-12, atol=1e-11)


@some
@given(x=reals(8, SIZE).filter(lambda x: x.std(axis=0).min() > 1))
def test_batch_norm_in_training_gives_each_feature_mean_0_and_variance_1(x):
    layer = layers.batch_norm(SIZE)
    y, _ = layer.apply(*initialised(layer), jnp.asarray(x), train=True)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=0), x.var(axis=0) / (x.var(axis=0) + 1e-5), rtol=1e-12)


@some
@given(
    x=reals(8, SIZE),
    mean=reals(SIZE),
    var=reals(SIZE, low=0),
    momentum=st.floats(0, 1),
)
def test_running_statistics_move_from_the_old_to_the_new_by_the_momentum(x, mean, var, momentum):
    layer = layers.batch_norm(SIZE, momentum=momentum)
    params, state = initialised(layer)
    state |= {"mean": jnp.asarray(mean), "var": jnp.asarray(var)}
    _, after = layer.apply(params, state, jnp.asarray(x), train=True)
    for name, new in {"mean": x.mean(axis=0), "var": x.var(axis=0, ddof=1)}.items():
        between = (1 - momentum) * np.asarray(state[name]) + momentum * new
        np.testing.assert_allclose(after[name], between, rtol=1e-12, atol=1e-10)
    assert after["count"] == state["count"] + 1


@some
@given(x=reals(3, SIZE), shift=st.floats(-1e4, 1e4), factor=st.sampled_from([0.5, 2.0, 1024.0]))
def test_layer_norm_sees_neither_the_mean_nor_the_size_of_a_row(x, shift, factor):
    layer = layers.layer_norm(SIZE, epsilon=1e-300)
    of = lambda x: layer.apply(*initialised(layer), jnp.asarray(x))[0]
    x = np.where(x.std(axis=1, keepdims=True) > 1, x, np.arange(SIZE, dtype=float))
    np.testing.assert_allclose(of(factor * x + shift), of(x), atol=1e-10)


@some
@given(
    pixels=st.lists(st.integers(0, 255), min_size=SIZE, max_size=SIZE),
    mean=st.floats(0, 1),
    std=st.floats(0.01, 1),
)
def test_raw_and_scaled_images_are_normalised_alike(pixels, mean, std):
    layer = layers.normalize_images(mean, std)
    params, state = initialised(layer)
    raw = jnp.array([pixels], jnp.uint8)
    scaled = raw.astype(jnp.float64) / 255
    y, _ = layer.apply(params, state, raw)
    np.testing.assert_array_equal(y, layer.apply(params, state, scaled)[0])
    np.testing.assert_allclose(y * std + mean, scaled, rtol=1e-13, atol=1e-13)


RATES = st.sampled_from([0.0, 0.1, 0.5, 0.9])


@each_dtype
@few
@given(x=reals(3, SIZE), key=keys, rate=RATES)
def test_dropout_gives_exactly_zero_or_the_scaled_value(dtype, x, key, rate):
    x = jnp.asarray(x, dtype)
    mask = layers.keep_mask(key, rate, x.shape)
    dropped, _ = layers.dropout(rate).apply({}, {}, x, key=key, train=True)
    kept = x / jnp.asarray(1 - rate, dtype)
    np.testing.assert_array_equal(dropped, jnp.where(mask, kept, jnp.zeros_like(x)))
    np.testing.assert_array_equal(dropped, layers.apply_mask(x, mask, rate))
    if rate == 0:
        np.testing.assert_array_equal(dropped, x)


@some
@given(key=keys, rate=RATES)
def test_a_mask_keeps_as_many_as_chance_allows(key, rate):
    kept = layers.keep_mask(key, rate, (4096,))
    error = (rate * (1 - rate) / 4096) ** 0.5
    assert abs(float(kept.mean()) - (1 - rate)) <= 5 * error


@some
@given(key=keys, low=RATES, high=RATES)
def test_a_higher_rate_drops_all_that_a_lower_one_drops(key, low, high):
    low, high = sorted([low, high])
    at_low, at_high = (layers.keep_mask(key, rate, (64,)) for rate in (low, high))
    assert (at_low | ~at_high).all()


@few
@given(x=reals(3, SIZE))
def test_combinators_are_what_their_children_are_together(x):
    x, layer = jnp.asarray(x), layers.dense(SIZE, SIZE)
    params, state = initialised(layer)
    of = lambda model, count=1: model.apply((params,) * count, (state,) * count, x)[0]
    y, _ = layer.apply(params, state, x)
    twice, _ = layer.apply(params, state, y)
    np.testing.assert_array_equal(of(layers.serial(layer, layer), 2), twice)
    np.testing.assert_array_equal(of(layers.residual(layer)), x + y)
    np.testing.assert_array_equal(of(layers.branches(layer, layer, combine=sum), 2), y + y)
    of_leaves = layers.intermediates(layers.serial(layer, layer), (params,) * 2, (state,) * 2, x)
    np.testing.assert_array_equal(of_leaves["1/dense"], twice)


def networks() -> st.SearchStrategy[Callable]:
    """Trees of layers that keep `(batch, SIZE)`."""
    leaves = st.sampled_from(
        [layers.dense(SIZE, SIZE), layers.layer_norm(SIZE), layers.flatten(), layers.dropout(0.5)]
    )
    several = lambda children: st.lists(children, min_size=1, max_size=3)
    return st.recursive(
        leaves,
        lambda children: (
            several(children).map(lambda parts: layers.serial(*parts))
            | children.map(layers.residual)
            | several(children).map(lambda parts: layers.branches(*parts, combine=sum))
        ),
        max_leaves=6,
    )


@few
@given(model=networks(), x=reals(3, SIZE, low=-10, high=10))
def test_any_tree_of_layers_is_rebuilt_listed_and_counted(model, x):
    x = jnp.asarray(x)
    params, state = initialised(model)
    y, _ = model.apply(params, state, x)
    rebuilt = layers.map_layers(lambda path, leaf: leaf, model)
    np.testing.assert_array_equal(rebuilt.apply(params, state, x)[0], y)
    table = layers.summary(model)
    assert table.parameters == sum(leaf.size for leaf in jax.tree.leaves(params))
    assert [row.path for row in table] == [*layers.intermediates(model, params, state, x)]


@few
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    batch_norm=st.booleans(),
    dropout=st.sampled_from([0.0, 0.5]),
)
def test_any_sizes_make_a_network_from_the_first_to_the_last(sizes, batch_norm, dropout):
    model = models.mlp(sizes, batch_norm=batch_norm, dropout=dropout)
    params, state = jax.eval_shape(model.init, KEY)
    y = jax.eval_shape(
        lambda p, s, x: model.apply(p, s, x)[0], params, state, np.ones((2, sizes[0]), np.float32)
    )
    assert y.shape == (2, sizes[-1])
    expected = sum(a * b + b for a, b in pairwise(sizes))
    expected += 2 * sum(sizes[1:-1]) * batch_norm
    assert layers.summary(model).parameters == expected


CLASSIFIERS = {
    "image_classifier": (models.image_classifier((28, 28), (3,), 4), 4),
    "simple_nn with a softmax": (models.simple_nn(softmax_output=True), 10),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
@few
@given(seed=st.integers(0, 2**32 - 1))
def test_classifiers_take_raw_images_and_give_a_number_for_each_class(name, seed):
    model, classes = CLASSIFIERS[name]
    images = np.random.default_rng(seed).integers(0, 256, (2, 28, 28), np.uint8)
    y, _ = model.apply(*initialised(model, jnp.float32), jnp.asarray(images))
    assert (y.shape, y.dtype) == ((2, classes), jnp.float32)
    assert jnp.isfinite(y).all()
    if name.endswith("softmax"):
        np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
