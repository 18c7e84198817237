"""The batches of a training: those of two loaders put side by side, and what sets them apart."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from torch_port.parity.catalogue import CATALOGUE
from torch_port.parity.ladder import OWN_MOVES_IN_FLOAT32, Judgement
from torch_port.parity.report import Cause, Difference, Fault
from torch_port.parity.sides.side import is_floating

EXACT = OWN_MOVES_IN_FLOAT32 * 2.0**-24
"""The relative error of numbers that were scaled in float32."""


class Batch(NamedTuple):
    """Inputs, as the arguments of the model, and labels."""

    inputs: tuple[np.ndarray, ...]
    labels: np.ndarray


class Batches(NamedTuple):
    """What a training is fed.

    Attributes:
      ours: of the JAX side.
      theirs: of the PyTorch side.
      one_hot: whether JAX's labels are, and PyTorch's are integers.
      differences: between the two.
      faults: what sets them apart.
    """

    ours: list[Batch]
    theirs: list[Batch]
    one_hot: bool = False
    differences: tuple[Difference, ...] = ()
    faults: tuple[Fault, ...] = ()


def batches_of(given: Any) -> Batches:
    """Both sides' batches, compared where each side has its own.

    Args:
      given: a sequence of pairs (inputs, labels), or two of them by side, `"jax"` and `"torch"`.

    Raises:
      ValueError: there is no batch; one is not a pair; inputs and labels are not as many.
    """
    if not isinstance(given, Mapping):
        batches = _checked("batches", given)
        return Batches(batches, batches)
    if given.keys() != {"jax", "torch"}:
        raise ValueError(
            f"compare_training: batches: the keys 'jax' and 'torch' expected, got {[*given]}"
        )
    ours, theirs = (_checked(f"batches[{side!r}]", given[side]) for side in ("jax", "torch"))
    one_hot = _is_one_hot(ours[0].labels, theirs[0].labels)
    found = Batches(ours, theirs, one_hot)
    differences = tuple(_differences(found))
    return found._replace(differences=differences, faults=tuple(_faults(found, differences)))


def as_array(x: Any) -> np.ndarray:
    """An array or tensor as NumPy's, floats in float32."""
    array = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    return array.astype(np.float32) if is_floating(array) else array


def _checked(name: str, given: Any) -> list[Batch]:
    batches = []
    for t, batch in enumerate(given, start=1):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise ValueError(
                f"compare_training: {name}: pairs (inputs, labels) expected, batch {t} is "
                f"{type(batch).__name__}"
            )
        inputs = batch[0] if isinstance(batch[0], tuple) else (batch[0],)
        labels = as_array(batch[1])
        if not is_floating(labels):
            labels = labels.astype(np.int64)  # PyTorch's losses take no other integers
        batches.append(Batch(tuple(map(as_array, inputs)), labels))
        sizes = [len(x) if x.ndim else 0 for x in (*batches[-1].inputs, labels)]
        if len({*sizes}) > 1 or not sizes[0]:
            raise ValueError(
                f"compare_training: {name}: as many inputs as labels expected, and at least one, "
                f"batch {t} has {sizes[0]} and {sizes[-1]}"
            )
    if not batches:
        raise ValueError(f"compare_training: {name}: at least one batch expected, got none")
    return batches


def _is_one_hot(labels: np.ndarray, integers: np.ndarray) -> bool:
    return labels.ndim == integers.ndim + 1 and is_floating(labels) and not is_floating(integers)


def _differences(batches: Batches):
    for t, (ours, theirs) in enumerate(zip(batches.ours, batches.theirs, strict=False), start=1):
        for i, pair in enumerate(zip(ours.inputs, theirs.inputs, strict=True)):
            name = "inputs" if len(ours.inputs) == 1 else f"inputs {i}"
            yield Difference("batch", name, name, _judged(*pair), t)
        labels = ours.labels.argmax(-1) if batches.one_hot else ours.labels
        yield Difference("batch", "labels", "labels", _judged(labels, theirs.labels), t)
    counts = len(batches.ours), len(batches.theirs)
    if counts[0] != counts[1]:
        note = f"JAX has {counts[0]} batches, PyTorch {counts[1]}"
        ours, theirs = (f"{count} batches" for count in counts)
        yield Difference("batch", ours, theirs, _apart(note), min(counts) + 1)


