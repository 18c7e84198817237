"""The comparison itself: match, copy, run both sides in both precisions, judge in order."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from torch_port.parity.comparison import Runs, Scope, Sides
from torch_port.parity.diagnosis.diagnosis import diagnose
from torch_port.parity.diagnosis.hidden import hidden_differences
from torch_port.parity.diagnosis.lockstep import LOCALISES_ONLY, run_and_judged
from torch_port.parity.ladder import Judgement, Verdict, worst
from torch_port.parity.report import Difference, Report
from torch_port.parity.settings.settings import initial_settings, settings_of
from torch_port.parity.sides.preparation import Task, prepared


def compare(
    jax_side: Any,
    torch_side: Any,
    inputs: Any,
    *,
    params: Any = None,
    train: bool = False,
    gradients: bool = True,
    seed: int = 0,
    mapping: Mapping[str, str] | None = None,
) -> Report:
    """Says whether a JAX program and a PyTorch program compute the same, and if not, where and why.

    Both run in float32 and in float64 from the same float32 values and the same dropout masks; no
    tolerance is chosen. Neither program is changed.

    Args:
      jax_side: a `jaxnn.Layer`, a Flax linen or nnx module, or a function of arrays, which with
        `params` is a function of `(params, *inputs)`.
      torch_side: a `torch.nn.Module`, or a function of tensors.
      inputs: one array or tensor, or a tuple of them: the arguments of both sides.
      params: of the JAX side, copied to PyTorch; None copies PyTorch's the other way. For a linen
        module the variables or their `"params"`, for a `jaxnn.Layer` params or `(params, state)`.
      train: whether both sides train; running statistics are then compared after the step.
      gradients: whether gradients by parameters and inputs are compared, of a fixed random sum of
        the outputs.
      seed: of masks, of that sum, and of initial parameters where neither side has any.
      mapping: where parameters could be matched in several ways, PyTorch's path of a layer by
        JAX's.

    Returns:
      A report: `verdict`, `first`, `causes`, `differences`; `print` shows it in at most ten lines.

    Raises:
      TypeError: a side, an input or the mapping is nothing that can be compared.
      ValueError: parameters or outputs do not match, or match in several ways; a side raises, which
        is the cause of the error, or draws random numbers that cannot be given to the other.

    Example:
      >>> import jax.numpy as jnp
      >>> import torch
      >>> from jaxnn import layers
      >>> module = torch.nn.Linear(3, 2)
      >>> report = compare(layers.dense(3, 2), module, np.ones((5, 3), np.float32))
      >>> report.verdict in ("equal", "rounding")
      True
      >>> compare(jnp.sin, torch.cos, np.ones(3, np.float32), gradients=False).verdict
      'semantic'
    """
    task = Task(jax_side, torch_side, params, train, seed, mapping)
    sides, notes = prepared(task, inputs)
    inputs_of_both = [*sides.jax_values.inputs], [*sides.torch_values.inputs]
    settings = settings_of(jax_side, torch_side, sides.matching, *inputs_of_both)
    settings += initial_settings(sides.jax.values, sides.torch.values, sides.matching)
    compared = compare_sides(sides, Scope(train, gradients, seed))
    faults = ()
    if compared.verdict == "semantic":
        _check_repeats(sides)
        faults = diagnose(sides, compared.jax, compared.scope, parameters_alone(sides))
    found = compared.differences
    notes += compared.notes
    if compared.verdict != "semantic":
        notes += [f"{d.kind} {d.jax_path}: {d.judgement.note}" for d in found if d.judgement.note]
        notes += [] if compared.notes else hidden_differences(sides, compared.scope)
    return Report(
        compared.verdict,
        tuple(found),
        (*not_compared(sides, train), *_of_other_shapes(sides, found)),
        tuple(notes),
        faults,
        settings,
    )


class Compared(NamedTuple):
    """What `compare_sides` found.

    Attributes:
      verdict: of all that decides.
      differences: all that was compared, in order.
      notes: what the verdict rests on, where that is not float64 alone.
      scope: with the precision that decided.
      jax: the runs of the JAX side.
    """

    verdict: Verdict
    differences: list[Difference]
    notes: list[str]
    scope: Scope
    jax: Runs


def compare_sides(sides: Sides, scope: Scope) -> Compared:
    """Runs both sides, and judges in float64, or in float32 where a side computes in it inside.

    Args:
      sides: both sides with their values.
      scope: what is compared.
    """
    jax, found = run_and_judged(sides, scope)
    notes = []
    if _verdict(found) == "semantic" and (notes := _float32_inside(sides)):
        scope = scope._replace(moved_in="float32")
        jax, found = run_and_judged(sides, scope)
    found = _with_alone(found, sides)
    return Compared(_verdict(found), found, notes, scope, jax)


def _check_repeats(sides: Sides) -> None:
    """Raises if a side gives something else each time: no cause can be found then."""
    for side, values in ((sides.jax, sides.jax_values), (sides.torch, sides.torch_values)):
        if not side.repeats(values):
            raise ValueError(
                f"compare: the {side.framework} side computes something else each time it is run; "
                "take its random numbers in as an input, or fix their seed inside"
            )


def _verdict(found: list[Difference]) -> Verdict:
    return worst(d.verdict for d in found if d.kind not in LOCALISES_ONLY)


def parameters_alone(sides: Sides) -> list[tuple[str, Difference]]:
    """Parameters of one side only, with JAX's path of their layer."""
    alone = [
        (name.layer, Difference("parameter", str(name), "", _MISSING))
        for name in sides.matching.jax_alone
        if name in sides.jax_values.params
    ]
    to_jax = {other: path for path, other in sides.matching.layers.items()}
    return alone + [
        (to_jax.get(name.layer, ""), Difference("parameter", "", str(name), _MISSING))
        for name in sides.matching.torch_alone
        if name in sides.torch_values.params
    ]


