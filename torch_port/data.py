"""Data sets as two tensors: `jaxnn`'s readers, PyTorch's `TensorDataset` and `DataLoader`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from jaxnn import data as readers
from torch_port.checks import (
    require_all_in,
    require_dataset,
    require_in,
    require_positive_integer,
    require_tensor,
)
from torch_port.seeds import fold_in

# As in `jaxnn`: an epoch's shuffle shall share no seed with a step's dropout.
ORDER = 0x6F726472


class Dataset(TensorDataset):
    """Images, or inputs of any shape, and their labels: PyTorch's `TensorDataset` of two.

    Args:
      images: uint8 images `(n, height, width)`, or floating inputs `(n, ...)`.
      labels: int64 classes `(n,)`, as `F.cross_entropy` wants them, or floating targets `(n, ...)`.

    Raises:
      TypeError: they are not tensors; `from_arrays` takes other arrays.
      ValueError: they are not equally many.

    Example:
      >>> dataset = Dataset(torch.zeros(5, 28, 28, dtype=torch.uint8), torch.arange(5))
      >>> image, label = dataset[3]
      >>> dataset.size, image.shape, label
      (5, torch.Size([28, 28]), tensor(3))
    """

    def __init__(self, images: Tensor, labels: Tensor):
        require_tensor("Dataset", "images", images)
        require_tensor("Dataset", "labels", labels)
        if images.ndim == 0 or images.shape[:1] != labels.shape[:1]:
            raise ValueError(
                "Dataset: images and labels must be equally many, "
                f"got shapes {tuple(images.shape)} and {tuple(labels.shape)}"
            )
        super().__init__(images, labels)
        self.images = images
        self.labels = labels

    @property
    def size(self) -> int:
        """The number of examples, as `len`."""
        return len(self)

    def split(self, fraction: float, generator: Generator) -> tuple[Dataset, Dataset]:
        """Draws examples without replacement: `train, validation = train.split(0.1, generator)`.

        `torch.utils.data.random_split` gives the parts in the order drawn, here it is the original.

        Args:
          fraction: the second set's share of the n examples.
          generator: for the draw.

        Returns:
          `(rest, drawn)`: `drawn` holds `round(fraction · n)` examples, `rest` the others.

        Raises:
          ValueError: the fraction is outside (0, 1), or leaves one of the two empty.

        Example:
          >>> dataset = Dataset(torch.zeros(10, 28, 28), torch.arange(10))
          >>> rest, drawn = dataset.split(0.3, torch.Generator().manual_seed(0))
          >>> rest.size, drawn.size
          (7, 3)
        """
        require_in("(0, 1)", fraction, "split: fraction")
        count = round(fraction * self.size)
        if count in (0, self.size):
            raise ValueError(
                f"split: a fraction of {fraction} of {self.size} examples leaves one part empty"
            )
        drawn = torch.zeros(self.size, dtype=torch.bool)
        drawn[torch.randperm(self.size, generator=generator)[:count]] = True
        rest = Dataset(self.images[~drawn], self.labels[~drawn])
        return rest, Dataset(self.images[drawn], self.labels[drawn])


class_names = readers.class_names


def from_arrays(images: Any, labels: Any, *, num_classes: int | None = None) -> Dataset:
    """A data set from images and labels in memory, checked.

    Args:
      images: uint8 images `(n, height, width)`, or floating inputs `(n, ...)`; anything that NumPy
        makes an array of.
      labels: integer classes `(n,)`, or floating targets `(n, ...)`.
      num_classes: how many classes there are; None leaves the labels' range open.

    Example:
      >>> dataset = from_arrays(np.zeros((3, 28, 28), np.uint8), [7, 2, 1], num_classes=10)
      >>> dataset.size, dataset.labels
      (3, tensor([7, 2, 1]))
    """
    return _to_tensors(readers.from_arrays(images, labels, num_classes=num_classes))


def shift_images(generator: Generator, images: Tensor, max_shift: int = 1) -> Tensor:
    """Moves each image by a random whole number of pixels along both axes; zeros move in.

        y[b, i, j] = x[b, i − dᵢ, j − dⱼ],   dᵢ, dⱼ uniform in {−max_shift, …, max_shift}

    Args:
      generator: for the draw.
      images: `(batch, height, width)` or `(batch, height, width, channels)`, of any dtype.
      max_shift: the farthest move, in pixels.

    Raises:
      ValueError: the images have another rank, or `max_shift` is not a positive integer.

    Example:
      >>> images = torch.ones(2, 28, 28, dtype=torch.uint8)
      >>> shift_images(torch.Generator().manual_seed(0), images).shape
      torch.Size([2, 28, 28])
    """
    require_positive_integer(max_shift, "shift_images: max_shift")
    if images.ndim not in (3, 4):
        raise ValueError(
            "shift_images: images must be (batch, height, width) or "
            f"(batch, height, width, channels), got {tuple(images.shape)}"
        )
    batch, height, width = images.shape[:3]
    margins = [max_shift] * 4 if images.ndim == 3 else [0, 0, *[max_shift] * 4]  # last axis first
    padded = F.pad(images, margins)
    corners = torch.randint(2 * max_shift + 1, (2, batch, 1), generator=generator)
    rows = corners[0] + torch.arange(height)
    columns = corners[1] + torch.arange(width)
    return padded[torch.arange(batch)[:, None, None], rows[:, :, None], columns[:, None, :]]


def batches(dataset: Dataset, order: Any, batch_size: int) -> DataLoader:
    """The data set in batches, in the given order, the smaller last batch included.

    A `DataLoader` whose sampler gives the indices of whole batches: it takes each batch out of the
    tensors at once, where `batch_size=64` would take 64 examples one by one and stack them.

    Args:
      dataset: images `(n, ...)` and labels `(n, ...)`.
      order: integers `(m,)`, the indices of examples, as `permutation` gives them, or `jaxnn`'s.
      batch_size: examples in each batch but the last.

    Returns:
      An iterable over ⌈m / batch_size⌉ pairs of images and labels.

    Raises:
      ValueError: the batch size is not a positive integer, there are no examples, or the order
        names one that is not there.

    Example:
      >>> dataset = Dataset(torch.zeros(5, 28, 28), torch.arange(5))
      >>> [labels.tolist() for images, labels in batches(dataset, [4, 0, 3, 1, 2], 2)]
      [[4, 0], [3, 1], [2]]
    """
    require_positive_integer(batch_size, "batches: batch_size")
    require_dataset("batches: dataset", dataset)
    order = np.asarray(order)
    if order.size and not np.issubdtype(order.dtype, np.integer):
        raise ValueError(f"batches: order must be integers, got {order.dtype}")
    order = torch.tensor(order)  # a copy, for JAX's arrays are not writable
    require_all_in(f"[0, {dataset.size - 1}]", order, "batches: order")
    parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return DataLoader(dataset, sampler=parts, batch_size=None)


def permutation(seed: int, epoch: int, n: int) -> Tensor:
    """The order in which an epoch takes its examples: a function of the seed and the epoch.

    Args:
      seed: the training's seed.
      epoch: from 0 on.
      n: the number of examples.

    Returns:
      int64 `(n,)`, each of 0 to n − 1 once.

    Raises:
      ValueError: the epoch is negative, or n is not a positive integer.

    Example:
      >>> permutation(0, 0, 5).sort().values
      tensor([0, 1, 2, 3, 4])
    """
    require_in("[0, inf)", epoch, "permutation: epoch")
    require_positive_integer(n, "permutation: n")
    order_seed = fold_in(fold_in(seed, ORDER), epoch)
    return torch.randperm(n, generator=Generator().manual_seed(order_seed))


read_image = readers.read_image


def load_idx(folder: str | Path) -> tuple[Dataset, Dataset]:
    """The training and the test set of a folder of IDX files, as `jaxnn` reads them.

    Args:
      folder: holds the four files of one data set.

    Example:
      >>> from jaxnn.data import mnist
      >>> train, test = load_idx(mnist.FILES)
      >>> train.images.shape, test.labels.shape
      (torch.Size([60000, 28, 28]), torch.Size([10000]))
    """
    train, test = readers.load_idx(folder)
    return _to_tensors(train), _to_tensors(test)


read_idx = readers.read_idx
cache_folder = readers.cache_folder


def load(name: str) -> tuple[Dataset, Dataset]:
    """The training and the test set of an embedded data set; needs no network.

    Args:
      name: `"mnist"`, the only one that is embedded.

    Example:
      >>> train, test = load("mnist")
      >>> train.images.shape, train.images.dtype, test.size
      (torch.Size([60000, 28, 28]), torch.uint8, 10000)
      >>> train.labels[:5]
      tensor([5, 0, 4, 1, 9])
    """
    train, test = readers.load(name)
    return _to_tensors(train), _to_tensors(test)


def load_tfds(name: str, data_dir: str | Path | None = None) -> tuple[Dataset, Dataset]:
    """The training and the test set of an image-classification set prepared by TFDS.

    Args:
      name: the set's folder in `data_dir`: `"mnist"`, or with the version, `"mnist/3.0.1"`.
      data_dir: where TFDS keeps its data; None for `$TFDS_DATA_DIR` or `~/tensorflow_datasets`.

    Example:
      >>> load_tfds("mnist", "nowhere")
      Traceback (most recent call last):
          ...
      FileNotFoundError: load_tfds: nothing is prepared in nowhere/mnist; prepare it with ...
    """
    train, test = readers.load_tfds(name, data_dir)
    return _to_tensors(train), _to_tensors(test)


def _to_tensors(dataset: readers.Dataset) -> Dataset:
    labels = torch.tensor(dataset.labels)
    is_floating = labels.is_floating_point()
    return Dataset(torch.tensor(dataset.images), labels if is_floating else labels.long())