def _judged(ours: np.ndarray, theirs: np.ndarray) -> Judgement:
    if ours.shape != theirs.shape:
        return _apart(f"the shapes are {ours.shape} and {theirs.shape}")
    if np.array_equal(ours, theirs, equal_nan=is_floating(ours)):
        return Judgement("equal", 0.0, 0.0, 0.0, 0.0)
    error = _error(ours, theirs)
    verdict = "rounding" if error <= EXACT else "semantic"
    return Judgement(verdict, error, error, error / 2.0**-24, error / 2.0**-24)


def _error(ours: np.ndarray, theirs: np.ndarray) -> float:
    a, b = np.float64(ours), np.float64(theirs)
    size = np.sqrt(np.mean(np.square(a))) or 1.0
    return float(np.sqrt(np.mean(np.square(a - b))) / size)


def _apart(note: str) -> Judgement:
    return Judgement("semantic", np.inf, np.inf, np.inf, np.inf, note=note)


def _faults(batches: Batches, differences: Sequence[Difference]):
    """One fault of each kind, at its first place."""
    apart = [d for d in differences if d.verdict == "semantic"]
    counts = len(batches.ours), len(batches.theirs)
    values = [d for d in apart if not d.jax_path.endswith("batches")]
    if values and _in_another_order(batches):
        yield Fault(values[0], (_cause("batch-order", values[0], "one order", "another"),))
    elif values:
        for name in dict.fromkeys(d.jax_path for d in values):
            yield _of_values(next(d for d in values if d.jax_path == name), batches)
    if counts[0] != counts[1]:
        longer = max(batches.ours, batches.theirs, key=len)
        if len(longer) - min(counts) == 1 and len(longer[-1].labels) < len(longer[0].labels):
            yield Fault(apart[-1], (_cause("last-batch", apart[-1], counts[1], counts[0]),))
        else:
            yield Fault(apart[-1], evidence=apart[-1].judgement.note)


def _in_another_order(batches: Batches) -> bool:
    """Whether both sides have the same examples."""
    rows = lambda side: sorted(
        b"".join(np.ascontiguousarray(x[i]).tobytes() for x in (*batch.inputs, batch.labels))
        for batch in side
        for i in range(len(batch.labels))
    )
    return rows(batches.ours) == rows(batches.theirs)


def _of_values(difference: Difference, batches: Batches) -> Fault:
    t = (difference.step or 1) - 1
    ours, theirs = batches.ours[t], batches.theirs[t]
    if difference.jax_path == "labels":
        labels = ours.labels.argmax(-1) if batches.one_hot else ours.labels
        integers = labels.shape == theirs.labels.shape and not is_floating(labels)
        offset = np.unique(labels - theirs.labels) if integers else []
        if len(offset) == 1:
            said = "classes as they are", f"classes {offset[0]:+d}"
            return Fault(difference, (_cause("label-encoding", difference, *said),))
        return Fault(difference, evidence="other labels" + _how_many(labels, theirs.labels))
    i = int(difference.jax_path.removeprefix("inputs") or 0)
    x, y = (np.asarray(side.inputs[i], np.float64) for side in (theirs, ours))
    if x.shape == y.shape and (scale := _affine(x, y)):
        said = f"{scale[0]:.6g} x" + (f" + {scale[1]:.6g}" if abs(scale[1]) > EXACT else "")
        return Fault(difference, (_cause("input-scaling", difference, "x", said),))
    return Fault(difference, evidence="other inputs" + _how_many(x, y))


def _affine(x: np.ndarray, y: np.ndarray) -> tuple[float, float] | None:
    """a and b of y = ax + b, if that holds."""
    a, b = np.polyfit(x.ravel(), y.ravel(), 1) if np.ptp(x) else (1.0, float(np.mean(y - x)))
    return (float(a), float(b)) if _error(y, a * x + b) <= EXACT * max(1, abs(b)) else None


def _how_many(a: np.ndarray, b: np.ndarray) -> str:
    if a.shape != b.shape:
        return f": the shapes are {a.shape} and {b.shape}"
    return f": {np.sum(a != b)} of {a.size} values differ"


def _cause(id: str, difference: Difference, torch: Any, jax: Any) -> Cause:
    entry = next(entry for entry in CATALOGUE if entry.id == id)
    words = {"torch": torch, "jax": jax}
    return entry.cause(
        words,
        f"PyTorch: {torch}; JAX: {jax}; that is all in which the batches differ",
        jax_path=difference.jax_path,
        torch_path=difference.torch_path,
        constants=words,
        step=difference.step,
    )
