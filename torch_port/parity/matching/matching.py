"""Which parameter and which layer of one side is which of the other.

Layers are matched by their paths where these are the same, else in the order of use, else by
shapes where only one fits; what is within a layer by name and shape.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from torch_port.parity.matching.alignment import align
from torch_port.parity.matching.pairing import TWINS, Group, Pair, pair_up, unsettled
from torch_port.parity.matching.stacking import STACK_TWINS, place
from torch_port.parity.sides.side import Name, Side

Groups = dict[str, Group]
"""The layers of a side that hold arrays, or its single arrays, by path."""


class Given(NamedTuple):
    """What the user has settled.

    Attributes:
      layers: PyTorch's path of a layer by JAX's.
      names: PyTorch's name of an array by JAX's.
    """

    layers: dict[str, str]
    names: dict[str, str]


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
    stacks = not STACK_TWINS.keys().isdisjoint(name.short for name in ours.values.params)
    held, rest = _groups(ours, single, False)
    other_held, other_rest = _groups(theirs, single, stacks)
    ordered = ours.ordered and theirs.ordered and not single
    given = _checked(mapping, held, other_held)
    pairs = _match_groups(held, other_held, ordered, given, strict=True)
    pairs += _match_groups(rest, other_rest, True, Given({}, given.names), strict=False)
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


def _groups(side: Side, single: bool, stacks: bool) -> tuple[Groups, Groups]:
    """The arrays of each layer, or each array alone, by path: with parameters, and with none."""
    groups: Groups = {}
    arrays = {**side.values.params, **side.values.state}
    for name, array in arrays.items():
        layer, short = place(name, arrays) if stacks else (name.layer, name.short)
        path = str(name) if single else layer
        group = groups.setdefault(path, Group(side.kinds.get(name.layer, side.kind), {}))
        group.arrays[short] = (name, array.shape)
    holds = lambda group: any(name in side.values.params for name, _ in group.arrays.values())
    return (
        {path: group for path, group in groups.items() if holds(group)},
        {path: group for path, group in groups.items() if not holds(group)},
    )


def _match_groups(ours: Groups, theirs: Groups, ordered: bool, given: Given, strict: bool):
    names, layers = given.names, given.layers
    matched = [(ours[a], theirs[b]) for a, b in layers.items()]
    ours = {path: group for path, group in ours.items() if path not in layers}
    theirs = {path: group for path, group in theirs.items() if path not in layers.values()}
    first = _by_order if ordered else _by_shape
    for candidates in (_by_path, first, _by_shape, _by_shared_paths):
        found = candidates(ours, theirs, names)
        if found is not None:
            return [p for groups in [*matched, *found] for p in _settled(*groups, names)]
    if strict:
        raise ValueError(_message(ours, theirs, names))
    return []


def _settled(ours: Group, theirs: Group, names: Mapping[str, str]) -> list[Pair]:
    """The pairs within a layer.

    Raises:
      ValueError: several are as likely.
    """
    pairs = pair_up(ours, theirs, names) or []
    sure = [p for p in pairs if str(p.jax) in names or p.jax.short in TWINS]
    if several := unsettled(ours, theirs, sure):
        name, others = next(iter(several.items()))
        suggestion = {str(p.jax): str(p.torch) for p in pairs if p.jax in several}
        raise ValueError(
            f"compare: the parameter {str(name)!r} of JAX may be any of PyTorch's "
            f"{', '.join(map(str, others))}. Settle it with mapping={suggestion}"
        )
    return pairs


def _by_path(ours, theirs, names):
    """Layers of the same paths; a `jaxnn` path such as `2/dense` ends with the layer's name."""
    dotted = {path.replace("/", "."): group for path, group in ours.items()}
    plain = {path.rpartition(".")[0]: group for path, group in dotted.items()}
    for named in (dotted, plain):
        if named.keys() == theirs.keys() and len(named) == len(ours):
            found = [(group, theirs[path]) for path, group in named.items()]
            if all(pair_up(*groups, names) for groups in found):
                return found
    return None


def _by_shared_paths(ours, theirs, names):
    """Layers of the same paths, where all of one side's are there on the other: it lacks some."""
    dotted = {path.replace("/", "."): group for path, group in ours.items()}
    shared = dotted.keys() & theirs.keys()
    if len(shared) < min(len(dotted), len(theirs)) or any(p[-1:].isdigit() for p in shared):
        return None
    found = [(dotted[path], theirs[path]) for path in dotted if path in shared]
    return found if all(pair_up(*groups, names) for groups in found) else None


def _by_order(ours, theirs, names):
    found = [*zip(ours.values(), theirs.values(), strict=False)]
    same_number = len(ours) == len(theirs)
    return found if same_number and all(pair_up(*groups, names) for groups in found) else None


def _by_shape(ours, theirs, names):
    candidates = _candidates(ours, theirs, names)
    taken = [paths[0] for paths in candidates.values() if len(paths) == 1]
    if len(taken) == len(ours) == len(theirs) == len(set(taken)):
        return [(ours[path], theirs[paths[0]]) for path, paths in candidates.items()]
    return None


def _candidates(ours, theirs, names) -> dict[str, list[str]]:
    return {
        path: [other for other, twin in theirs.items() if pair_up(group, twin, names)]
        for path, group in ours.items()
    }


def _checked(mapping: Any, ours: Groups, theirs: Groups) -> Given:
    """The mapping, of layers and of single arrays, if all that it names is there and fits."""
    given = Given({}, {})
    if not isinstance(mapping or {}, Mapping):
        raise TypeError(
            "compare: mapping must be a dict from JAX's paths to PyTorch's, got "
            f"{type(mapping).__name__}"
        )
    arrays, other_arrays = _names(ours), _names(theirs)
    for path, other in (mapping or {}).items():
        if not (isinstance(path, str) and isinstance(other, str)):
            raise TypeError(f"compare: mapping must be of strings, got {path!r}: {other!r}")
        _known("JAX", path, ours, arrays)
        _known("PyTorch", other, theirs, other_arrays)
        if path in arrays and other in other_arrays:
            given.names[path] = other
            if arrays[path] in ours and other_arrays[other] in theirs:
                given.layers[arrays[path]] = other_arrays[other]
        if path in ours and other in theirs:
            given.layers[path] = other
        elif path not in arrays or other not in other_arrays:
            raise ValueError(
                f"compare: mapping: {path!r} and {other!r} must be two layers or two parameters"
            )
    for path, other in given.layers.items():
        if not pair_up(ours[path], theirs[other], given.names):
            listed = f"{_shapes(ours[path])} and {_shapes(theirs[other])}"
            raise ValueError(f"compare: mapping: {path!r} cannot be {other!r}: {listed}")
    return given


def _names(groups: Groups) -> dict[str, str]:
    """The path of its group by the name of every array."""
    return {str(name): path for path, group in groups.items() for name, _ in group.arrays.values()}


def _known(framework: str, path: str, layers: Iterable[str], arrays: Iterable[str]) -> None:
    known = {*layers, *arrays}
    if path not in known:
        near = get_close_matches(path, sorted(known), 3)
        listed = f"near it are {', '.join(near)}" if near else f"only {', '.join(layers)}"
        raise ValueError(f"compare: mapping: {framework} has no layer {path!r}, {listed}")


def _message(ours: Groups, theirs: Groups, names: Mapping[str, str]) -> str:
    """The message that lists both sides, what fits what, and a mapping."""
    candidates = _candidates(ours, theirs, names)
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
    return ", ".join(f"{short} {shape}" for short, (_, shape) in group.arrays.items())
