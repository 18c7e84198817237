"""What the engine says of ports and mutants, beside what it should say."""

import time
from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import jax
import numpy as np
import torch

from tests.parity.ports.port import Mutant, Port
from torch_port import parity
from torch_port.parity.report import Cause, Report


class Outcome(NamedTuple):
    """What the engine said of a mutant.

    Attributes:
      verdict: of the report.
      cause: the id named first; empty where none was named.
      place: kind and JAX path of the first fault, its step, and PyTorch's module at fault.
      constant: that was recovered for the JAX side, if any.
      right: by acceptance figure, whether it was right; `"constant"` only where there is one.
      seconds: that it took.
    """

    verdict: str
    cause: str
    place: str
    constant: Any
    right: Mapping[str, bool]
    seconds: float


def report_of(port: Port, settings: Mapping[str, Any], seed: int = 0, scale: float = 1.0) -> Report:
    """The report on a port made with some settings."""
    torch.manual_seed(seed)
    with jax.numpy_rank_promotion("allow"):  # as users have it
        ours, theirs, given, of_compare = port.make(seed=seed, scale=scale, **settings)
        if port.of_optimizers:
            return parity.compare_optimizers(ours, theirs, given, **of_compare)
        return parity.compare(ours, theirs, given, **of_compare)


def outcome(port: Port, mutant: Mutant) -> Outcome:
    """What the engine says of a mutant."""
    start = time.perf_counter()
    report = report_of(port, mutant.settings)
    seconds = time.perf_counter() - start
    first = report.faults[0] if report.faults else None
    cause = first.causes[0] if first and first.causes else None
    place = f"{first.difference.kind} {first.difference.jax_path}" if first else ""
    step = first.difference.step if first else None
    right = {
        "verdict": report.verdict == "semantic",
        "cause": cause is not None and cause.id in (mutant.cause, *mutant.also),
        "place": place == mutant.place and step == mutant.step and _in_module(mutant, cause),
    }
    constant = cause.constants.get("jax") if cause else None
    if mutant.constant is not None:
        right["constant"] = _close(constant, mutant.constant)
    said = place + ("" if step is None else f", step {step}")
    said += f" at {cause.torch_path}" if cause and mutant.module is not None else ""
    return Outcome(report.verdict, cause.id if cause else "", said, constant, right, seconds)


def _in_module(mutant: Mutant, cause: Cause | None) -> bool:
    """Of a program that is one function, the module at fault; `""` is the program itself."""
    if mutant.module is None:
        return True
    return cause is not None and cause.torch_path in (mutant.module, mutant.module or "output")


def _close(found: Any, expected: float) -> bool:
    return isinstance(found, int | float) and bool(np.isclose(found, expected, rtol=1e-3, atol=0))


def both_named(port: Port, first: Mutant, second: Mutant) -> tuple[bool, str]:
    """Whether both mistakes of a port are named, and what was named."""
    report = report_of(port, {**first.settings, **second.settings})
    named = {cause.id for fault in report.faults for cause in fault.causes}
    found = [bool(named.intersection((m.cause, *m.also))) for m in (first, second)]
    return all(found), ", ".join(sorted(named))


def doubles(port: Port, count: int) -> list[tuple[Mutant, Mutant]]:
    """Some pairs of mistakes of different causes that can be made in one port."""
    possible = [
        (first, second)
        for first, second in combinations(port.mutants, 2)
        if first.cause != second.cause
        and not first.settings.keys() & second.settings.keys()
        and not _hides(first, second)
        and not _hides(second, first)
    ]
    order = np.random.default_rng(0).permutation(len(possible))
    return [possible[i] for i in order[:count]]


def _hides(first: Mutant, second: Mutant) -> bool:
    """Whether the first mistake leaves nothing of the second to be seen."""
    without_decay = first.settings.get("decay") == 0 and second.cause.startswith("weight-decay")
    settings = {(a, b) for a in first.settings for b in second.settings}
    return without_decay or (first.cause, second.cause) in HIDING or bool(settings & UNUSED)


HIDING = {
    ("batch-norm-mode", "batch-norm-momentum"),
    ("batch-norm-mode", "batch-norm-running-variance"),
    ("dropout-mode", "dropout-rate"),
    ("dropout-mode", "dropout-rate-complement"),
}
"""Causes of which the first leaves nothing of the second to be seen."""

UNUSED = {
    ("other", "slopes"),
    ("activation", "alpha"),
    ("memory", "nesterov"),
    ("handling", "smoothing"),
    ("by_optax", "momentum_decay"),
}
"""Settings of which a wrong first one leaves the second unused."""
