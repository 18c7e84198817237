"""Checks of arguments that PyTorch would broadcast, promote or let pass, as those of `jaxnn`.

Numbers in tensors that are not known yet pass, so that a loss can be compiled and mapped.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


def is_traced(values: Tensor) -> bool:
    """True for numbers that are not known yet: compiled, in `torch.func`, on the device "meta".

    >>> torch.vmap(lambda x: x if is_traced(x) else None)(torch.zeros(2))
    tensor([0., 0.])
    """
    is_transformed = torch._C._are_functorch_transforms_active()
    return values.is_meta or torch.compiler.is_compiling() or is_transformed


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
    """Raises a `ValueError` unless all numbers lie in the closed interval; traced ones pass.

    >>> require_all_in("[0, 1]", torch.tensor([0.0, 2.0]), "binary_cross_entropy: labels")
    Traceback (most recent call last):
        ...
    ValueError: binary_cross_entropy: labels must be numbers in [0, 1], got 2.0
    """
    if is_traced(values):
        return
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    outside = values[~((values >= low) & (values <= high))]
    if outside.numel():
        raise ValueError(f"{name} must be numbers in {interval}, got {outside[0].item()}")


def require_one_of(names: Sequence[str], value: Any, name: str) -> None:
    """Raises a `ValueError` unless the value is one of some names.

    >>> require_one_of(("softmax", "loop", "both"), "sigmoid", "lecture: slip")
    Traceback (most recent call last):
        ...
    ValueError: lecture: slip must be one of softmax, loop, both, got 'sigmoid'
    """
    if value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}")


def require_positive_integer(value: Any, name: str) -> None:
    """Raises a `ValueError` unless the value is a whole number of at least 1.

    >>> require_positive_integer(0, "dense: in_size")
    Traceback (most recent call last):
        ...
    ValueError: dense: in_size must be a whole number of at least 1, got 0
    """
    _require_whole(1, value, name)


def require_seed(value: Any, name: str) -> None:
    """Raises a `ValueError` unless the value is a whole number of at least 0.

    >>> require_seed(-1, "fit: seed")
    Traceback (most recent call last):
        ...
    ValueError: fit: seed must be a whole number of at least 0, got -1
    """
    _require_whole(0, value, name)


def require_function(value: Any, name: str) -> None:
    """Raises a `TypeError` unless the value can be called.

    >>> require_function(0.1, "fit: stop")
    Traceback (most recent call last):
        ...
    TypeError: fit: stop must be a function, got 0.1
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {value!r}")


def require_tensor(place: str, name: str, value: Any) -> None:
    """Raises a `TypeError` unless the value is a tensor.

    >>> require_tensor("huber", "predictions", [0.5])
    Traceback (most recent call last):
        ...
    TypeError: huber: predictions must be a tensor, got list
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{place}: {name} must be a tensor, got {type(value).__name__}")


def require_module(value: Any, name: str) -> None:
    """Raises a `TypeError` unless the value is a module of PyTorch.

    >>> require_module(torch.nn.Linear, "predict: model")
    Traceback (most recent call last):
        ...
    TypeError: predict: model must be a torch.nn.Module, got the class Linear
    """
    if not isinstance(value, nn.Module):
        is_class = isinstance(value, type)
        came = f"the class {value.__name__}" if is_class else type(value).__name__
        raise TypeError(f"{name} must be a torch.nn.Module, got {came}")


def require_floating(place: str, name: str, tensor: Tensor) -> None:
    """Raises a `ValueError` unless the tensor is floating and has a batch axis.

    >>> require_floating("huber", "predictions", torch.tensor([1, 2]))
    Traceback (most recent call last):
        ...
    ValueError: huber: predictions must be floating with a batch axis, got torch.int64 of shape (2,)
    """
    require_tensor(place, name, tensor)
    if not tensor.is_floating_point() or tensor.ndim == 0:
        raise ValueError(
            f"{place}: {name} must be floating with a batch axis, "
            f"got {tensor.dtype} of shape {tuple(tensor.shape)}"
        )


def require_same(
    place: str, name: str, tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    """Raises a `ValueError` unless the tensor has the shape and dtype.

    >>> require_same("huber", "targets", torch.zeros(2, 1), (2,), torch.float32)
    Traceback (most recent call last):
        ...
    ValueError: huber: targets must be torch.float32 of shape (2,), got ... of shape (2, 1)
    """
    require_tensor(place, name, tensor)
    if tensor.shape != shape or tensor.dtype != dtype:
        raise ValueError(
            f"{place}: {name} must be {dtype} of shape {tuple(shape)}, "
            f"got {tensor.dtype} of shape {tuple(tensor.shape)}"
        )


def require_classes(
    place: str,
    labels: Tensor,
    shape: tuple[int, ...],
    classes: int,
    ignore_label: int | None = None,
) -> None:
    """Raises a `ValueError` unless labels are integers of the shape, each a class or ignored.

    >>> require_classes("accuracy", torch.tensor([3, 10]), (2,), 10)
    Traceback (most recent call last):
        ...
    ValueError: accuracy: labels must be classes in 0 … 9, got 10
    """
    require_tensor(place, "labels", labels)
    is_integer = not (labels.is_floating_point() or labels.is_complex())
    if labels.shape != shape or not is_integer or labels.dtype == torch.bool:
        raise ValueError(
            f"{place}: labels must be integers of shape {shape}, "
            f"got {labels.dtype} of shape {tuple(labels.shape)}"
        )
    if is_traced(labels):
        return
    values = labels.long()
    is_unknown = (values < 0) | (values >= classes)
    if ignore_label is not None:
        is_unknown &= values != ignore_label
    if is_unknown.any():
        unknown = values[is_unknown][0].item()
        raise ValueError(f"{place}: labels must be classes in 0 … {classes - 1}, got {unknown}")


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


def require_input(name: str, x: Tensor, dtype: torch.dtype, size: int) -> None:
    """Raises a `ValueError` unless a layer's input has its dtype and, last, its features.

    Under `torch.autocast` PyTorch brings the input to a dtype of its own.

    >>> require_input("dense", torch.zeros(5, 3), torch.float32, 4)
    Traceback (most recent call last):
        ...
    ValueError: dense: input must have 4 features on its last axis, got (5, 3)
    """
    require_tensor(name, "input", x)
    is_raw = not x.is_floating_point()
    if x.dtype != dtype and (is_raw or not torch.is_autocast_enabled(x.device.type)):
        hint = "; begin the model with normalize_images" if is_raw else ""
        raise ValueError(f"{name}: input must be {dtype} like the parameters, got {x.dtype}{hint}")
    if x.ndim == 0 or x.shape[-1] != size:
        expected = f"{size} features on its last axis"
        raise ValueError(f"{name}: input must have {expected}, got {tuple(x.shape)}")


def _require_whole(least: int, value: Any, name: str) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
