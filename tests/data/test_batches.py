"""The order of examples: a function of key and epoch, whatever traces or splits it."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import data
from jaxnn.data.batches import ORDER

KEY = jax.random.key(7)
DATASET = data.from_arrays(np.arange(40.0).reshape(20, 2), np.arange(20))


@pytest.mark.parametrize("n", [1, 2, 37, 60000])
def test_an_order_has_each_example_once(n):
    order = data.permutation(KEY, 3, n)
    assert order.dtype == jnp.int32
    np.testing.assert_array_equal(np.sort(order), np.arange(n))


def test_an_order_depends_on_key_and_epoch_alone():
    orders = [data.permutation(jax.random.key(k), e, 50) for k in range(3) for e in range(3)]
    assert len({tuple(order.tolist()) for order in orders}) == 9
    np.testing.assert_array_equal(data.permutation(jax.random.key(0), 0, 50), orders[0])


def test_an_order_is_the_same_when_the_epoch_is_traced():
    traced = jax.jit(data.permutation, static_argnums=2)
    scanned = jax.lax.map(lambda epoch: data.permutation(KEY, epoch, 50), jnp.arange(4))
    for epoch in range(4):
        order = data.permutation(KEY, epoch, 50)
        np.testing.assert_array_equal(traced(KEY, epoch, 50), order)
        np.testing.assert_array_equal(scanned[epoch], order)


def test_an_order_is_the_same_without_float64():
    order = data.permutation(KEY, 1, 1000)
    with jax.enable_x64(False):
        np.testing.assert_array_equal(data.permutation(KEY, 1, 1000), order)


def test_an_order_shares_no_key_with_a_step():
    """Training draws from `fold_in(key, step)`, and from what is folded into that."""
    epochs = jnp.arange(10)
    order_keys = jax.vmap(lambda epoch: jax.random.fold_in(jax.random.fold_in(KEY, ORDER), epoch))
    order = jax.random.permutation(order_keys(epochs)[3], jnp.arange(50, dtype=jnp.int32))
    np.testing.assert_array_equal(data.permutation(KEY, 3, 50), order)
    steps = jax.vmap(lambda step: jax.random.fold_in(KEY, step))(jnp.arange(10_000))
    children = jax.vmap(lambda key: jax.random.split(key, 10))(steps).reshape(-1)
    words = lambda keys: {tuple(word) for word in jax.random.key_data(keys).tolist()}
    assert not words(order_keys(epochs)) & (words(steps) | words(children))


@pytest.mark.parametrize(("m", "sizes"), [(20, [8, 8, 4]), (16, [8, 8]), (5, [5]), (0, [])])
def test_batches_follow_the_order_to_its_end(m, sizes):
    order = data.permutation(KEY, 0, 20)[:m]
    parts = list(data.batches(DATASET, order, 8))
    assert [part.size for part in parts] == sizes
    labels = [label for part in parts for label in part.labels.tolist()]
    assert labels == order.tolist()
    for part in parts:
        np.testing.assert_array_equal(part.images[:, 0], 2 * np.asarray(part.labels))


def test_batches_may_lie_on_a_device():
    dataset = data.Dataset(*map(jnp.asarray, DATASET))
    (part,) = data.batches(dataset, np.array([3, 1]), 8)
    assert isinstance(part.images, jax.Array)
    assert part.labels.tolist() == [3, 1]


@pytest.mark.parametrize("as_array", [np.asarray, jnp.asarray])
@pytest.mark.parametrize(("fraction", "size"), [(0.1, 2), (0.26, 5), (0.5, 10), (0.95, 19)])
def test_a_split_draws_the_second_part(fraction, size, as_array):
    dataset = data.Dataset(*map(as_array, DATASET))
    rest, drawn = dataset.split(fraction, KEY)
    assert (rest.size, drawn.size) == (20 - size, size)
    assert sorted([*rest.labels.tolist(), *drawn.labels.tolist()]) == list(range(20))
    for part in (rest, drawn):
        assert part.labels.tolist() == sorted(part.labels.tolist()), "in the original order"
        np.testing.assert_array_equal(part.images[:, 0], 2 * np.asarray(part.labels))


def test_a_split_is_a_function_of_the_key():
    draws = [tuple(DATASET.split(0.5, jax.random.key(k))[1].labels) for k in range(20)]
    assert len(set(draws)) == 20
    assert tuple(DATASET.split(0.5, jax.random.key(3))[1].labels) == draws[3]
    with jax.enable_x64(False):
        assert tuple(DATASET.split(0.5, jax.random.key(3))[1].labels) == draws[3]
    often = np.bincount(np.concatenate(draws), minlength=20)
    assert often.min() >= 3, "each example is drawn about ten times in twenty"
    assert often.max() <= 17


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: DATASET.split(0.0, KEY), r"in \(0, 1\), got 0.0"),
        (lambda: DATASET.split(1, KEY), r"in \(0, 1\), got 1"),
        (lambda: DATASET.split(-0.1, KEY), r"in \(0, 1\), got -0.1"),
        (lambda: DATASET.split(float("nan"), KEY), r"in \(0, 1\), got nan"),
        (lambda: DATASET.split(0.02, KEY), "0.02 of 20 examples leaves one part empty"),
        (lambda: DATASET.split(0.98, KEY), "0.98 of 20 examples leaves one part empty"),
        (lambda: data.permutation(KEY, 0, 0), "n must be a whole number of at least 1, got 0"),
        (lambda: data.permutation(KEY, -1, 5), r"epoch must be a number in \[0, inf\), got -1"),
        (lambda: data.batches(DATASET, np.arange(20), 0), "batch_size must be .*, got 0"),
        (lambda: data.batches(DATASET, np.arange(20), 2.5), "batch_size must be .*, got 2.5"),
    ],
)
def test_wrong_use_is_answered(use, message):
    with pytest.raises(ValueError, match=message):
        use()


def test_the_function_batches_is_not_hidden_by_its_module():
    program = "from jaxnn import data; data.permutation; print(callable(data.batches))"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.stdout.strip() == "True", process.stderr
