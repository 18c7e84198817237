"""Data of any size under any key: every example once, in its order, each label with its image."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jaxnn import data
from jaxnn.typing import Dataset
from tests.properties.draws import few, keys, some

sizes = st.sampled_from([1, 2, 7, 100])


def numbered(n):
    """A data set whose images say which example they are."""
    return Dataset(np.arange(n, dtype=np.float32)[:, None], np.arange(n, dtype=np.int32))


@some
@given(key=keys, epoch=st.integers(0, 2**31 - 1), n=sizes)
def test_an_order_has_each_example_once_and_is_the_same_again(key, epoch, n):
    order = data.permutation(key, epoch, n)
    assert order.dtype == jnp.int32
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    np.testing.assert_array_equal(order, data.permutation(key, epoch, n))


@some
@given(key=keys, epoch=st.integers(0, 1000))
def test_two_epochs_have_two_orders(key, epoch):
    first, second = (data.permutation(key, e, 100) for e in (epoch, epoch + 1))
    assert (first != second).any()


@some
@given(key=keys, n=sizes, batch_size=st.integers(1, 120))
def test_batches_are_the_order_cut_in_pieces(key, n, batch_size):
    order = np.asarray(data.permutation(key, 0, n))
    parts = [*data.batches(numbered(n), order, batch_size)]
    np.testing.assert_array_equal(np.concatenate([part.labels for part in parts]), order)
    assert [part.size for part in parts[:-1]] == [batch_size] * (len(parts) - 1)
    assert 1 <= parts[-1].size <= batch_size
    for part in parts:
        np.testing.assert_array_equal(part.images[:, 0], part.labels)


@some
@given(key=keys, n=st.sampled_from([2, 7, 100]), share=st.floats(0.01, 0.99))
def test_a_split_is_disjoint_complete_and_in_order(key, n, share):
    count = min(max(round(share * n), 1), n - 1)
    rest, drawn = numbered(n).split(count / n, key)
    assert (rest.size, drawn.size) == (n - count, count)
    np.testing.assert_array_equal(np.sort([*rest.labels, *drawn.labels]), np.arange(n))
    for part in (rest, drawn):
        assert (np.diff(part.labels) > 0).all()
        np.testing.assert_array_equal(part.images[:, 0], part.labels)


@some
@given(
    labels=st.lists(st.integers(0, 9), min_size=1, max_size=8),
    kind=st.sampled_from([np.uint8, np.int8, np.int64, np.uint64]),
    images=st.sampled_from([np.uint8, np.float16, np.float32, np.float64]),
)
def test_arrays_become_a_data_set_of_the_same_values(labels, kind, images):
    inputs = np.ones((len(labels), 2, 3), images)
    dataset = data.from_arrays(inputs, np.array(labels, kind), num_classes=10)
    assert (dataset.size, dataset.labels.dtype, dataset.images.dtype) == (
        len(labels), np.int32, images,
    )  # fmt: skip
    np.testing.assert_array_equal(dataset.labels, labels)


@some
@given(count=st.integers(1, 300), name=st.text(alphabet="abc/", max_size=5))
def test_classes_without_names_have_their_numbers(count, name):
    assert data.class_names(name, count) == tuple(map(str, range(count)))


@few
@given(
    key=keys,
    pixels=st.integers(0, 2**32 - 1).map(np.random.default_rng),
    shape=st.sampled_from([(3, 4, 5), (2, 4, 5, 3)]),
    farthest=st.sampled_from([1, 3]),
)
def test_a_shifted_image_is_the_image_moved_into_zeros(key, pixels, shape, farthest):
    images = pixels.integers(1, 256, shape, np.uint8)
    shifted = np.asarray(data.shift_images(key, jnp.asarray(images), farthest))
    assert (shifted.shape, shifted.dtype) == (shape, np.uint8)
    moves = range(-farthest, farthest + 1)
    padding = [(farthest, farthest)] * 2 + [(0, 0)] * (len(shape) - 3)
    for image, moved in zip(images, shifted, strict=True):
        padded = np.pad(image, padding)
        windows = [
            padded[farthest - i :, farthest - j :][: shape[1], : shape[2]]
            for i in moves
            for j in moves
        ]
        assert any(np.array_equal(moved, window) for window in windows)


@some
@given(key=keys)
def test_each_shift_is_as_frequent_as_chance_allows(key):
    images = jnp.tile(jnp.arange(1, 26, dtype=jnp.uint8).reshape(1, 5, 5), (450, 1, 1))
    shifted = np.asarray(data.shift_images(key, images)).reshape(450, 25)
    _, counts = np.unique(shifted, axis=0, return_counts=True)
    assert len(counts) == 9
    assert (abs(counts - 50) < 5 * (450 * 8 / 81) ** 0.5).all()
