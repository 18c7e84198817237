"""What the trace of a JAX program tells: what stays in float32, what is not the same twice."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from torch_port.parity.sides.side import Tape, Values


def traces_repeat(followed: Callable[..., Any], values: Values, seed: int) -> bool:
    """Whether a program traced twice is the same, with all constants that it holds.

    Args:
      followed: the program, of parameters, state, inputs and a tape.
      values: of these.
      seed: of masks.
    """
    forward = lambda *values: followed(*values, Tape(seed))[0]
    try:
        # another function each time: jax remembers the trace of one
        one, two = (jax.make_jaxpr(lambda *v: forward(*v))(*values) for _ in range(2))
        same, pair = str(one.jaxpr) == str(two.jaxpr), (one.consts, two.consts)
    except jax.errors.ConcretizationTypeError:  # the program branches on values
        same, pair = True, (forward(*values), forward(*values))
    is_same = lambda a, b: np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f")
    return same and all(is_same(a, b) for a, b in zip(*pair, strict=False))


def float32_in_trace(followed: Callable[..., Any], values: Values, seed: int) -> list[str]:
    """What a float64 run casts to float32 or less, or holds in it.

    Args:
      followed: the program, of parameters, state, inputs and a tape.
      values: in float64.
      seed: of masks.
    """
    forward = lambda params, state, inputs: followed(params, state, inputs, Tape(seed))
    try:
        closed = jax.make_jaxpr(forward)(*values)
    except jax.errors.ConcretizationTypeError:  # the program branches on values
        return []
    found = {*findings(closed.jaxpr, closed.consts)}
    return ["casts to float32"] if "casts to float32" in found else [*found]


def findings(jaxpr: Any, constants: Iterable[Any]) -> Iterator[str]:
    """What a jaxpr with its constants casts to float32, or holds in it."""
    if any(map(_was_float32, constants)):
        yield "holds a constant in float32"
    for equation in jaxpr.eqns:
        literals = [var.val for var in equation.invars if hasattr(var, "val")]
        if any(map(_was_float32, literals)):
            yield "holds a constant in float32"
        if equation.primitive.name == "convert_element_type":
            before, after = equation.invars[0].aval.dtype, equation.outvars[0].aval.dtype
            if before == jnp.float64 != after and jnp.issubdtype(after, jnp.floating):
                yield "casts to float32"
        is_jaxpr = lambda value: _jaxpr_of(value) is not None
        for value in jax.tree.leaves([*equation.params.values()], is_leaf=is_jaxpr):
            if inner := _jaxpr_of(value):
                yield from findings(inner, getattr(value, "consts", ()))


def _jaxpr_of(value: Any) -> Any:
    inner = getattr(value, "jaxpr", value)
    return inner if hasattr(inner, "eqns") else None


def _was_float32(value: Any) -> bool:
    """Whether numbers are of float32, or are but were rounded to it: 0.9 is, 0.5 need not be."""
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        return False
    if array.dtype != np.float64:
        return True
    mantissa = np.ldexp(np.frexp(array)[0], 24)
    needs_float32 = (mantissa == np.round(mantissa)) & (np.mod(mantissa, 2**8) != 0)
    return bool(array.size and np.all(mantissa == np.round(mantissa)) and needs_float32.any())
