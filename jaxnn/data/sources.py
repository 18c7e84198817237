"""Data sets that stay on disk: NumPy's files, mapped, and sources that give examples by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jaxnn.data.arrays import check_labels, from_arrays
from jaxnn.storage import Rows
from jaxnn.typing import Dataset

PIECE = 1024


class Source(Protocol):
    """Examples by their number: a `len`, and `source[i]`, a mapping or a tuple.

    `source.__getitems__(indices)`, which gives many at once, is used where there is one.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True, eq=False)
class StoredImages:
    """The images of a source as an array `(n, ...)` whose rows are read when they are asked for.

    Attributes:
      source: gives the examples.
      image: the name of the image in an example, or its position.
      shape: `(n, height, width)`, colour images `(n, height, width, 3)`, or `(n, ...)`.
      dtype: of the images.
    """

    source: Source
    image: Any
    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: Any) -> np.ndarray:
        numbers = np.arange(len(self))[indices]
        examples = _examples(self.source, np.atleast_1d(numbers))
        images = [_image(example[self.image]) for example in examples]
        for index, image in zip(np.atleast_1d(numbers), images, strict=True):
            if (image.shape, image.dtype) != (self.shape[1:], self.dtype):
                raise ValueError(
                    f"the images of a source must all be {self.dtype} of shape {self.shape[1:]} "
                    f"like the first, got {image.dtype} of shape {image.shape} at index {index}"
                )
        stacked = np.stack(images) if images else np.empty((0, *self.shape[1:]), self.dtype)
        return stacked.reshape(*np.shape(numbers), *self.shape[1:])


def open_npy(images: str | Path, labels: str | Path, *, num_classes: int | None = None) -> Dataset:
    """A data set of two files that `numpy.save` wrote, larger than memory if need be.

    The images are mapped and read when they are needed, the labels are read now.

    Args:
      images: the file of uint8 images `(n, height, width)`, or floating inputs `(n, ...)`.
      labels: the file of integer classes `(n,)`, or floating targets `(n, ...)`.
      num_classes: how many classes there are; None leaves the labels' range open.

    Returns:
      A `Dataset` whose images are stored, its labels a NumPy array.

    Raises:
      FileNotFoundError: there is no such file.
      TypeError, ValueError: as `data.from_arrays`.

    Example:
      >>> import tempfile
      >>> folder = Path(tempfile.mkdtemp())
      >>> np.save(folder / "images.npy", np.zeros((3, 28, 28), np.uint8))
      >>> np.save(folder / "labels.npy", np.array([7, 2, 1]))
      >>> open_npy(folder / "images.npy", folder / "labels.npy").images
      3 of 3 rows, uint8 of shape (3, 28, 28)
    """
    mapped, read = from_arrays(
        np.load(images, mmap_mode="r"), np.load(labels), num_classes=num_classes
    )
    return Dataset(Rows(mapped, np.arange(len(mapped))), read)


def from_source(
    source: Source,
    *,
    image: Any = "image",
    label: Any = "label",
    num_classes: int | None = None,
) -> Dataset:
    """A data set of examples that a source gives by their number, larger than memory if need be.

    Any map-style data set of Grain, Hugging Face or PyTorch is such a source, and so are TFDS's
    `as_data_source` and a list. Images are read when they are needed, the labels once, now.

    Args:
      source: `len(source)` examples `source[i]`, each a mapping or a tuple.
      image: the name of the image in an example, or its position: uint8 or floating, all of one
        shape; grey images `(height, width, 1)` lose the axis of their channel.
      label: the name of the label, or its position: an integer class, or floating targets.
      num_classes: how many classes there are; None leaves the labels' range open.

    Returns:
      A `Dataset` whose images are `StoredImages`, its labels a NumPy array.

    Raises:
      TypeError: a dtype is not one of those.
      ValueError: there are no examples, or a label lies outside `[0, num_classes)`.

    Example:
      >>> source = [(np.zeros((28, 28), np.uint8), 7), (np.ones((28, 28), np.uint8), 2)]
      >>> dataset = from_source(source, image=0, label=1, num_classes=10)
      >>> dataset.images.shape, dataset.labels
      ((2, 28, 28), array([7, 2], dtype=int32))
      >>> dataset.images[np.array([1])].max()
      np.uint8(1)
    """
    if len(source) == 0:
        raise ValueError("from_source: there must be at least one example, got none")
    images = stored_images(source, image)
    return Dataset(images, read_labels(source, label, num_classes))


def stored_images(source: Source, image: Any) -> StoredImages:
    """The images of a source, of the shape and the dtype of the first."""
    first = _image(source[0][image])
    if first.dtype != np.uint8 and "float" not in first.dtype.name:
        raise TypeError(f"from_source: images must be uint8 or floating, got {first.dtype}")
    return StoredImages(source, image, (len(source), *first.shape), first.dtype)


def read_labels(source: Source, label: Any, num_classes: int | None) -> np.ndarray:
    """The labels of all examples of a source, checked; the examples are read in pieces."""
    starts = range(0, len(source), PIECE)
    pieces = (np.arange(start, min(start + PIECE, len(source))) for start in starts)
    labels = [example[label] for piece in pieces for example in _examples(source, piece)]
    return check_labels("from_source", np.array(labels), num_classes)


def _examples(source: Any, indices: np.ndarray) -> Sequence[Any]:
    if hasattr(source, "__getitems__"):
        return source.__getitems__(indices.tolist())
    return [source[index] for index in indices.tolist()]


def _image(image: Any) -> np.ndarray:
    """Without the axis of its channel, if it is a grey one."""
    image = np.asarray(image)
    return image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
