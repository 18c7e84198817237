"""Checks of what the figures are given: raised before anything is drawn, naming what came."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def check_images(where: str, images: Any) -> np.ndarray:
    """Checks `images` (n, height, width), or with 1 or 3 channels: uint8, or floats in [0, 1].

    `where` names the function in messages. What comes back has no last axis of 1.

    >>> check_images("f", np.zeros((5, 28, 28, 1), np.uint8)).shape
    (5, 28, 28)
    """
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if not (images.ndim == 3 or (images.ndim == 4 and images.shape[-1] == 3)) or not images.size:
        raise ValueError(
            f"{where}: expected images of shape (n, height, width) or (n, height, width, channels)"
            f" with 1 or 3 channels, got shape {images.shape}"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind in "iub":
        raise TypeError(f"{where}: expected images in uint8 or floats, got {images.dtype}")
    return _check_unit(where, "images", images)


def check_labels(where: str, labels: Any, count: int) -> np.ndarray:
    """Checks integer `labels` (count,), none of them negative.

    >>> check_labels("where", [1, 2], count=3)
    Traceback (most recent call last):
        ...
    ValueError: where: expected one label for each image, got labels of shape (2,) for 3 images
    """
    labels = np.asarray(labels)
    if labels.shape != (count,):
        raise ValueError(
            f"{where}: expected one label for each image, got labels of shape {labels.shape} "
            f"for {count} images"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{where}: expected integer labels, got {labels.dtype}")
    if labels.min() < 0:
        raise ValueError(f"{where}: expected labels of at least 0, got {labels.min()}")
    return labels


def check_probabilities(where: str, probabilities: Any, labels: np.ndarray) -> np.ndarray:
    """Checks `probabilities` (n, classes) of images with these `labels`; each row sums to 1.

    >>> check_probabilities("where", [[1.0, 2.0]], np.array([0]))
    Traceback (most recent call last):
        ...
    ValueError: where: expected probabilities in [0, 1], got values from 1 to 2
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or len(probabilities) != len(labels):
        raise ValueError(
            f"{where}: expected probabilities of shape ({len(labels)}, classes), one row an image,"
            f" got shape {probabilities.shape}"
        )
    if labels.max() >= probabilities.shape[1]:
        raise ValueError(
            f"{where}: expected labels below the {probabilities.shape[1]} classes of the"
            f" probabilities, got {labels.max()}"
        )
    probabilities = _check_unit(where, "probabilities", probabilities)
    sums = probabilities.sum(axis=1)
    worst = sums[np.argmax(np.abs(sums - 1))]
    if abs(worst - 1) > 0.01:
        raise ValueError(f"{where}: expected probabilities that sum to 1, got a sum of {worst:g}")
    return probabilities


def check_class_names(where: str, names: Sequence[str] | None, count: int) -> list[str]:
    """A name for each of `count` classes: the first of `names`, or their numbers.

    >>> check_class_names("where", None, 3)
    ['0', '1', '2']
    """
    if names is None:
        return [str(index) for index in range(count)]
    if len(names) < count:
        raise ValueError(f"{where}: expected class_names of {count} classes, got {len(names)}")
    return [str(name) for name in names[:count]]


def check_vector(where: str, name: str, values: Any, length: int | None = None) -> np.ndarray:
    """Checks `values` called `name`: numbers (length,), at least one.

    >>> check_vector("where", "x", [[1.0]])
    Traceback (most recent call last):
        ...
    ValueError: where: expected x of shape (n,) with n at least 1, got (1, 1)
    """
    values = np.asarray(values)
    if values.ndim != 1 or not values.size or length not in (None, len(values)):
        expected = "(n,) with n at least 1" if length is None else f"({length},)"
        raise ValueError(f"{where}: expected {name} of shape {expected}, got {values.shape}")
    return values.astype(np.float64)


def _check_unit(where: str, name: str, values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"{where}: expected {name} in [0, 1], got values from {values.min():g}"
            f" to {values.max():g}"
        )
    return values
