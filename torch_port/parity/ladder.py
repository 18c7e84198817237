"""The precision ladder: numbers of two programs in two precisions in, a verdict out.

    e = rms(y₃₂ − y₆₄) of each side,   D = rms(y₆₄ of one − y₆₄ of the other),   ρ = D/(e₁ + e₂)

Where both compute the same real function, D and e are one mechanism in two precisions, and ρ is
near 2⁻²⁹, the quotient of their units, whatever the depth and the conditioning. Where they do not,
D stays what it is. No tolerance is chosen: between the two lie many orders of magnitude.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

Verdict = Literal["equal", "rounding", "semantic"]

VERDICTS: tuple[Verdict, ...] = ("semantic", "rounding", "equal")
"""The worst first."""

UNITS = 2.0**-29
"""The unit of float64 over that of float32."""

CLEARLY_ROUNDING, CLEARLY_SEMANTIC = 2.0**8, 2.0**18
"""Of ρ/2⁻²⁹: right programs were measured up to 2, wrong ones from 1e6. Between, e may be small by
chance, and the second witness decides."""

OWN_MOVES = 2.0**8
"""How many times one side's own move by one unit in the last place still is rounding in float64."""

OWN_MOVES_IN_FLOAT32 = 8.0
"""Likewise in float32: right programs were measured at 0.4 to 3.6, and ε 1e-6 for 1e-5 at 21."""


class Evidence(NamedTuple):
    """One quantity as both sides compute it; `moved` from inputs moved by one unit in float64."""

    jax32: np.ndarray
    jax64: np.ndarray
    jax_moved: np.ndarray
    torch32: np.ndarray
    torch64: np.ndarray
    torch_moved: np.ndarray


@dataclass(frozen=True)
class Judgement:
    """What the ladder says of one quantity.

    Attributes:
      verdict: `"equal"`, `"rounding"` or `"semantic"`.
      error32: rms of the difference in float32, relative to the rms of the values.
      error64: likewise in float64.
      ratio: ρ/2⁻²⁹: about 1 or less for rounding.
      ulps: the largest difference in float32 in units in the last place of the largest value.
      hidden: whether the difference is of meaning, but too small to be seen in float32.
      note: what else there is to say, or nothing.
    """

    verdict: Verdict
    error32: float
    error64: float
    ratio: float
    ulps: float
    hidden: bool = False
    note: str = ""


def judge(evidence: Evidence) -> Judgement:
    """Says whether two programs part by rounding or in meaning.

    Args:
      evidence: a quantity of both programs, in both precisions, from the same float32 values.

    Returns:
      The verdict and its figures.

    Example:
      >>> x = np.linspace(0.1, 2, 50)
      >>> side = np.float32(x) * np.float32(1 / 3), np.float32(x) / 3.0, np.float32(x) / 3.0
      >>> judge(Evidence(*side, *side)).verdict
      'equal'
      >>> other = [y * (1 + 1e-7) for y in side]
      >>> judge(Evidence(*side, *other)).verdict
      'semantic'
    """
    shapes = evidence.jax64.shape, evidence.torch64.shape
    if shapes[0] != shapes[1]:
        return _apart(f"the shapes are {shapes[0]} and {shapes[1]}")
    evidence = Evidence(*(np.asarray(array, np.float64) for array in evidence))
    finite = [np.isfinite(array) for array in evidence]
    if not _same_where_not_finite(evidence.jax64, evidence.torch64):
        return _apart("infinite or not a number on one side only")
    everywhere = np.logical_and.reduce(finite)
    note = "" if everywhere.all() else _not_finite(evidence)
    return _judged(Evidence(*(array[everywhere] for array in evidence)), note)


def _judged(y: Evidence, note: str) -> Judgement:
    size = _rms(y.jax64) or _rms(y.torch64)
    floor = 2.0**-24 * size  # exact arithmetic has no error to divide by
    noise = max(_rms(y.jax32 - y.jax64), floor) + max(_rms(y.torch32 - y.torch64), floor)
    distance64, distance32 = _rms(y.jax64 - y.torch64), _rms(y.jax32 - y.torch32)
    ratio = _quotient(distance64, noise * UNITS)
    largest = float(np.max(np.abs(y.jax32), initial=0.0))
    own_moves = max(_rms(y.jax64 - y.jax_moved), _rms(y.torch64 - y.torch_moved))
    figures: dict[str, Any] = {
        "error32": _quotient(distance32, size) if size else distance32,
        "error64": _quotient(distance64, size) if size else distance64,
        "ratio": ratio,
        "ulps": _quotient(
            float(np.max(np.abs(y.jax32 - y.torch32), initial=0.0)),
            float(np.spacing(np.float32(largest))),
        ),
    }
    if ratio <= CLEARLY_ROUNDING or (
        ratio <= CLEARLY_SEMANTIC and distance64 <= OWN_MOVES * own_moves
    ):
        verdict = "equal" if np.array_equal(y.jax32, y.torch32) and not note else "rounding"
        return Judgement(verdict, **figures, note=note or _caution(y))
    kink = own_moves * OWN_MOVES >= distance64
    beside = _rms(y.jax_moved - y.torch_moved) * OWN_MOVES < distance64
    if kink and beside:
        note = "at a kink or a tie: one unit in the last place beside it the two agree"
    return Judgement("semantic", **figures, hidden=distance64 <= noise, note=note)