def _with_alone(found: list[Difference], sides: Sides) -> list[Difference]:
    """With the parameters of one side only, each before its layer, or first of all."""
    for layer, difference in parameters_alone(sides):
        places = [i for i, d in enumerate(found) if d.kind == "layer" and d.jax_path == layer]
        found = [*found[: min(places, default=0)], difference, *found[min(places, default=0) :]]
    return found


_MISSING = Judgement("semantic", np.inf, np.inf, np.inf, np.inf, note="it has no partner")


def _float32_inside(sides: Sides) -> list[str]:
    return [
        f"{side.framework} {found} even in a float64 run, so float32 had to decide"
        for side, values in ((sides.jax, sides.jax_values), (sides.torch, sides.torch_values))
        for found in side.float32_inside(values)
    ]


def not_compared(sides: Sides, train: bool) -> Iterator[str]:
    """Layers and statistics without a partner; the whole program's output is compared as such."""
    matching = sides.matching
    ours, theirs = {*matching.layers}, {*matching.layers.values()}
    yield from (f"JAX {path}" for path in sides.jax.kinds if not _covered(path, ours, "/"))
    yield from (f"PyTorch {path}" for path in sides.torch.kinds if not _covered(path, theirs, "."))
    if train:
        yield from (f"JAX {n}" for n in matching.jax_alone if n in sides.jax_values.state)
        yield from (f"PyTorch {n}" for n in matching.torch_alone if n in sides.torch_values.state)


def _of_other_shapes(sides: Sides, found: list[Difference]) -> Iterator[str]:
    """Layers that belong together, and whose outputs could not be put beside each other."""
    compared = {d.jax_path for d in found if d.kind == "layer"}
    for path, other in sides.matching.layers.items():
        if path not in compared:
            yield f"layer {path} | {other}, for their shapes differ"


def _covered(path: str, compared: set[str], separator: str) -> bool:
    """Whether a layer is compared, be it as a part of another or part by part; or is the whole."""
    base = path.partition("#")[0]
    wholes = [base[:i] for i, letter in enumerate(base) if letter == separator]
    parts = [other for other in compared if other.startswith(base + separator)]
    return not path or path in compared or not compared.isdisjoint(wholes) or bool(parts)
