"""Whether two optimisers make the same updates from the same gradients, and if not, why."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from torch_port.parity.ladder import (
    OWN_MOVES_IN_FLOAT32,
    Evidence,
    Judgement,
    judge,
    judge_in_float32,
    worst,
)
from torch_port.parity.report import Difference, Fault, Report
from torch_port.parity.settings.optimizer_settings import optimizer_settings
from torch_port.parity.sides.side import Precision, is_floating
from torch_port.parity.updates.diagnosis import Found, diagnose_updates
from torch_port.parity.updates.gradient_streams import some_gradients, some_params
from torch_port.parity.updates.recipe_reading import recipe_of
from torch_port.parity.updates.runs import (
    Fed,
    JaxUpdates,
    Leaf,
    Leaves,
    TorchFactory,
    TorchRun,
    run_torch,
)


def compare_optimizers(
    transformation: Any, torch_factory: TorchFactory, params: Any = None, *, steps: int = 20
) -> Report:
    """Says whether an optimiser of JAX and one of PyTorch make the same updates, and if not, why.

    Both are fed the same gradients, whose scales change from step to step and from element to
    element, from 100 to 1e-6 and to 0; before each step the parameters are set to those that JAX
    has in float32, while each optimiser keeps a state of its own.

    Args:
      transformation: of Optax or `jaxnn`: a pair of functions `init` and `update`.
      torch_factory: from a list of parameters, in the order of `jax.tree.leaves(params)`, to an
        optimiser, or to a tuple of one and its schedulers, which step after it. What changes the
        gradients first, as a bound on their norm, it registers by `register_step_pre_hook`.
      params: a tree of arrays; None for kernels and biases of two small layers.
      steps: how many.

    Returns:
      A report whose differences are those of the updates, by step and parameter.

    Raises:
      ValueError: `steps` is below 1; there are no parameters of floats; an optimiser does not take
        a step, or is not one over the parameters that it was given.
      TypeError: `transformation` or what `torch_factory` gives is no optimiser.

    Example:
      >>> import torch
      >>> from jaxnn import optim
      >>> adam = lambda params: torch.optim.Adam(params, lr=0.1)
      >>> compare_optimizers(optim.adam(0.1), adam, steps=3).verdict
      'rounding'
      >>> compare_optimizers(optim.adam(0.2), adam, steps=3).causes[0].constants
      {'torch': 0.1, 'jax': 0.2}
    """
    require_transformation("compare_optimizers", transformation)
    if steps < 1:
        raise ValueError(f"compare_optimizers: at least 1 step expected, got {steps}")
    named, structure = _leaves_of(some_params() if params is None else params)
    leaves = [Leaf(path, f"parameter {i}") for i, path in enumerate(named)]
    start = [*named.values()]
    gradients = some_gradients([p.shape for p in start], steps)
    jax_side = JaxUpdates(transformation, structure)
    order = [*range(len(leaves))]
    fed = Fed(structure, leaves, order, jax_side.path(start, gradients), gradients)
    found = judge_updates(jax_side, torch_factory, fed)
    faults = explained(found, fed)
    return Report(
        worst(d.verdict for d in found.differences),
        tuple(found.differences),
        notes=tuple(found.notes),
        faults=faults,
        settings=optimizer_settings(transformation, found.torch[1].optimizer),
    )


class Updates(NamedTuple):
    """What both optimisers did, and how it was judged.

    Attributes:
      differences: of each step and parameter, in order.
      notes: what the verdict rests on, where that is not float64 alone.
      jax: in float32, in float64, and in the deciding precision from gradients moved by one unit.
      torch: likewise.
      precision: that decides.
    """

    differences: list[Difference]
    notes: list[str]
    jax: tuple[list[Leaves], list[Leaves], list[Leaves]]
    torch: tuple[TorchRun, TorchRun, TorchRun]
    precision: Precision


def judge_updates(jax_side: JaxUpdates, torch_factory: TorchFactory, fed: Fed) -> Updates:
    """Runs both optimisers over the same parameters and gradients, and judges every update.

    Args:
      jax_side: the transformation.
      torch_factory: as for `compare_optimizers`.
      fed: the parameters before each step, and its gradients.
    """
    jax_runs = [jax_side.run(fed, precision) for precision in ("float32", "float64")]
    torch_runs = [run_torch(torch_factory, fed, precision) for precision in ("float32", "float64")]
    notes = _not_held(torch_runs[1], fed)
    found = _judged_in("float64", jax_side, torch_factory, fed, jax_runs, torch_runs, notes)
    if worst(d.verdict for d in found.differences) != "semantic":
        return found
    if inside := jax_side.float32_inside(fed):
        notes += [f"JAX {what} even in a float64 run, so float32 had to decide" for what in inside]
        return _judged_in("float32", jax_side, torch_factory, fed, jax_runs, torch_runs, notes)
    return found


def _not_held(run: TorchRun, fed: Fed) -> list[str]:
    """Parameters that PyTorch's optimiser was given, and left out."""
    held = {id(p) for group in run.optimizer.param_groups for p in group["params"]}
    return [
        f"PyTorch's optimizer does not hold {leaf.jax_path}"
        for leaf, tensor in zip(fed.leaves, run.tensors, strict=True)
        if id(tensor) not in held
    ]


