"""Shifts: each image by its own offset, exactly, under every transformation of JAX."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import data

KEY = jax.random.key(11)


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """One image, pixel by pixel."""
    result = np.zeros_like(image)
    for i, j in itertools.product(range(image.shape[0]), range(image.shape[1])):
        if 0 <= i - down < image.shape[0] and 0 <= j - right < image.shape[1]:
            result[i, j] = image[i - down, j - right]
    return result


def offsets(images: np.ndarray, results: np.ndarray, max_shift: int) -> list[tuple[int, int]]:
    """The one shift of each image that gives its result."""
    steps = range(-max_shift, max_shift + 1)
    found = []
    for image, result in zip(images, results, strict=True):
        fits = [
            (down, right)
            for down, right in itertools.product(steps, steps)
            if np.array_equal(shifted(image, down, right), result)
        ]
        assert len(fits) == 1
        found += fits
    return found


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(20, 7, 5), (20, 7, 5, 3), (20, 7, 5, 1)])
@pytest.mark.parametrize("max_shift", [1, 2])
def test_each_image_is_shifted_exactly(dtype, shape, max_shift):
    images = np.random.default_rng(0).integers(1, 256, shape).astype(dtype)
    results = data.shift_images(KEY, images, max_shift)
    assert results.dtype == images.dtype
    assert len(set(offsets(images, np.asarray(results), max_shift))) > 3


def test_every_offset_is_drawn_as_often():
    n, max_shift = 20_000, 1
    point = np.zeros((n, 5, 5), np.uint8)
    point[:, 2, 2] = 1
    results = np.asarray(data.shift_images(KEY, point, max_shift))
    counts = results.sum(axis=0)[1:4, 1:4]
    assert counts.sum() == n
    deviation = np.sqrt(n * (1 / 9) * (8 / 9))
    assert np.abs(counts - n / 9).max() < 4 * deviation


def test_a_shift_is_a_function_of_key_and_batch():
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
    results = data.shift_images(KEY, images)
    np.testing.assert_array_equal(jax.jit(data.shift_images)(KEY, images), results)
    with jax.enable_x64(False):
        np.testing.assert_array_equal(data.shift_images(KEY, images), results)
    assert not np.array_equal(data.shift_images(jax.random.key(12), images), results)


def test_shifts_run_inside_a_scan_and_under_vmap():
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, (3, 10, 8, 8), np.uint8))
    keys = jax.random.split(KEY, 3)
    _, scanned = jax.lax.scan(
        lambda carry, batch: (carry, data.shift_images(*batch)), None, (keys, images)
    )
    one_by_one = [data.shift_images(key, batch) for key, batch in zip(keys, images, strict=True)]
    np.testing.assert_array_equal(scanned, np.stack(one_by_one))
    np.testing.assert_array_equal(jax.vmap(data.shift_images)(keys, images), scanned)


@pytest.mark.parametrize(
    ("images", "max_shift", "message"),
    [
        (np.zeros((5, 784)), 1, r"\(batch, height, width, channels\), got \(5, 784\)"),
        (np.zeros((5, 2, 2, 2, 2)), 1, r"got \(5, 2, 2, 2, 2\)"),
        (np.zeros((5, 8, 8)), 0, "max_shift must be a whole number of at least 1, got 0"),
        (np.zeros((5, 8, 8)), 0.5, "max_shift must be a whole number of at least 1, got 0.5"),
    ],
)
def test_wrong_use_is_answered(images, max_shift, message):
    with pytest.raises(ValueError, match=message):
        data.shift_images(KEY, images, max_shift)
