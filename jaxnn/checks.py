"""Checks of arguments: raised before anything is computed, saying what was expected and what came.

A number that JAX is tracing has no value yet, so it passes: a sweep may trace a rate or an ε.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np


class LayerError(ValueError):
    """A layer was given what it cannot take; `path` says which layer of the network it was."""

    def __init__(self, path: str, message: str):
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def is_traced(value: Any) -> bool:
    """True for a number that JAX is tracing, whose value is not known yet."""
    return isinstance(value, jax.core.Tracer)


def require_in(interval: str, value: Any, name: str) -> None:
    """Raises a `ValueError` unless the number lies in the interval; a traced number passes.

    >>> require_in("[0, 1)", 0.5, "dropout: rate")
    >>> require_in("[0, 1)", 1.0, "dropout: rate")
    Traceback (most recent call last):
        ...
    ValueError: dropout: rate must be a number in [0, 1), got 1.0
    """
    if is_traced(value):
        return
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    number = math.nan if isinstance(value, (bool, str)) or value is None else float(value)
    above = number >= low if interval.startswith("[") else number > low
    below = number <= high if interval.endswith("]") else number < high
    if not (above and below):
        raise ValueError(f"{name} must be a number in {interval}, got {value!r}")


def require_all_in(interval: str, values: Any, name: str) -> None:
    """Raises a `ValueError` unless all numbers lie in the closed interval; traced ones pass.

    >>> require_all_in("[0, 1]", np.array([0, 2]), "binary_cross_entropy: labels")
    Traceback (most recent call last):
        ...
    ValueError: binary_cross_entropy: labels must be numbers in [0, 1], got 2
    """
    if is_traced(values):
        return
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    given = np.asarray(values)
    outside = given[~((given >= low) & (given <= high))]
    if outside.size:
        raise ValueError(f"{name} must be numbers in {interval}, got {outside[0]}")


def require_one_of(names: Sequence[str], value: Any, name: str) -> None:
    """Raises a `ValueError` unless the value is one of some names.

    >>> require_one_of(("mean", "sum"), "average", "loss: reduction")
    Traceback (most recent call last):
        ...
    ValueError: loss: reduction must be one of mean, sum, got 'average'
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
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


def require_function(value: Any, name: str) -> None:
    """Raises a `TypeError` unless the value can be called.

    >>> require_function(0.1, "log_learning_rate: schedule")
    Traceback (most recent call last):
        ...
    TypeError: log_learning_rate: schedule must be a function, got 0.1
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {value!r}")


def require_floating(place: str, name: str, array: Any) -> None:
    """Raises a `ValueError` unless the array is floating and has a batch axis.

    >>> require_floating("huber", "predictions", jnp.array([1, 2]))
    Traceback (most recent call last):
        ...
    ValueError: huber: predictions must be floating with a batch axis, got int32 of shape (2,)
    """
    if not jnp.issubdtype(array.dtype, jnp.floating) or array.ndim == 0:
        raise ValueError(
            f"{place}: {name} must be floating with a batch axis, "
            f"got {array.dtype} of shape {array.shape}"
        )


def require_same(place: str, name: str, array: Any, shape: tuple[int, ...], dtype: Any) -> None:
    """Raises a `ValueError` unless the array has the shape and dtype.

    >>> require_same("huber", "targets", jnp.zeros((2, 1)), (2,), jnp.float32)
    Traceback (most recent call last):
        ...
    ValueError: huber: targets must be float32 of shape (2,), got float32 of shape (2, 1)
    """
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{place}: {name} must be {jnp.dtype(dtype).name} of shape {shape}, "
            f"got {array.dtype} of shape {array.shape}"
        )


def require_classes(
    place: str, labels: Any, shape: tuple[int, ...], classes: int, ignore_label: int | None = None
) -> None:
    """Raises a `ValueError` unless labels are integers of the shape, each a class or ignored.

    >>> require_classes("accuracy", np.array([3, 10]), (2,), 10)
    Traceback (most recent call last):
        ...
    ValueError: accuracy: labels must be classes in 0 … 9, got 10
    """
    if labels.shape != shape or not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(
            f"{place}: labels must be integers of shape {shape}, "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    if is_traced(labels):
        return
    values = np.asarray(labels)
    unknown = values[((values < 0) | (values >= classes)) & (values != ignore_label)]
    if unknown.size:
        raise ValueError(f"{place}: labels must be classes in 0 … {classes - 1}, got {unknown[0]}")


def require_dataset(name: str, dataset: Any) -> None:
    """Raises a `ValueError` unless a data set has examples, and as many images as labels.

    >>> from jaxnn.typing import Dataset
    >>> require_dataset("fit: dataset", Dataset(jnp.zeros((3, 2)), jnp.zeros(4)))
    Traceback (most recent call last):
        ...
    ValueError: fit: dataset must hold as many images as labels, at least one, got 3 and 4
    """
    if dataset.size == 0 or dataset.images.shape[0] != dataset.size:
        raise ValueError(
            f"{name} must hold as many images as labels, at least one, "
            f"got {dataset.images.shape[0]} and {dataset.size}"
        )


def require_like(place: str, tree: Any, template: Any) -> None:
    """Raises a `ValueError` unless a pytree has the structure, shapes and dtypes of a template.

    >>> require_like("restore", {"kernel": jnp.zeros(2)}, {"kernel": jnp.zeros(3)})
    Traceback (most recent call last):
        ...
    ValueError: restore: ['kernel'] must be float32 of shape (3,), got float32 of shape (2,)
    """
    require_arrays(place, by_path(tree), by_path(template))


def require_arrays(place: str, given: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Raises a `ValueError` unless arrays by name have the names, shapes and dtypes expected."""
    if given.keys() != expected.keys():
        missing, unknown = sorted({*expected} - {*given}), sorted({*given} - {*expected})
        raise ValueError(f"{place}: arrays missing: {missing}; arrays not expected: {unknown}")
    for name, array in expected.items():
        if (given[name].shape, given[name].dtype) != (array.shape, array.dtype):
            raise ValueError(
                f"{place}: {name} must be {array.dtype} of shape {array.shape}, "
                f"got {given[name].dtype} of shape {given[name].shape}"
            )


def by_path(tree: Any) -> dict[str, Any]:
    """The arrays of a pytree by where they are.

    >>> by_path({"params": [1.5]})
    {"['params'][0]": 1.5}
    """
    pairs = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): leaf for path, leaf in pairs}


def require_input(name: str, x: Any, dtype: Any, size: int) -> None:
    """Raises a `LayerError` unless a layer's input has its dtype and, last, its features.

    >>> require_input("dense", jnp.zeros((5, 3)), jnp.dtype("float32"), 4)
    Traceback (most recent call last):
        ...
    jaxnn.checks.LayerError: dense: input must have 4 features on its last axis, got (5, 3)
    """
    if x.dtype != dtype:
        is_raw = jnp.issubdtype(x.dtype, jnp.integer)
        hint = "; begin the model with normalize_images" if is_raw else ""
        raise LayerError(name, f"input must be {dtype} like the parameters, got {x.dtype}{hint}")
    if x.ndim == 0 or x.shape[-1] != size:
        raise LayerError(name, f"input must have {size} features on its last axis, got {x.shape}")
