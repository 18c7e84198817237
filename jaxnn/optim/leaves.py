"""How an equation written for one array is applied to a whole tree of them.

Leaves that meet in an equation meet in the widest of their dtypes, and so do the numbers in it, but
for Python's own: those stay as they are, so that 1 − 0.999 is computed in float64 and only its
result is rounded. A leaf that is None stays None.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike, DTypeLike

from jaxnn.checks import require_in


def leafwise(equation: Callable[..., Any], tree: Any, *rest: Any, **numbers: ArrayLike) -> Any:
    """`equation(*leaves, **numbers)` at every leaf of the trees."""
    return _map(lambda *leaves: _in_one_dtype(equation, leaves, numbers), tree, *rest)


def advance(
    name: str, equation: Callable[..., tuple], grads: Any, *moments: Any, **numbers: ArrayLike
) -> tuple:
    """The trees of `(update, *moments)` that the equation gives; each moment keeps its dtype."""
    for moment in moments:
        require_same_structure(f"{name}: gradients like the state", moment, grads)
    results = leafwise(equation, grads, *moments, **numbers)
    pick = lambda i: jax.tree.map(lambda _, result: result[i], grads, results)
    return pick(0), *(cast_like(pick(i), old) for i, old in enumerate(moments, start=1))


def cast_like(tree: Any, other: Any) -> Any:
    """The tree in the dtypes of the other."""
    return _map(lambda x, y: x.astype(jnp.result_type(y)), tree, other)


def full_like(params: Any, value: ArrayLike = 0.0, dtype: DTypeLike | None = None) -> Any:
    """A tree of the parameters' shapes, shardings and, unless told otherwise, dtypes."""
    dtype = None if dtype is None else jax.dtypes.canonicalize_dtype(dtype)
    return jax.tree.map(lambda p: jnp.full_like(p, value, dtype=dtype), params)


def require_same_structure(what: str, expected: Any, tree: Any) -> None:
    """Raises a `ValueError` unless the trees have one structure; None stands for any subtree."""
    fill = lambda leaf, subtree: subtree if leaf is None else leaf
    wanted = jax.tree.structure(expected)
    try:
        filled = jax.tree.map(fill, tree, expected, is_leaf=_is_none)
        same = jax.tree.structure(filled) == wanted
    except ValueError:
        same = False
    if not same:
        came = jax.tree.structure(tree)
        raise ValueError(f"{what} are expected, of the structure\n  {wanted}\ngot\n  {came}")


def require_number(name: str, value: Any, or_else: str = "") -> None:
    """Raises a `TypeError` unless the value is a number or an array, or else what is said."""
    if not isinstance(value, (int, float, complex, np.ndarray, np.generic, jax.Array)):
        raise TypeError(f"{name} must be a number or array{or_else}, got {value!r}")


def require_numbers_in(interval: str, name: str, **numbers: Any) -> None:
    """Raises a `ValueError` that names the first number outside the interval."""
    for key, value in numbers.items():
        require_in(interval, value, f"{name}: {key}")


def _map(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    keep_none = lambda leaf, *others: None if leaf is None else f(leaf, *others)
    return jax.tree.map(keep_none, tree, *rest, is_leaf=_is_none)


def _in_one_dtype(equation: Callable[..., Any], leaves: tuple, numbers: dict[str, Any]) -> Any:
    with jax.numpy_dtype_promotion("standard"):
        dtype = jnp.result_type(*leaves)
    cast = lambda number: float(number) if isinstance(number, float) else jnp.asarray(number, dtype)
    return equation(
        *(jnp.asarray(leaf, dtype) for leaf in leaves),
        **{name: cast(number) for name, number in numbers.items()},
    )


def _is_none(x: Any) -> bool:
    return x is None
