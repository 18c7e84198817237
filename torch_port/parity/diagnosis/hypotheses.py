"""Hypotheses of what differs: edits of PyTorch's calls, with the constants that they leave open."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from torch_port.parity.comparison import Sides
from torch_port.parity.sides.torch_calls import Call, Edit, Edits

Domain = Literal["positive", "unit", "real"]
"""Where a constant lies: above 0, between 0 and 1, anywhere."""


@dataclass(frozen=True)
class Hypothesis:
    """One change of the PyTorch side that may be what the JAX side does.

    Attributes:
      call: the number of the call that it changes.
      change: from the call, and the constant where there is one, to the result instead.
      said: the change in words, `{}` standing for the constant.
      starts: values of the constant from which it is looked for, the likeliest first; none where
        the change has no constant.
      domain: of the constant.
      of_torch: what PyTorch has instead, for the report.
      of_jax: likewise, where there is no constant to be found.
      also: changes to further calls, by number.
    """

    call: int
    change: Callable[..., Any]
    said: str
    starts: tuple[float, ...] = ()
    domain: Domain = "positive"
    of_torch: Any = None
    of_jax: Any = None
    also: tuple[tuple[int, Callable[..., Any]], ...] = ()

    def edits(self, value: float | None = None) -> Edits:
        """The edits of calls, with a value of the constant."""
        given = () if value is None else (value,)
        changes = ((self.call, self.change), *self.also)
        return {
            number: (lambda call, change=change: change(call, *given)) for number, change in changes
        }


class Context(NamedTuple):
    """What a hypothesis may look at beside its call.

    Attributes:
      calls: all calls of the PyTorch side.
      sides: both sides with their values.
    """

    calls: Sequence[Call]
    sides: Sides


def combined(first: Edits, second: Edits) -> Edits:
    """Both edits; where they change the same call, the second gets the first one's arguments."""
    both = {**first, **second}
    for number in first.keys() & second.keys():
        both[number] = _within(first[number], second[number])
    return both


def _within(first: Edit, second: Edit) -> Edit:
    def edit(call: Call) -> Any:
        changed = lambda *args, **kwargs: second(replace(call, args=args, kwargs=kwargs))
        return first(replace(call, function=changed))

    return edit


Residual = Callable[[Sequence[float]], np.ndarray]
"""From values of all constants to what is left of the difference."""


def solve(
    residual: Residual,
    starts: Sequence[float],
    domains: Sequence[Domain],
    enough: float = 0.0,
    steps: int = 12,
) -> list[float]:
    """The constants that make the residual least, by Gauss and Newton's method.

    Args:
      residual: from values to differences.
      starts: a value for each constant.
      domains: of each constant, which it does not leave.
      enough: the norm of a residual that need not become less.
      steps: at most as many.

    Returns:
      The values that were best.

    Example:
      >>> x = np.linspace(1, 2, 5)
      >>> [round(v, 9) for v in solve(lambda v: x * v[0] - x * 0.3, [1.0], ["positive"])]
      [0.3]
    """
    free = [_to_free(value, domain) for value, domain in zip(starts, domains, strict=True)]
    bound = lambda free: [_from_free(u, domain) for u, domain in zip(free, domains, strict=True)]
    best = np.array(free)
    left = residual(bound(best))
    for _ in range(steps):
        if np.linalg.norm(left) <= enough:
            break
        step = _step(lambda free: residual(bound(free)), best, left)
        if step is None:
            break
        for shorter in (1, 0.5, 0.25, 0.125):
            after = residual(bound(best + shorter * step))
            if after.shape == left.shape and np.linalg.norm(after) < np.linalg.norm(left):
                best, left = best + shorter * step, after
                break
        else:
            break
    return bound(best)


def _step(residual, free, left):
    """The step that would end a linear problem, bounded so that a curved one does not run away."""
    width = 1e-5
    columns = []
    for i in range(len(free)):
        moved = free.copy()
        moved[i] += width
        after = residual(moved)
        if after.shape != left.shape:
            return None
        with np.errstate(invalid="ignore"):
            columns.append((after - left) / width)
    slopes = np.stack(columns, 1)
    if not np.isfinite(slopes).all() or not np.any(slopes):
        return None
    step = np.linalg.lstsq(slopes, -left, rcond=None)[0]
    return np.clip(step, -3, 3)


def _to_free(value: float, domain: Domain) -> float:
    if domain == "positive":
        return math.log(max(value, 1e-30))
    return math.log(value / (1 - value)) if domain == "unit" else value


def _from_free(free: float, domain: Domain) -> float:
    if domain == "positive":
        return math.exp(min(free, 300.0))
    return 1 / (1 + math.exp(-max(min(free, 30.0), -30.0))) if domain == "unit" else float(free)


def shortest(value: float, fits: Callable[[float], bool]) -> float | None:
    """The decimal with the fewest digits near a value that still fits; None if none does.

    Example:
      >>> shortest(0.30000000012, lambda v: abs(v - 0.3) < 1e-9)
      0.3
    """
    for digits in range(12):
        rounded = float(f"{value:.{digits}e}")
        if fits(rounded):
            return rounded
    return value if fits(value) else None
