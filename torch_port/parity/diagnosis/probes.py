"""Probes: other values than the given ones, which part explanations that fit these alike."""

from collections.abc import Callable, Sequence

import numpy as np

from torch_port.parity.comparison import Sides, carried, run_jax
from torch_port.parity.diagnosis.fitting import Fit
from torch_port.parity.diagnosis.hypotheses import combined
from torch_port.parity.diagnosis.lockstep import Bench, bench_of, place_of
from torch_port.parity.ladder import CLEARLY_ROUNDING, UNITS
from torch_port.parity.report import Difference
from torch_port.parity.sides.side import is_floating
from torch_port.parity.sides.torch_calls import Edits


def _of_inputs(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Sides], Sides]:
    def probe(sides: Sides) -> Sides:
        change_floats = lambda x: change(x).astype(x.dtype) if is_floating(x) else x
        with_inputs = lambda values: values._replace(inputs=[*map(change_floats, values.inputs)])
        return sides._replace(
            jax_values=with_inputs(sides.jax_values), torch_values=with_inputs(sides.torch_values)
        )

    return probe


def _of_parameters(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Sides], Sides]:
    def probe(sides: Sides) -> Sides:
        change_floats = lambda x: change(x).astype(x.dtype) if is_floating(x) else x
        params = {name: change_floats(x) for name, x in sides.jax_values.params.items()}
        values = sides.jax_values._replace(params=params)
        return sides._replace(jax_values=values, torch_values=carried(sides, values))

    return probe


def _moved(x: np.ndarray) -> np.ndarray:
    generator = np.random.default_rng(x.size)
    factors = 1 + 0.3 * generator.standard_normal(x.shape)
    return x * factors + 0.1 * generator.standard_normal(x.shape)


PROBES: dict[str, Callable[[Sides], Sides]] = {
    "all inputs negated": _of_inputs(lambda x: -x),
    "all inputs times 30": _of_inputs(lambda x: 30 * x),
    "all inputs times 0.001": _of_inputs(lambda x: 0.001 * x),
    "all inputs 0": _of_inputs(np.zeros_like),
    "inputs rounded to integers": _of_inputs(np.round),
    "the first example everywhere": _of_inputs(
        lambda x: np.repeat(x[:1], len(x), 0) if x.ndim else x
    ),
    "parameters moved at random": _of_parameters(_moved),
    "parameters times 10": _of_parameters(lambda x: 10 * x),
}


def parted(
    fits: Sequence[Fit], bench: Bench, edits: Edits, fault: Difference
) -> tuple[list[Fit], str]:
    """The explanations that other values do not refute, and which values were tried.

    Args:
      fits: which fit the given values, best first.
      bench: where they were found.
      edits: what is explained already.
      fault: what they explain.
    """
    left = [*{fit.ids: fit for fit in reversed(fits)}.values()][::-1]
    for probe in PROBES.values():
        if len(left) == 1:
            break
        sides = probe(bench.sides)
        try:
            holds = _holding(left, sides, bench, edits, fault)
        except Exception:  # a program need not take any values
            continue
        left = holds or left
    said = "" if len(left) == 1 else f"these compute the same for all {len(PROBES)} probes, too"
    return left, said


def _holding(
    fits: list[Fit], sides: Sides, bench: Bench, edits: Edits, fault: Difference
) -> list[Fit]:
    """Those that explain the fault there as well."""
    if not _parts(fits, sides, bench, edits):
        return fits
    there = bench_of(sides, run_jax(sides, bench.scope), bench.scope, free=bench.is_free)
    return [fit for fit in fits if _mends(fit, there, edits, fault)]


def _parts(fits: Sequence[Fit], sides: Sides, bench: Bench, edits: Edits) -> bool:
    """Whether the explanations compute something else there, by runs of PyTorch alone."""
    there = bench._replace(sides=sides).unlocked()
    runs = [there.run_once(combined(edits, fit.edits()), gradients=False) for fit in fits]
    numbers = [
        np.concatenate([np.ravel(x) for x in [*run.outputs, *run.statistics.values()]] or [[]])
        for run in runs
    ]
    return any(_apart(numbers[0], other) for other in numbers[1:])


def _apart(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape:
        return True
    limit = CLEARLY_ROUNDING * UNITS * 2.0**-24
    with np.errstate(all="ignore"):
        return not np.allclose(a, b, rtol=limit, atol=limit * np.max(np.abs(a), initial=0))


def _mends(fit: Fit, bench: Bench, edits: Edits, fault: Difference) -> bool:
    found = bench.differences(combined(edits, fit.edits()))
    there = next((d for d in found if place_of(d) == place_of(fault)), None)
    return there is not None and there.verdict != "semantic"
