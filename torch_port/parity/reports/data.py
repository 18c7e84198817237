"""A report as plain data, for `json` and whatever reads that.

The keys stay; later versions may add some. `null` stands for what is not finite or not there.

    format         1
    verdict        "equal", "rounding" or "semantic"
    first          the first difference of meaning, as those of `differences`, or null
    faults         places where the sides part though given the same values, in order:
      difference     the place, as those of `differences`
      causes         what together removes it: id, title, explanation, fix, evidence,
                     jax_path, torch_path, constants by side, step
      alternatives   lists like `causes` that remove it as well
      evidence       where there is no cause, how the two differ; else the probe that parts them
    causes         the ids of all causes, best first
    differences    all that was compared, in order: kind, jax_path, torch_path, step, verdict,
                   error32, error64, ratio, ulps, hidden, note
    not_compared   what has no partner
    notes          what the verdict rests on
    settings       what could be read off before running: place, name, jax, torch, differs
    trajectory     of a training, by the names of its lists, or null
    versions       of python, jax, torch, flax, optax and jaxnn; null where one is not installed
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch_port.parity.report import Difference, Fault, Report

FORMAT = 1


def data(report: Report) -> dict[str, Any]:
    """All that a report holds, in dictionaries, lists, strings and finite numbers.

    Args:
      report: what a comparison found.

    Example:
      >>> from torch_port.parity.report import Report
      >>> found = data(Report("equal", ()))
      >>> found["verdict"], found["first"], found["faults"]
      ('equal', None, [])
    """
    return {
        "format": FORMAT,
        "verdict": report.verdict,
        "first": None if report.first is None else _difference(report.first),
        "faults": [_fault(fault) for fault in report.faults],
        "causes": [cause.id for cause in report.causes],
        "differences": [_difference(difference) for difference in report.differences],
        "not_compared": [*report.not_compared],
        "notes": [*report.notes],
        "settings": plain(report.settings),
        "trajectory": plain(report.trajectory),
        "versions": versions(),
    }


def versions() -> dict[str, str | None]:
    """What the comparison ran with, by name."""
    names = ("jax", "torch", "flax", "optax", "jaxnn")
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def plain(value: Any) -> Any:
    """Any value as JSON can hold it.

    Args:
      value: numbers, arrays, containers and dataclasses of them; anything else becomes its text.

    Example:
      >>> plain({"rate": np.float32(0.5), "mask": np.array([True]), "size": float("inf")})
      {'rate': 0.5, 'mask': [True], 'size': None}
    """
    if hasattr(value, "tolist"):  # an array or a scalar of NumPy, JAX or PyTorch
        value = value.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def _difference(difference: Difference) -> dict[str, Any]:
    where = {
        "kind": difference.kind,
        "jax_path": difference.jax_path,
        "torch_path": difference.torch_path,
        "step": difference.step,
    }
    return {**where, **plain(asdict(difference.judgement))}


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "difference": _difference(fault.difference),
        "causes": plain(fault.causes),
        "alternatives": plain(fault.alternatives),
        "evidence": fault.evidence,
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
