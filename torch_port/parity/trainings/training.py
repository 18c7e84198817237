"""Whether two trainings compute the same, step by step, and if not, where and why."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from torch_port.parity.compare import Compared, not_compared, parameters_alone
from torch_port.parity.diagnosis.diagnosis import diagnose
from torch_port.parity.diagnosis.lockstep import LOCALISES_ONLY, Place, place_of
from torch_port.parity.ladder import Verdict, worst
from torch_port.parity.report import Difference, Fault, Report
from torch_port.parity.settings.optimizer_settings import optimizer_settings
from torch_port.parity.settings.settings import initial_settings, settings_of
from torch_port.parity.trainings.batches import Batches, batches_of
from torch_port.parity.trainings.runs import LockStep, Step
from torch_port.parity.trainings.trajectories import trajectory_of
from torch_port.parity.updates.optimizers import explained, judge_updates, require_transformation

Pair = tuple[Callable[..., Any], Callable[..., Any]]

MOST_DIAGNOSED = 3
"""At so many steps at most the model is looked into: at the first that differs, and where new
places do."""


def compare_training(
    jax_side: Any,
    torch_side: torch.nn.Module,
    batches: Any,
    *,
    params: Any = None,
    optimizers: tuple[Any, Callable[..., Any]],
    losses: Pair,
    steps: int | None = None,
) -> Report:
    """Says whether trainings in JAX and in PyTorch compute the same, and if not, where and why.

    Every step begins on both sides with JAX's parameters and statistics in float32: model and loss
    are compared as one program, and both optimisers are given JAX's gradients. So one fault shows
    as one fault, and all are found. Then both trainings run freely, for `Report.trajectory`.

    Args:
      jax_side: a `jaxnn.Layer`, or a Flax linen or nnx module.
      torch_side: a `torch.nn.Module`.
      batches: pairs (inputs, labels); or, where each side has a loader of its own, two sequences of
        them, `{"jax": ..., "torch": ...}`, which are compared first.
      params: of the JAX side, as for `compare`; None copies PyTorch's.
      optimizers: a transformation, and a function from a list of parameters, in the order of
        `torch_side.parameters()`, to an optimiser, as for `compare_optimizers`.
      losses: JAX's and PyTorch's, each of outputs and labels. Their mean over the batch is taken
        where they give one number for each example.
      steps: how many; None for as many as there are batches. After the last batch comes the first.

    Returns:
      A report; every difference and cause has its step. Dropout has the same masks on both sides
      and in all steps.

    Raises:
      ValueError: there are no batches, or less than one step; parameters do not match; a side draws
        random numbers that cannot be given to the other.
      TypeError: `optimizers` are no optimisers, or the PyTorch side is no module.

    Example:
      >>> import numpy as np
      >>> from jaxnn import layers, losses, optim
      >>> batch = np.ones((4, 3), np.float32), np.array([0, 1, 1, 0])
      >>> report = compare_training(
      ...     layers.dense(3, 2),
      ...     torch.nn.Linear(3, 2),
      ...     [batch, batch],
      ...     optimizers=(optim.sgd(0.2), lambda params: torch.optim.SGD(params, lr=0.1)),
      ...     losses=(losses.softmax_cross_entropy, torch.nn.functional.cross_entropy),
      ... )
      >>> report.first.kind, report.first.step, report.causes[0].id
      ('update', 1, 'optimizer-hyperparameter')
    """
    transformation, torch_factory = optimizers
    require_transformation("compare_training", transformation)
    if not isinstance(torch_side, torch.nn.Module):
        raise TypeError(f"compare_training: a torch.nn.Module expected, got {torch_side!r}")
    data = batches_of(batches)
    steps = max(len(data.ours), len(data.theirs)) if steps is None else steps
    if steps < 1:
        raise ValueError(f"compare_training: at least 1 step expected, got {steps}")
    lock_step = LockStep(jax_side, torch_side, data, params, losses, transformation)
    done = [*lock_step.run(steps)]
    fed = lock_step.fed(done)
    updates = judge_updates(lock_step.jax_updates, torch_factory, fed)
    faults = [*data.faults, *_of_programs(done), *explained(updates, fed)]
    start, arrays = lock_step.start, [*data.ours[0].inputs]
    settings = settings_of(jax_side, torch_side, start.matching, arrays)
    settings += initial_settings(start.jax.values, start.torch.values, start.matching)
    settings += optimizer_settings(transformation, updates.torch[1].optimizer)
    notes = [note for step in done for note in step.compared.notes] + updates.notes
    return Report(
        _worst(data, done, updates.differences),
        tuple(_in_order(data, done, updates.differences)),
        tuple(not_compared(start, train=True)),
        tuple(dict.fromkeys(notes)),
        tuple(sorted(faults, key=lambda fault: fault.difference.step or 0)),
        settings,
        trajectory_of(lock_step, torch_factory, fed, done),
    )


def _of_programs(done: list[Step]) -> list[Fault]:
    """The faults of model and loss, each at the first step where it shows."""
    seen: set[Place] = set()
    found: list[Fault] = []
    diagnosed = 0
    for step in done:
        apart = {place_of(d) for d in _decisive(step.compared) if d.verdict == "semantic"}
        if apart <= seen or diagnosed == MOST_DIAGNOSED:
            continue
        diagnosed += 1
        compared = step.compared
        alone = parameters_alone(step.sides)
        faults = diagnose(step.sides, compared.jax, compared.scope, alone)
        known = {_sign(fault) for fault in found}
        found += [_at(fault, step.number) for fault in faults if _sign(fault) not in known]
        seen |= apart
    return found


def _decisive(compared: Compared) -> list[Difference]:
    return [d for d in compared.differences if d.kind not in LOCALISES_ONLY]


def _sign(fault: Fault) -> tuple[Any, ...]:
    """What tells a fault from another: its causes, or its place if it has none."""
    causes = tuple((cause.id, cause.jax_path) for cause in fault.causes)
    return causes or place_of(fault.difference)


def _at(fault: Fault, step: int) -> Fault:
    at = lambda causes: tuple(replace(cause, step=step) for cause in causes)
    return replace(
        fault,
        difference=replace(fault.difference, step=step),
        causes=at(fault.causes),
        alternatives=tuple(at(causes) for causes in fault.alternatives),
    )


def _in_order(data: Batches, done: list[Step], updates: list[Difference]) -> list[Difference]:
    """Of each step its batch, then model and loss, then the updates."""
    of_programs = [replace(d, step=s.number) for s in done for d in s.compared.differences]
    return sorted([*data.differences, *of_programs, *updates], key=lambda d: d.step or 0)


def _worst(data: Batches, done: list[Step], updates: list[Difference]) -> Verdict:
    found: list[Verdict] = [d.verdict for d in (*data.differences, *updates)]
    return worst([*found, *(step.compared.verdict for step in done)])
