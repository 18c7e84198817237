"""A data set from two arrays, checked, and the names of its classes."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxnn.typing import Dataset

CLASS_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "emnist_letters": ("-", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),  # its labels are 1 to 26
}


def from_arrays(images: Any, labels: Any, *, num_classes: int | None = None) -> Dataset:
    """A data set from images and labels in memory, checked.

    Args:
      images: uint8 images `(n, height, width)`, or floating inputs `(n, ...)`; anything that NumPy
        makes an array of.
      labels: integer classes `(n,)`, or floating targets `(n, ...)`.
      num_classes: how many classes there are; None leaves the labels' range open.

    Returns:
      `Dataset(images, labels)` of NumPy arrays; integer labels become int32.

    Raises:
      TypeError: a dtype is not one of those.
      ValueError: there are no examples, unequal numbers of images and labels, a wrong rank, or a
        label outside `[0, num_classes)`.

    Example:
      >>> dataset = from_arrays(np.zeros((3, 28, 28), np.uint8), [7, 2, 1], num_classes=10)
      >>> dataset.size, dataset.labels
      (3, array([7, 2, 1], dtype=int32))
    """
    images, labels = np.asarray(images), np.asarray(labels)
    _require_shapes(images, labels)
    if images.dtype != np.uint8 and not _is_floating(images):
        raise TypeError(f"from_arrays: images must be uint8 or floating, got {images.dtype}")
    return Dataset(images, check_labels("from_arrays", labels, num_classes))


def check_labels(place: str, labels: np.ndarray, num_classes: int | None) -> np.ndarray:
    """Integer labels as int32, floating targets as they are; raises what `from_arrays` does."""
    _require_classes(place, num_classes)
    if np.issubdtype(labels.dtype, np.integer):
        return _classes(place, labels, num_classes)
    if not _is_floating(labels):
        raise TypeError(f"{place}: labels must be integer or floating, got {labels.dtype}")
    if num_classes is not None:
        raise TypeError(
            f"{place}: the labels of {num_classes} classes must be integers, got {labels.dtype}"
        )
    return labels


def class_names(name: str, num_classes: int | None = None) -> tuple[str, ...]:
    """The names of a data set's classes, in the order of its labels.

    Args:
      name: `"mnist"`, `"fashion_mnist"`, `"kmnist"`, `"emnist_letters"`, a folder of such a name
        (`"data/fashion-mnist"`), or any other name.
      num_classes: how many classes a set of another name has.

    Returns:
      One name for each class: the known ones, or else the numbers from 0 on.

    Raises:
      ValueError: the name is unknown and the number of classes is not given.

    Example:
      >>> class_names("fashion_mnist")[9]
      'Ankle boot'
      >>> class_names("data/leaves", 3)
      ('0', '1', '2')
    """
    _require_classes("class_names", num_classes)
    known = CLASS_NAMES.get(Path(name).name.replace("-", "_"))
    if known is None and num_classes is None:
        names = ", ".join(map(repr, CLASS_NAMES))
        raise ValueError(f"class_names: the name must be one of {names}, got {name!r}")
    return known or tuple(map(str, range(num_classes or 0)))


def _require_classes(place: str, num_classes: int | None) -> None:
    if num_classes is not None and num_classes < 1:
        raise ValueError(f"{place}: num_classes must be at least 1, got {num_classes}")


def _require_shapes(images: np.ndarray, labels: np.ndarray) -> None:
    if images.ndim < 2:
        raise ValueError(f"from_arrays: images must be (n, ...), one a row, got {images.shape}")
    if labels.ndim < 1:
        raise ValueError(f"from_arrays: labels must be (n,) or (n, ...), got {labels.shape}")
    if len(images) != len(labels):
        raise ValueError(
            "from_arrays: images and labels must be equally many, "
            f"got {len(images)} images and {len(labels)} labels"
        )
    if images.size == 0:
        raise ValueError(f"from_arrays: there must be at least one example, got {images.shape}")


def _is_floating(array: np.ndarray) -> bool:
    return "float" in array.dtype.name  # `bfloat16` is no floating type to NumPy


def _classes(place: str, labels: np.ndarray, num_classes: int | None) -> np.ndarray:
    """Integer labels as int32, which lie in `[0, num_classes)`."""
    if labels.ndim != 1:
        raise ValueError(f"{place}: integer labels must be (n,), got {labels.shape}")
    int32 = np.iinfo(np.int32)
    low, end = (int32.min, int32.max + 1) if num_classes is None else (0, num_classes)
    outside = np.flatnonzero((labels < low) | (labels >= end))
    if outside.size:
        raise ValueError(
            f"{place}: labels must lie in [{low}, {end}), "
            f"got {labels[outside[0]]} at index {outside[0]}"
        )
    return labels.astype(np.int32)
