"""How an equation written for one tensor is applied to a whole list of them.

Tensors that meet in an equation meet in the widest of their dtypes, and each moment keeps its own.
A gradient of None, PyTorch's for a parameter that was not used, stays None, and its moments wait.
"""

from collections.abc import Callable
from functools import reduce
from numbers import Number
from typing import Any, TypeAlias

import torch
from torch import Tensor

from torch_port.checks import require_in

Tensors: TypeAlias = list[Any]
"""Parameters, gradients, updates or moments: a tensor each, or None where `masked` hides one."""


@torch.no_grad()
def leafwise(
    equation: Callable[..., Any], tensors: Tensors, *rest: Tensors, **numbers: Any
) -> list[Any]:
    """`equation(*tensors, **numbers)` at every place of the lists."""
    return [
        None if leaves[0] is None else equation(*_in_one_dtype(leaves), **numbers)
        for leaves in zip(tensors, *rest, strict=True)
    ]


def advance(
    name: str, equation: Callable[..., tuple], grads: Tensors, *moments: Tensors, **numbers: Any
) -> tuple[Tensors, ...]:
    """The lists of `(update, *moments)` that the equation gives; each moment keeps its dtype."""
    for moment in moments:
        require_same_length(f"{name}: gradients like the state", moment, grads)
    results = leafwise(equation, grads, *moments, **numbers)
    updates = [None if result is None else result[0] for result in results]
    return updates, *(
        [
            m if result is None else result[i].to(m.dtype)
            for m, result in zip(old, results, strict=True)
        ]
        for i, old in enumerate(moments, start=1)
    )


def full_like(params: Tensors, value: float = 0.0, dtype: torch.dtype | None = None) -> Tensors:
    """Tensors of the parameters' shapes, devices and, unless told otherwise, dtypes."""
    return leafwise(lambda p: torch.full_like(p, value, dtype=dtype), params)


def require_same_length(what: str, expected: list[Any], tensors: list[Any]) -> None:
    """Raises a `ValueError` unless the lists are of one length."""
    if len(expected) != len(tensors):
        raise ValueError(f"{what} are expected, {len(expected)} of them, got {len(tensors)}")


def require_number(name: str, value: Any, or_else: str = "") -> None:
    """Raises a `TypeError` unless the value is a number or a tensor, or else what is said."""
    if not isinstance(value, (Number, Tensor)):
        raise TypeError(f"{name} must be a number or tensor{or_else}, got {value!r}")


def require_numbers_in(interval: str, name: str, **numbers: Any) -> None:
    """Raises a `ValueError` that names the first number outside the interval."""
    for key, value in numbers.items():
        require_in(interval, value, f"{name}: {key}")


def _in_one_dtype(leaves: tuple[Tensor, ...]) -> list[Tensor]:
    dtype = reduce(torch.promote_types, (leaf.dtype for leaf in leaves))
    return [leaf.to(dtype) for leaf in leaves]
