"""Data sets from arrays of one's own, and the names of classes."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import data

IMAGES = np.zeros((3, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "images_dtype", "labels_dtype"),
    [
        (IMAGES, [7, 2, 1], "uint8", "int32"),
        (IMAGES, np.array([7, 2, 1], np.uint8), "uint8", "int32"),
        (np.ones((3, 5)), np.array([7, 2, 1]), "float64", "int32"),
        (jnp.ones((3, 5), jnp.bfloat16), jnp.array([7, 2, 1]), "bfloat16", "int32"),
        ([[0.5], [0.1], [0.2]], [5.0, 7.0, 9.0], "float64", "float64"),
        (np.ones((3, 5), np.float32), np.ones((3, 10), np.float32), "float32", "float32"),
    ],
)
def test_arrays_are_taken_as_they_are(images, labels, images_dtype, labels_dtype):
    dataset = data.from_arrays(images, labels)
    assert isinstance(dataset, data.Dataset)
    assert (dataset.images.dtype.name, dataset.labels.dtype.name) == (images_dtype, labels_dtype)
    np.testing.assert_array_equal(dataset.images, np.asarray(images))
    np.testing.assert_array_equal(dataset.labels, np.asarray(labels))
    assert dataset.size == 3


def test_labels_of_all_classes_are_taken():
    assert data.from_arrays(IMAGES, [0, 9, 5], num_classes=10).size == 3
    assert data.from_arrays(IMAGES, [0, -100, 5]).size == 3, "a label to ignore"


@pytest.mark.parametrize(
    ("images", "labels", "num_classes", "error", "message"),
    [
        (IMAGES, [1, 2], None, ValueError, "equally many, got 3 images and 2 labels"),
        (
            IMAGES[:0],
            np.zeros(0, int),
            None,
            ValueError,
            r"at least one example, got \(0, 28, 28\)",
        ),
        (
            np.zeros(3),
            [1, 2, 3],
            None,
            ValueError,
            r"images must be \(n, ...\), one a row, got \(3,",
        ),
        (IMAGES, 7, None, ValueError, r"labels must be \(n,\) or \(n, ...\), got \(\)"),
        (IMAGES, np.eye(3, dtype=int), None, ValueError, r"labels must be \(n,\), got \(3, 3\)"),
        (IMAGES, [1, 2, 10], 10, ValueError, r"lie in \[0, 10\), got 10 at index 2"),
        (IMAGES, [1, -1, 10], 10, ValueError, r"lie in \[0, 10\), got -1 at index 1"),
        (IMAGES, [1, 2, 1 << 31], None, ValueError, "2147483648 at index 2"),
        (IMAGES.astype(int), [1, 2, 3], None, TypeError, "uint8 or floating, got int64"),
        (IMAGES.astype(bool), [1, 2, 3], None, TypeError, "uint8 or floating, got bool"),
        (IMAGES, [True, False, True], None, TypeError, "integer or floating, got bool"),
        (IMAGES, ["a", "b", "c"], None, TypeError, "integer or floating, got <U1|str"),
        (IMAGES, [1.0, 2.0, 3.0], 10, TypeError, "10 classes must be integers, got float64"),
    ],
)
def test_wrong_arrays_are_answered(images, labels, num_classes, error, message):
    with pytest.raises(error, match=message):
        data.from_arrays(images, labels, num_classes=num_classes)


@pytest.mark.parametrize(
    ("name", "label", "expected", "count"),
    [
        ("mnist", 7, "7", 10),
        ("fashion_mnist", 5, "Sandal", 10),
        ("/data/fashion-mnist", 9, "Ankle boot", 10),
        ("kmnist", 1, "ki", 10),
        ("emnist_letters", 26, "Z", 27),
    ],
)
def test_known_classes_have_names(name, label, expected, count):
    assert data.class_names(name)[label] == expected
    assert len(data.class_names(name)) == count


def test_other_classes_have_numbers():
    assert data.class_names("leaves", 3) == ("0", "1", "2")
    with pytest.raises(ValueError, match=r"one of 'mnist', 'fashion_mnist', .*, got 'leaves'"):
        data.class_names("leaves")
