"""Diagnosis: which changes of the PyTorch side make the difference vanish.

At each place where the sides part although they were given the same values, the catalogue's
hypotheses about the calls that lead there are put in, one at a time and then two. What brings the
difference in float64 down to rounding is a cause; where several do, other inputs part them.
"""

from collections.abc import Sequence
from dataclasses import replace

from torch_port.parity.catalogue import PROGRAM_ENTRIES
from torch_port.parity.comparison import Runs, Scope, Sides
from torch_port.parity.diagnosis.evidence import described
from torch_port.parity.diagnosis.fitting import (
    Fit,
    Near,
    Target,
    candidates,
    fits,
    pairs_that_fit,
)
from torch_port.parity.diagnosis.hypotheses import combined
from torch_port.parity.diagnosis.lockstep import BACKWARD, Bench, Place, bench_of, place_of
from torch_port.parity.diagnosis.probes import parted
from torch_port.parity.report import Cause, Difference, Fault
from torch_port.parity.sides.torch_calls import Edits

MOST_FAULTS = 12
"""More places than these are not looked at: by then the programs have little in common."""


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
    # locked, each place shows its own fault; but what belongs together by its order need not do so
    # by what it computes, and then only the whole can tell
    locked = bench_of(sides, jax, scope)
    faults, edits = _search(locked, 1)
    for bench, most in ((locked.unlocked(), 1), (locked, 2)):
        if faults and all(fault.causes for fault in faults):
            break
        faults, edits = _search(bench, most)
    changed = {locked.trace.calls[number].path for number in edits}
    return (*faults, *_without_partner(alone, changed, sides))


def _search(bench: Bench, most: int) -> tuple[list[Fault], Edits]:
    """One fault after the other, each under those changes that explain the ones before it.

    Args:
      bench: to run on.
      most: how many changes at a time are tried, 1 or 2.
    """
    edits: Edits = {}
    faults: list[Fault] = []
    given_up: set[Place] = set()
    for _ in range(MOST_FAULTS):
        found = bench.differences(edits)
        if given_up:
            # gradients say nothing of their own where what they belong to is open
            found = [d for d in found if d.kind not in BACKWARD]
        apart = [d for d in found if d.verdict == "semantic" and place_of(d) not in given_up]
        fault = next((d for d in apart if bench.decides(d)), None)
        if fault is None:
            break
        # pairs take long, and what two places have not is not likely to be found at a third
        explained = _explained(bench, edits, found, fault, most if len(given_up) < 2 else 1)
        if explained is None:
            given_up.add(place_of(fault))
            evidence = fault.judgement.note or described(bench, edits, place_of(fault))
            faults.append(Fault(fault, evidence=evidence))
        else:
            best, made = explained
            edits = combined(edits, best.edits())
            faults.append(replace(made, difference=apart[0]))
    return faults, edits


def _explained(
    bench: Bench, edits: Edits, found: list[Difference], fault: Difference, most: int
) -> tuple[Fit, Fault] | None:
    """The best explanation of a fault, and the fault with it and the others."""
    target = Target(bench, edits, found, fault)
    close: list[Near] = []
    fitting: list[Fit] = []
    for calls in bench.calls_before(fault):
        trials = candidates(PROGRAM_ENTRIES, calls, bench)
        fitting, near = fits(trials, target, found)
        close += near
        if fitting:
            break
    if not fitting and most > 1:
        fitting = pairs_that_fit(close, target, found)
    if not fitting:
        return None
    fitting, probe = parted(fitting, bench, edits, fault)
    best, *others = fitting
    named = [fit for fit in others if fit.ids != best.ids]
    alternatives = {fit.ids: _causes(fit, bench, fault) for fit in reversed(named)}
    return best, Fault(
        fault, _causes(best, bench, fault), tuple(reversed(alternatives.values())), probe
    )


def _causes(fit: Fit, bench: Bench, fault: Difference) -> tuple[Cause, ...]:
    error = fault.judgement.error64
    together = "" if len(fit.trials) == 1 else ", both together,"
    causes = []
    for trial, value in zip(fit.trials, fit.values, strict=True):
        entry, hypothesis = trial
        of_jax = hypothesis.of_jax if value is None else value
        constants = {}
        if of_jax is not None or hypothesis.of_torch is not None:
            constants = {"torch": hypothesis.of_torch, "jax": of_jax}
        words = {"torch": shown(hypothesis.of_torch), "jax": shown(of_jax)}
        call = bench.trace.calls[hypothesis.call]
        said = hypothesis.said.format("" if value is None else shown(value))
        causes.append(
            entry.cause(
                words,
                f"with {said}{together} the difference in float64 falls from {error:.1e} to "
                "rounding",
                jax_path=fault.jax_path,
                torch_path=call.path or fault.torch_path,
                constants=constants,
            )
        )
    return tuple(causes)


def shown(constant: object) -> str:
    """A constant as a person would write it."""
    return f"{constant:.12g}" if isinstance(constant, float) else str(constant)


def _without_partner(
    alone: Sequence[tuple[str, Difference]], changed: set[str], sides: Sides
) -> list[Fault]:
    """Parameters of one side only that no fault explains: they may have changed nothing yet."""
    arrays = {**sides.jax_values.params, **sides.torch_values.params}
    dims = {str(name): array.ndim for name, array in arrays.items()}
    missing = []
    for layer, difference in alone:
        of_torch = difference.torch_path.rpartition(".")[0]
        if (sides.matching.layers.get(layer) if difference.jax_path else of_torch) in changed:
            continue
        path = difference.jax_path or difference.torch_path
        side = "JAX" if difference.jax_path else "PyTorch"
        evidence = f"{path} is there on the {side} side only"
        causes = (_missing(path, layer, difference, evidence),) if dims[path] == 1 else ()
        missing.append(Fault(difference, causes, evidence="" if causes else evidence))
    return missing


def _missing(path: str, layer: str, difference: Difference, evidence: str) -> Cause:
    """A bias or a scale of one side only."""
    id = "bias-missing" if "bias" in path.replace("/", ".").rpartition(".")[2] else "scale-missing"
    entry = next(entry for entry in PROGRAM_ENTRIES if entry.id == id)
    return entry.cause(
        {}, evidence, jax_path=difference.jax_path or layer, torch_path=difference.torch_path
    )
