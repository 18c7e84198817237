"""Which layer's output of one side can be put beside which of the other."""

from collections.abc import Mapping

Kinds = Mapping[str, str]
"""What each layer is, by path in the order of use."""

SYNONYMS = {
    "linear": "dense",
    "embedding": "embed",
    **dict.fromkeys(["lstm", "gru", "rnn"], "recurrence"),
}

NOT_ACTIVATIONS = {"dropout", "flatten", "identity", "dense", "normalizeimages"}


def align(ours: Kinds, theirs: Kinds, twins: Mapping[str, str]) -> dict[str, str]:
    """PyTorch's path for JAX's of the layers whose outputs should agree.

    Layers that share parameters do; those between two of these if they are as many, or of the same
    kinds. What has no partner is not compared: an output of the whole tells whether it matters.

    Args:
      ours: the layers of JAX.
      theirs: those of PyTorch.
      twins: PyTorch's path for JAX's of the layers that share parameters.

    Example:
      >>> ours = {"0": "dense", "1": "gelu", "2": "dense"}
      >>> theirs = {"fc1": "linear", "act": "gelu", "fc2": "linear"}
      >>> align(ours, theirs, {"0": "fc1", "2": "fc2"})
      {'0': 'fc1', '1': 'act', '2': 'fc2'}
    """
    paths, others = list(ours), list(theirs)
    aligned: dict[str, str] = {}
    start, other_start = 0, 0
    for path, other in _anchors(ours, theirs, twins).items():
        end, other_end = paths.index(path), others.index(other)
        if other_end >= other_start:  # else it is computed in another order
            aligned |= _between(ours, theirs, paths[start:end], others[other_start:other_end])
            start, other_start = end + 1, other_end + 1
        aligned[path] = other
    return aligned | _between(ours, theirs, paths[start:], others[other_start:])


def _anchors(ours: Kinds, theirs: Kinds, twins: Mapping[str, str]) -> dict[str, str]:
    """The layers that share parameters, call by call."""
    calls = {path: path.partition("#") for path in ours}
    anchors = {
        path: f"{twins[base]}{sign}{number}"
        for path, (base, sign, number) in calls.items()
        if base in twins
    }
    return {path: other for path, other in anchors.items() if other in theirs}


def _between(
    ours: Kinds, theirs: Kinds, paths: list[str], other_paths: list[str]
) -> dict[str, str]:
    kinds, other_kinds = (
        [plain_kind(ours[p]) for p in paths],
        [plain_kind(theirs[p]) for p in other_paths],
    )
    if len(paths) != len(other_paths):
        paths = [p for p in paths if plain_kind(ours[p]) in other_kinds]
        other_paths = [p for p in other_paths if plain_kind(theirs[p]) in kinds]
        same = [plain_kind(ours[p]) for p in paths] == [plain_kind(theirs[p]) for p in other_paths]
        return dict(zip(paths, other_paths, strict=True)) if same else {}
    if kinds != other_kinds and sorted(kinds) == sorted(other_kinds):
        return {}  # the same in another order: their outputs need not agree one by one
    return {
        path: other
        for path, other, *both in zip(paths, other_paths, kinds, other_kinds, strict=True)
        if both[0] == both[1] or not NOT_ACTIVATIONS.intersection(both)
    }


def plain_kind(kind: str) -> str:
    """`batchnorm` for `batchnorm1d`, `dense` for `linear`."""
    kind = kind.partition(",")[0]
    plain = kind[:-2] if kind[-2:] in {"1d", "2d", "3d"} else kind
    return SYNONYMS.get(plain, plain)
