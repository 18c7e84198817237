"""Diagnosis: which changes of the PyTorch side make the difference vanish.

At each place where the sides part although they were given the same values, the catalogue's
hypotheses about the calls that lead there are put in, one at a time and then two. What brings the
difference in float64 down to rounding is a cause; where several do, other inputs part them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from torch_port.parity.catalogue import PROGRAM_ENTRIES
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.comparison import Runs, Scope, Sides
from torch_port.parity.evidence import described
from torch_port.parity.hypotheses import Context, Hypothesis, combined, shortest, solve
from torch_port.parity.ladder import UNITS
from torch_port.parity.lockstep import BACKWARD, Bench, Place, bench_of
from torch_port.parity.report import Cause, Difference, Fault
from torch_port.parity.torch_calls import Call, Edits

MOST_PAIRED = 14
"""Of the hypotheses that leave least of the difference, how many are tried two at a time."""


class Fit(NamedTuple):
    """Hypotheses that together make a difference vanish, and the constants that do."""

    entries: tuple[Entry, ...]
    hypotheses: tuple[Hypothesis, ...]
    values: tuple[float | None, ...]
    mended: int

    def edits(self) -> Edits:
        """All edits together."""
        edits: Edits = {}
        for hypothesis, value in zip(self.hypotheses, self.values, strict=True):
            edits = combined(edits, hypothesis.edits(value))
        return edits


def diagnose(
    sides: Sides, jax: Runs, scope: Scope, alone: Sequence[tuple[str, Difference]] = ()
) -> tuple[Fault, ...]:
    """All places where the sides part from the same values, with what explains them.

    Args:
      sides: both sides.
      jax: all runs of the JAX side.
      scope: what is compared.
      alone: parameters without a partner, with JAX's path of their layer.
    """
    bench = bench_of(sides, jax, scope)
    faults, edits = _search(bench, alone)
    if all(fault.causes for fault in faults):
        return tuple(faults)
    # what belongs together by its order need not do so by what it computes: once more, unlocked
    freely, edits = _search(bench_of(sides, jax, scope, free=True), alone)
    return tuple(freely if all(fault.causes for fault in freely) else faults)
