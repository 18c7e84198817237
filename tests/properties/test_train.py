"""Training and evaluation of any data: whole or in batches, compiled or not, any number of them."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jaxnn import layers, losses, optim, train
from jaxnn.data import batches, permutation
from jaxnn.typing import Dataset
from tests.properties.draws import classes, few, keys, reals
from torch_port import data as torch_data
from torch_port import train as torch_train

MODEL = layers.serial(layers.dense(2, 4), layers.activation(jnp.tanh), layers.dense(4, 3))
LOSS = losses.softmax_cross_entropy
SIZE = 5
POINTS = st.builds(
    lambda x, labels: Dataset(jnp.asarray(x), jnp.asarray(labels)),
    reals(SIZE, 2, low=-3, high=3),
    classes(SIZE, 3),
)
PARAMS, STATE = MODEL.init(jax.random.key(0), jnp.float64)


def assert_close(tree, other):
    for a, b in zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@few
@given(points=POINTS, batch_size=st.sampled_from([2, 7]))
def test_batches_of_any_size_measure_and_predict_the_same(points, batch_size):
    outputs, _ = MODEL.apply(PARAMS, STATE, points.images)
    predicted = train.predict(MODEL, PARAMS, STATE, points.images, batch_size=batch_size)
    np.testing.assert_allclose(predicted, outputs, rtol=1e-12, atol=1e-13)
    found = train.evaluate(MODEL, PARAMS, STATE, points, loss=LOSS, batch_size=batch_size)
    assert found["loss"] == pytest.approx(float(LOSS(outputs, points.labels).mean()), rel=1e-12)
    assert found["accuracy"] == float(
        np.mean(np.argmax(np.asarray(outputs), axis=1) == np.asarray(points.labels))
    )


def test_no_examples_have_no_outputs_and_no_value():
    none = Dataset(jnp.zeros((0, 2)), jnp.zeros(0, jnp.int32))
    assert train.predict(MODEL, PARAMS, STATE, none.images, batch_size=2).shape == (0, 3)
    with pytest.raises(ValueError, match="evaluate: dataset must hold"):
        train.evaluate(MODEL, PARAMS, STATE, none, loss=LOSS, batch_size=2)
    twin, none = torch.nn.Linear(2, 3), torch_data.Dataset(torch.zeros(0, 2), torch.zeros(0))
    assert torch_train.predict(twin, none.images, batch_size=2).shape == (0, 3)
    with pytest.raises(ValueError, match="evaluate: dataset must hold"):
        torch_train.evaluate(twin, none, loss=torch.nn.functional.cross_entropy, batch_size=2)


@cache
def programs(batch_size):
    optimizer = optim.adam(0.1)
    step = train.make_train_step(MODEL, optimizer, LOSS)
    return optimizer, jax.jit(step), train.make_epoch(MODEL, optimizer, LOSS, batch_size=batch_size)


@few
@given(points=POINTS, key=keys, batch_size=st.sampled_from([2, 5]))
def test_an_epoch_is_its_steps_in_the_order_of_the_permutation(points, key, batch_size):
    optimizer, step, epoch = programs(batch_size)
    by_hand = train.init_train_state(MODEL, optimizer, key, jnp.float64)
    order, total = permutation(by_hand.key, 0, SIZE), 0.0
    for batch in batches(points, order, batch_size):
        by_hand, measured = step(by_hand, batch)
        total += float(measured["loss"].sum)
    start = train.init_train_state(MODEL, optimizer, key, jnp.float64)
    after, measured = epoch(start, points)
    assert_close((after.params, after.opt_state), (by_hand.params, by_hand.opt_state))
    assert after.step == by_hand.step == -(-SIZE // batch_size)
    assert measured["loss"].count == SIZE
    assert float(measured["loss"].sum) == pytest.approx(total, rel=1e-12)


@few
@given(points=POINTS, key=keys)
def test_a_small_step_downhill_lowers_the_loss(points, key):
    optimizer = optim.sgd(1e-3)
    step = train.make_train_step(MODEL, optimizer, LOSS)
    state = train.init_train_state(MODEL, optimizer, key, jnp.float64)
    after, before = step(state, points)
    _, lower = step(after, points)
    assert lower["loss"].value < before["loss"].value