def judge_in_float32(
    evidence: Evidence, jax_moved: np.ndarray, torch_moved: np.ndarray
) -> Judgement:
    """As `judge`, where float64 cannot be asked because a side computes in float32 inside.

    Args:
      evidence: as for `judge`.
      jax_moved: the quantity in float32 from values moved by one unit in the last place.
      torch_moved: likewise.
    """
    plain = judge(evidence)
    if plain.verdict != "semantic" or np.isinf(plain.ratio):
        return plain
    own_moves = max(_rms(evidence.jax32 - jax_moved), _rms(evidence.torch32 - torch_moved))
    unit = 2.0**-24 * _rms(evidence.jax32)
    distance = _rms(np.asarray(evidence.jax32, np.float64) - evidence.torch32)
    verdict = "rounding" if distance <= OWN_MOVES_IN_FLOAT32 * max(own_moves, unit) else "semantic"
    same = verdict == "rounding" and distance == 0
    return Judgement(
        "equal" if same else verdict, plain.error32, plain.error64, plain.ratio, plain.ulps
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of verdicts; of none, that all is equal.

    Example:
      >>> worst(["equal", "semantic", "rounding"]), worst([])
      ('semantic', 'equal')
    """
    found = {*verdicts}
    return next(v for v in VERDICTS if v in found or v == "equal")


def rounding_limit(evidence: Evidence, precision: str) -> float:
    """The rms of a difference between the sides, in a precision, that rounding still explains."""
    y = Evidence(*(np.where(np.isfinite(a), a, 0.0).astype(np.float64) for a in evidence))
    floor = 2.0**-24 * (_rms(y.jax64) or _rms(y.torch64))
    if precision == "float32":
        limit = OWN_MOVES_IN_FLOAT32 * max(_rms(y.jax32 - y.jax_moved), floor)
    else:
        limit = CLEARLY_ROUNDING * UNITS * 2 * max(_rms(y.jax32 - y.jax64), floor)
    return max(limit, np.finfo(np.float64).tiny)


def _apart(note: str) -> Judgement:
    return Judgement("semantic", np.inf, np.inf, np.inf, np.inf, note=note)


def _rms(y: np.ndarray) -> float:
    """The root of the mean square, scaled so that it neither overflows nor underflows."""
    largest = float(np.max(np.abs(y), initial=0.0))
    if largest == 0:
        return 0.0
    return largest * float(np.sqrt(np.mean(np.square(np.asarray(y, np.float64) / largest))))


def _quotient(a: float, b: float) -> float:
    if a == 0:
        return 0.0
    return a / b if b else np.inf


def _same_where_not_finite(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a[~np.isfinite(a)], b[~np.isfinite(b)], equal_nan=True) and bool(
        np.all(np.isfinite(a) == np.isfinite(b))
    )


def _not_finite(y: Evidence) -> str:
    if not np.isfinite(y.jax64).all():
        return "infinite or not a number at the same places of both sides"
    sides = [
        side
        for side, values in (("JAX", y.jax32), ("PyTorch", y.torch32))
        if not np.isfinite(values).all()
    ]
    return f"in float32 not finite on the side of {' and '.join(sides)}, though it is in float64"


def _caution(y: Evidence) -> str:
    """What float32 makes of it: noise where the truth is 0, or one side bad and the other not."""
    size32, size64 = max(_rms(y.jax32), _rms(y.torch32)), max(_rms(y.jax64), _rms(y.torch64))
    if size64 < 2.0**-16 * size32:
        return "in float32 it is noise: its true value is 0"
    floor = 2.0**-24 * size64
    errors = {"JAX": _rms(y.jax32 - y.jax64), "PyTorch": _rms(y.torch32 - y.torch64)}
    better, worse = sorted(errors, key=lambda side: errors[side])
    factor = _quotient(errors[worse], max(errors[better], floor))
    return f"in float32 {worse} is {factor:.0e} times less accurate" if factor > 2.0**8 else ""
