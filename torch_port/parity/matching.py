"""Which parameter and which layer of one side is which of the other.

Layers are matched by their paths where these are the same, else in the order of use, else by
shapes where only one fits; what is within a layer by name and shape.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
import torch

from torch_port.convert.parameters import to_array, to_tensor
from torch_port.parity.alignment import align
from torch_port.parity.sides import Name, Side


class Pair(NamedTuple):
    """One parameter or statistic of both sides.

    Attributes:
      jax: its name there.
      torch: its name there.
      layout: what `convert` calls it: `"kernel"` where the axes are moved.
    """

    jax: Name
    torch: Name
    layout: str

    def to_torch(self, array: np.ndarray) -> np.ndarray:
        """In PyTorch's layout."""
        return to_tensor(self.layout, array).numpy()

    def to_jax(self, array: np.ndarray) -> np.ndarray:
        """In JAX's layout."""
        with jax.enable_x64(True):
            return np.asarray(to_array(self.layout, torch.from_numpy(np.array(array))))


class Matching(NamedTuple):
    """What belongs together.

    Attributes:
      pairs: of parameters and statistics, in order of use.
      layers: PyTorch's path for JAX's, of the layers whose outputs can be compared, in order.
      jax_alone: names and paths of JAX's that have no partner.
      torch_alone: likewise of PyTorch's.
    """

    pairs: list[Pair]
    layers: dict[str, str]
    jax_alone: list[Name]
    torch_alone: list[Name]


TWINS = {
    "kernel": ("weight",),
    "scale": ("weight",),
    "embedding": ("weight",),
    "bias": ("bias",),
    "mean": ("running_mean", "mean"),
    "var": ("running_var",),
    "std": ("std",),
    "count": ("num_batches_tracked",),
}
"""What PyTorch calls what JAX calls so."""

KNOWN_TO_TORCH = {name for names in TWINS.values() for name in names}

Group = dict[str, tuple[Name, tuple[int, ...]]]


def match(ours: Side, theirs: Side, mapping: Mapping[str, str] | None = None) -> Matching:
    """Finds what belongs together.

    Args:
      ours: the JAX side.
      theirs: the PyTorch side.
      mapping: PyTorch's path of a layer, or name of a parameter, by JAX's; None leaves all to be
        found.

    Raises:
      ValueError: there is no match, or there are several; both sides are listed, and the `mapping`
        that would settle it is shown.
    """
    if bool(ours.values.params) != bool(theirs.values.params):
        holds, lacks = (ours, theirs) if ours.values.params else (theirs, ours)
        raise ValueError(
            f"compare: the {holds.framework} side has parameters and the {lacks.framework} side "
            "has none to match them; give it a module, or a function with params"
        )
    single = _is_flat(ours) or _is_flat(theirs)
    (held, rest), (other_held, other_rest) = _groups(ours, single), _groups(theirs, single)
    ordered = ours.ordered and theirs.ordered and not single
    given = _checked(mapping or {}, held, other_held)
    pairs = _match_groups(held, other_held, ordered, given, strict=True)
    pairs += _match_groups(rest, other_rest, True, {}, strict=False)
    twins = {pair.jax.layer: pair.torch.layer for pair in pairs}
    names = [[*side.values.params, *side.values.state] for side in (ours, theirs)]
    matched = {pair.jax for pair in pairs}, {pair.torch for pair in pairs}
    return Matching(
        sorted(pairs, key=lambda pair: names[0].index(pair.jax)),
        align(ours.kinds, theirs.kinds, twins),
        *(
            [n for n in all_of if n not in some]
            for all_of, some in zip(names, matched, strict=True)
        ),
    )


def _is_flat(side: Side) -> bool:
    """Whether all parameters stand side by side, as in `{"w1": ..., "b1": ..., "w2": ...}`."""
    return not side.ordered and {name.layer for name in side.values.params} == {""}


def _groups(side: Side, single: bool) -> tuple[dict[str, Group], dict[str, Group]]:
    """The arrays of each layer, or each array alone, by path: with parameters, and with none."""
    groups: dict[str, Group] = {}
    for name, array in {**side.values.params, **side.values.state}.items():
        path = str(name) if single else name.layer
        groups.setdefault(path, {})[name.short] = (name, array.shape)
    holds = lambda group: any(name in side.values.params for name, _ in group.values())
    return (
        {path: group for path, group in groups.items() if holds(group)},
        {path: group for path, group in groups.items() if not holds(group)},
    )


def _match_groups(ours, theirs, ordered, given, strict):
    pairs = [(ours[a], theirs[b]) for a, b in given.items()]
    ours = {path: group for path, group in ours.items() if path not in given}
    theirs = {path: group for path, group in theirs.items() if path not in given.values()}
    for candidates in (_by_path, _by_order if ordered else _by_shape, _by_shape):
        found = candidates(ours, theirs)
        if found is not None:
            fitted = [_fit(a, b) or [] for a, b in [*pairs, *found]]
            return [pair for group in fitted for pair in group]
    if strict:
        raise ValueError(_unsettled(ours, theirs))
    return []