def explained(found: Updates, fed: Fed) -> tuple[Fault, ...]:
    """The first difference of meaning with its causes; nothing where there is none."""
    first = next((d for d in found.differences if d.verdict == "semantic"), None)
    if first is None:
        return ()
    run = found.torch[1]
    read = recipe_of(run.optimizer, run.tensors, run.rates)
    runs = Found(found.jax, [run.updates for run in found.torch], found.precision)
    return (diagnose_updates(first, runs, read, type(run.optimizer).__name__, fed),)


def _judged_in(precision, jax_side, torch_factory, fed, jax_runs, torch_runs, notes) -> Updates:
    moved = fed._replace(gradients=_moved(fed.gradients, precision))
    ours = (*jax_runs, jax_side.run(moved, precision))
    theirs = (*torch_runs, run_torch(torch_factory, moved, precision))
    differences = [
        Difference("update", leaf.jax_path, leaf.torch_path, _judged(numbers, p, precision), t + 1)
        for t, params in enumerate(fed.params)
        for i, (leaf, p) in enumerate(zip(fed.leaves, params, strict=True))
        for numbers in [[run[t][i] for run in (*ours, *(run.updates for run in theirs))]]
    ]
    return Updates(differences, notes, ours, theirs, precision)


def _judged(numbers: list[np.ndarray], params: np.ndarray, precision: Precision) -> Judgement:
    """Judged as parameters after the step: PyTorch's update is known only up to their rounding."""
    after = lambda u: np.asarray(params, u.dtype) + u
    evidence = Evidence(*map(after, numbers))
    judgement = judge(evidence) if precision == "float64" else _judged_in_float32(evidence)
    size = _rms(numbers[1])
    if not np.isfinite(judgement.ratio) or not size:
        return judgement
    apart = [
        _rms(np.subtract(a, b, dtype=np.float64)) / size
        for a, b in zip(numbers[:2], numbers[3:5], strict=True)
    ]
    return replace(judgement, error32=apart[0], error64=apart[1])


def _judged_in_float32(evidence: Evidence) -> Judgement:
    """Rounding also where it is the float64 runs that agree up to a float32 inside.

    A correction 1−β² has few digits in float32, so that in it even right sides may part by more.
    """
    judgement = judge_in_float32(evidence, *evidence[2::3])
    own = [_rms(a - b) for a, b in (evidence[:3:2], evidence[3::2])]
    allowed = OWN_MOVES_IN_FLOAT32 * max(*own, 2.0**-24 * _rms(evidence.jax64))
    if judgement.verdict == "semantic" and _rms(evidence.jax64 - evidence.torch64) <= allowed:
        return replace(judgement, verdict="rounding")
    return judgement


def _rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(array, np.float64))))) if array.size else 0.0


def _moved(gradients: list[Leaves], precision: Precision) -> list[Leaves]:
    draw = np.random.default_rng(5)
    unit = np.finfo(precision).eps
    move = lambda g: (g.astype(precision) * (1 + unit * draw.choice([-1.0, 1.0], g.shape))).astype(
        precision
    )
    return [[move(g) for g in leaves] for leaves in gradients]


def _leaves_of(params: Any) -> tuple[dict[str, np.ndarray], Any]:
    """The parameters in float32 by path, and their tree."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(params)
    named = {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf)
        for path, leaf in leaves
    }
    wrong = [
        f"{path or 'params'}: {p.dtype}{list(p.shape)}"
        for path, p in named.items()
        if not is_floating(p) or not p.size
    ]
    if wrong or not named:
        raise ValueError(
            "compare_optimizers: params as a tree of arrays of floats expected, none empty, got "
            + (", ".join(wrong) or "no array")
        )
    return {path: p.astype(np.float32) for path, p in named.items()}, structure


def require_transformation(name: str, transformation: Any) -> None:
    """Raises a `TypeError` unless it is a transformation."""
    if not all(callable(getattr(transformation, name, None)) for name in ("init", "update")):
        raise TypeError(
            f"{name}: a transformation with `init` and `update` expected, as Optax and jaxnn.optim "
            f"make them, got {transformation!r}"
        )
