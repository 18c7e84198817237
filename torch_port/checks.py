"""Checks of arguments that PyTorch would broadcast, promote or let pass, as those of `jaxnn`."""

import math
from typing import Any

import torch
from torch import Tensor


def require_in(interval: str, value: Any, name: str) -> None:
    """Raises a `ValueError` unless the number lies in the interval.

    >>> require_in("[0, 1)", 0.5, "dropout: rate")
    >>> require_in("[0, 1)", 1.0, "dropout: rate")
    Traceback (most recent call last):
        ...
    ValueError: dropout: rate must be a number in [0, 1), got 1.0
    """
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    number = math.nan if isinstance(value, (bool, str)) or value is None else float(value)
    above = number >= low if interval.startswith("[") else number > low
    below = number <= high if interval.endswith("]") else number < high
    if not (above and below):
        raise ValueError(f"{name} must be a number in {interval}, got {value!r}")


def require_all_in(interval: str, values: Tensor, name: str) -> None:
    """Raises a `ValueError` unless all numbers lie in the closed interval.

    >>> require_all_in("[0, 1]", torch.tensor([0.0, 2.0]), "binary_cross_entropy: labels")
    Traceback (most recent call last):
        ...
    ValueError: binary_cross_entropy: labels must be numbers in [0, 1], got 2.0
    """
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    outside = values[~((values >= low) & (values <= high))]
    if outside.numel():
        raise ValueError(f"{name} must be numbers in {interval}, got {outside[0].item()}")


def require_positive_integer(value: Any, name: str) -> None:
    """Raises a `ValueError` unless the value is a whole number of at least 1.

    >>> require_positive_integer(0, "dense: in_size")
    Traceback (most recent call last):
        ...
    ValueError: dense: in_size must be a whole number of at least 1, got 0
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


def require_function(value: Any, name: str) -> None:
    """Raises a `TypeError` unless the value can be called.

    >>> require_function(0.1, "fit: stop")
    Traceback (most recent call last):
        ...
    TypeError: fit: stop must be a function, got 0.1
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {value!r}")


def require_dataset(name: str, dataset: Any) -> None:
    """Raises a `ValueError` unless a data set has examples.

    >>> from torch_port.data import Dataset
    >>> require_dataset("fit: dataset", Dataset(torch.zeros(0, 2), torch.zeros(0)))
    Traceback (most recent call last):
        ...
    ValueError: fit: dataset must hold at least one example, got none
    """
    if dataset.size == 0:
        raise ValueError(f"{name} must hold at least one example, got none")


def require_same(
    place: str, name: str, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    """Raises a `ValueError` unless the tensor has the shape and dtype.

    >>> require_same("huber", "targets", torch.zeros(2, 1), (2,), torch.float32)
    Traceback (most recent call last):
        ...
    ValueError: huber: targets must be torch.float32 of shape (2,), got ... of shape (2, 1)
    """
    if tensor.shape != shape or tensor.dtype != dtype:
        raise ValueError(
            f"{place}: {name} must be {dtype} of shape {tuple(shape)}, "
            f"got {tensor.dtype} of shape {tuple(tensor.shape)}"
        )


def require_classes(place: str, labels: Tensor, shape: tuple[int, ...], classes: int) -> None:
    """Raises a `ValueError` unless labels are integers of the shape, each a class.

    >>> require_classes("accuracy", torch.tensor([3, 10]), (2,), 10)
    Traceback (most recent call last):
        ...
    ValueError: accuracy: labels must be classes in 0 … 9, got 10
    """
    if labels.shape != shape or labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(
            f"{place}: labels must be integers of shape {shape}, "
            f"got {labels.dtype} of shape {tuple(labels.shape)}"
        )
    unknown = labels[(labels < 0) | (labels >= classes)]
    if unknown.numel():
        raise ValueError(
            f"{place}: labels must be classes in 0 … {classes - 1}, got {unknown[0].item()}"
        )