def _by_path(ours, theirs):
    """Layers of the same paths; a `jaxnn` path such as `2/dense` ends with the layer's name."""
    plain = {path.rpartition("/")[0].replace("/", "."): group for path, group in ours.items()}
    for named in (ours, plain):
        if named.keys() == theirs.keys() and len(named) == len(ours):
            found = [(group, theirs[path]) for path, group in named.items()]
            if all(_fit(*groups) for groups in found):
                return found
    return None


def _by_order(ours, theirs):
    found = [*zip(ours.values(), theirs.values(), strict=False)]
    same_number = len(ours) == len(theirs)
    return found if same_number and all(_fit(*groups) for groups in found) else None


def _by_shape(ours, theirs):
    candidates = _candidates(ours, theirs)
    taken = [paths[0] for paths in candidates.values() if len(paths) == 1]
    if len(taken) == len(ours) == len(theirs) == len(set(taken)):
        return [(ours[path], theirs[paths[0]]) for path, paths in candidates.items()]
    return None


def _candidates(ours, theirs):
    return {
        path: [other for other, theirs_group in theirs.items() if _fit(group, theirs_group)]
        for path, group in ours.items()
    }


def _fit(ours: Group, theirs: Group) -> list[Pair] | None:
    """The pairs within a layer; None if these cannot be the same layer."""
    pairs, left = [], dict(theirs)
    for short, (name, shape) in ours.items():
        for twin in [t for t in TWINS.get(short, ()) if t in left]:
            other, other_shape = left[twin]
            layout = "kernel" if short == "kernel" else short
            if _moved(layout, shape) != other_shape:
                return None
            pairs.append(Pair(name, other, layout))
            del left[twin]
            break
    paired = {pair.jax for pair in pairs}
    for name, shape in [entry for entry in ours.values() if entry[0] not in paired]:
        fitting = [
            (other, layout)
            for layout in ("", "kernel")
            for other, other_shape in left.values()
            if not (name.short in TWINS and other.short in KNOWN_TO_TORCH)
            and (layout == "" or len(shape) >= 2)
            and _moved(layout, shape) == other_shape
        ]
        same_name = [entry for entry in fitting if entry[0].short == name.short]
        known = [e for e in fitting if e[0].short == "weight" and e[1] == "kernel"]
        if choice := [*same_name, *known, *fitting]:
            pairs.append(Pair(name, *choice[0]))
            del left[choice[0][0].short]
    largest = max((len(shape) for _, shape in ours.values()), default=0)
    found = {pair.jax for pair in pairs}
    whole = all(name in found for name, shape in ours.values() if len(shape) == largest > 1)
    return pairs if pairs and whole else None


def _moved(layout: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if layout != "kernel" or len(shape) < 2:
        return shape
    return (shape[-1], shape[-2], *shape[:-2])


def _checked(mapping, ours, theirs):
    for kind, names, known in (
        ("JAX", mapping.keys(), ours),
        ("PyTorch", mapping.values(), theirs),
    ):
        if unknown := [name for name in names if name not in known]:
            raise ValueError(
                f"compare: mapping: {kind} has no layer {unknown[0]!r}, only {', '.join(known)}"
            )
    for path, other in mapping.items():
        if not _fit(ours[path], theirs[other]):
            listed = f"{_shapes(ours[path])} and {_shapes(theirs[other])}"
            raise ValueError(f"compare: mapping: {path!r} cannot be {other!r}: {listed}")
    return mapping


def _unsettled(ours, theirs) -> str:
    """The message that lists both sides, what fits what, and a mapping."""
    candidates = _candidates(ours, theirs)
    lines = [
        f"  {path or 'the module itself'}: {_shapes(ours[path])}"
        f" fits {', '.join(fitting) if fitting else 'none'}"
        for path, fitting in candidates.items()
    ]
    theirs_lines = [f"  {path or 'the module itself'}: {_shapes(g)}" for path, g in theirs.items()]
    suggestion, free = {}, list(theirs)
    for path, fitting in sorted(candidates.items(), key=lambda entry: len(entry[1])):
        if choice := [other for other in fitting if other in free]:
            suggestion[path] = choice[0]
            free.remove(choice[0])
    several = all(candidates.values()) and len(ours) == len(theirs)
    reason = "may be matched in several ways" if several else "do not match"
    return "\n".join(
        [
            f"compare: the parameters {reason}. JAX has",
            *lines,
            "PyTorch has",
            *theirs_lines,
            f"Settle it with mapping={suggestion}" + ("" if several else ", completed"),
        ]
    )


def _shapes(group: Group) -> str:
    return ", ".join(f"{short} {shape}" for short, (_, shape) in group.items())
