"""Exact values by mpmath, and how many units in the last place a floating result is off.

x = np.linspace(-80, 80, 1001, dtype=np.float32)
expected = exact(lambda x: 1 / (1 + mp.exp(-x)), x)
assert_ulps(sigmoid(x), expected, other=torch.sigmoid(torch.tensor(x)))
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp

mp.prec = 160


def exact(function: Callable, *inputs: Any) -> np.ndarray:
    """function(*inputs) element by element, the inputs taken as the exact numbers they are."""
    numbers = [np.frompyfunc(mp.mpf, 1, 1)(np.asarray(x, dtype=float)) for x in inputs]
    return np.asarray(np.frompyfunc(function, len(inputs), 1)(*numbers), dtype=object)


def ulps(values: Any, expected: np.ndarray, terms: np.ndarray | None = None) -> np.ndarray:
    """The error of `values` in units in the last place of the exact `expected`.

    Where `expected` is a sum whose terms cancel, `terms` holds the largest of them, and the unit is
    that of the larger of both. The error counts as 0 where the exact value is no normal number of
    the values' dtype, except that an exact 0 is to be met, and as infinite where only the value is
    not finite.
    """
    values = np.asarray(values)
    limits = np.finfo(values.dtype)
    leading = expected.astype(float)
    rest = (expected - leading).astype(float)
    size = np.abs(leading) if terms is None else np.abs(terms).astype(float)
    size = np.clip(np.maximum(size, np.abs(leading)), limits.smallest_normal, limits.max)
    unit = np.ldexp(1.0, np.frexp(size.astype(float))[1] - 1 - limits.nmant)
    errors = np.abs(np.where(np.isfinite(values), values, np.inf).astype(float) - leading - rest)
    normal = (np.abs(leading) >= limits.smallest_normal) & (np.abs(leading) <= limits.max)
    return np.where(normal | (leading == 0), errors / unit, 0.0)


def assert_ulps(
    values: Any,
    expected: np.ndarray,
    *,
    bound: Any = 4.0,
    other: Any = None,
    terms: np.ndarray | None = None,
) -> None:
    """Asserts errors of at most `bound` units, or of the `other` program's on the same input."""
    errors = ulps(values, expected, terms)
    allowed = np.broadcast_to(bound, errors.shape)
    if other is not None:
        allowed = np.maximum(allowed, ulps(other, expected, terms))
    worst = np.unravel_index(np.argmax(errors - allowed), errors.shape)
    assert (errors <= allowed).all(), (
        f"{(errors > allowed).sum()} of {errors.size} are off by more than allowed; the worst, at"
        f" index {[int(i) for i in worst]}, by {errors[worst]:.3g} units for {allowed[worst]:.3g}:"
        f" got {np.asarray(values)[worst]!r}, exactly {mp.nstr(expected[worst], 12)}"
    )
