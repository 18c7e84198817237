"""Which array of a layer is which of its twin's: by name, then by shape."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from torch_port.parity.matching.layouts import arranged, fits, restored
from torch_port.parity.matching.stacking import STACK_TWINS
from torch_port.parity.sides.side import Name

Shape = tuple[int, ...]
Arrays = dict[str, tuple[Name, Shape]]
"""Name and shape by short name."""


class Pair(NamedTuple):
    """One parameter or statistic of both sides.

    Attributes:
      jax: its name there.
      torch: its name there.
      layout: how PyTorch's array lies, of `LAYOUTS`.
      shape: that of JAX's array.
    """

    jax: Name
    torch: Name
    layout: str
    shape: Shape

    def to_torch(self, array: np.ndarray) -> np.ndarray:
        """In PyTorch's layout."""
        array = arranged(self.layout, array)
        return array.astype(np.int64) if self.jax.short == "count" else array

    def to_jax(self, array: np.ndarray) -> np.ndarray:
        """In JAX's layout."""
        array = restored(self.layout, array, self.shape)
        return array.astype(np.int32) if self.jax.short == "count" else array


class Group(NamedTuple):
    """The arrays of one layer.

    Attributes:
      kind: of the layer, `"conv"` or `"batchnorm1d"`; empty where that is not known.
      arrays: name and shape by short name.
    """

    kind: str
    arrays: Arrays


TWINS = {
    "kernel": ("weight",),
    "scale": ("weight",),
    "embedding": ("weight",),
    "negative_slope": ("weight",),
    "bias": ("bias",),
    "mean": ("running_mean", "mean"),
    "var": ("running_var",),
    "std": ("std",),
    "count": ("num_batches_tracked",),
    **STACK_TWINS,
}
"""What PyTorch calls what JAX calls so."""

HABITS = {
    **dict.fromkeys(["w", "W", "weights", "gamma", "g", "scale"], "weight"),
    **dict.fromkeys(["b", "beta", "offset", "shift"], "bias"),
}
"""What people call what PyTorch calls so, where nothing else tells two arrays of a shape apart."""

KNOWN_TO_TORCH = {name for names in TWINS.values() for name in names}


def pair_up(ours: Group, theirs: Group, given: Mapping[str, str]) -> list[Pair] | None:
    """The pairs within a layer; None if these cannot be the same layer.

    Args:
      ours: the layer of JAX.
      theirs: that of PyTorch.
      given: PyTorch's name of an array by JAX's, of those that the user has settled.
    """
    pairs, left = [], dict(theirs.arrays)
    known = lambda name: _given(name, left, given) or _twin(name, left)
    for name, shape in sorted(ours.arrays.values(), key=lambda entry: not known(entry[0])):
        twin = known(name)
        fitting = _fitting(name, shape, ours, theirs, [twin] if twin else left)
        if fitting:
            short, layout = fitting[0]
            pairs.append(Pair(name, left.pop(short)[0], layout, shape))
        elif twin:
            return None
    largest = max((len(shape) for _, shape in ours.arrays.values()), default=0)
    matched = {pair.jax for pair in pairs}
    whole = [name for name, shape in ours.arrays.values() if len(shape) == largest > 1]
    return pairs if pairs and matched.issuperset(whole) else None


def unsettled(ours: Group, theirs: Group, pairs: list[Pair]) -> dict[Name, list[Name]]:
    """PyTorch's names by JAX's of arrays that only shapes could tell apart, and do not.

    Args:
      ours: the layer of JAX.
      theirs: that of PyTorch.
      pairs: those within it that names, or the user, have settled.
    """
    done = {name for pair in pairs for name in (pair.jax, pair.torch)}
    left = [short for short, (name, _) in theirs.arrays.items() if name not in done]
    found = {}
    for name, shape in ours.arrays.values():
        if name not in done and not name.short.isdigit():
            fitting = [short for short, _ in _fitting(name, shape, ours, theirs, left)]
            if len(fitting) > 1 and not {name.short, HABITS.get(name.short)} & {*fitting}:
                found[name] = [theirs.arrays[short][0] for short in fitting]
    return found


def _given(name: Name, left: Arrays, given: Mapping[str, str]) -> str | None:
    wanted = given.get(str(name))
    return next((short for short, (other, _) in left.items() if str(other) == wanted), None)


def _twin(name: Name, left: Arrays) -> str | None:
    return next((twin for twin in TWINS.get(name.short, ()) if twin in left), None)


def _fitting(
    name: Name, shape: Shape, ours: Group, theirs: Group, left: Iterable[str]
) -> list[tuple[str, str]]:
    """PyTorch's short names, with the layout, of what an array may be, the likeliest first."""
    twins = TWINS.get(name.short, ())
    fitting = [
        (short, layout)
        for short in left
        if not (twins and short in KNOWN_TO_TORCH.difference(twins))
        for layout in _layouts(name.short, short, ours.kind, theirs.kind)
        if fits(layout, shape, theirs.arrays[short][1])
    ]
    first: dict[str, tuple[str, str]] = {}
    for short, layout in fitting:
        first.setdefault(short, (short, layout))
    liked = (name.short, HABITS.get(name.short), "weight" if len(shape) > 1 else None)
    return sorted(first.values(), key=lambda entry: entry[0] not in liked)


def _layouts(short: str, other: str, kind: str, other_kind: str) -> tuple[str, ...]:
    """The layouts that an array may have, the likeliest first."""
    if other == "weight" and other_kind.startswith("convtranspose"):
        # only with `transpose_kernel` does Flax mean by its kernel what PyTorch means
        meant = ("kernel",) if kind.endswith("transpose_kernel") else ("flipped kernel", "kernel")
        return (*meant, "")
    if short == "kernel":
        return ("kernel", "kernel into heads", "kernel out of heads")
    if short in TWINS:
        return ("", "flat")
    return ("kernel", "") if other == "weight" and other_kind != "embedding" else ("", "kernel")
