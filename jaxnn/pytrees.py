"""The shape of a training state as JSON, so that it can be made again without its maker's code.

Only classes of this package are made: a file cannot name any other.
"""

from collections.abc import Mapping
from typing import Any

import jax

from jaxnn.metrics import Average
from jaxnn.optim import combine, moments, rms, transforms
from jaxnn.steps import TrainState

CLASSES = {
    value.__name__: value
    for value in (
        TrainState,
        Average,
        combine.EmptyState,
        combine.MaskedNode,
        combine.MaskedState,
        moments.ScaleByAdamState,
        moments.ScaleByAmsgradState,
        rms.ScaleByRmsState,
        rms.ScaleByRmsWithCountState,
        rms.ScaleByRStdDevState,
        rms.ScaleByRStdDevWithCountState,
        rms.ScaleByRssState,
        transforms.ScaleByScheduleState,
        transforms.TraceState,
        transforms.WeightDecaySchedule,
    )
}
"""The named tuples that a training state can be made of."""

ARRAY = "array"


def describe(tree: Any) -> Any:
    """The shape of a pytree, as JSON holds it.

    Args:
      tree: of dictionaries with names, lists, tuples, None, and the named tuples of `CLASSES`; what
        else there is, is described by its name, and cannot be made again.

    Returns:
      For each node its kind and its children, and "array" for a leaf.

    Example:
      >>> describe(({"kernel": jax.numpy.ones(2)}, None))
      {'tuple': [{'dict': {'kernel': 'array'}}, None]}
    """
    if tree is None:
        return None
    if jax.tree_util.all_leaves([tree]):
        return ARRAY
    name, fields = type(tree).__name__, getattr(tree, "_fields", ())
    if CLASSES.get(name) is type(tree):
        return {name: {field: describe(child) for field, child in zip(fields, tree, strict=True)}}
    if type(tree) is dict and all(isinstance(key, str) for key in tree):
        return {name: {key: describe(child) for key, child in tree.items()}}
    if type(tree) in (list, tuple):
        return {name: [describe(child) for child in tree]}
    return {f"{type(tree).__module__}.{type(tree).__qualname__}": None}


def rebuild(description: Any, leaves: Mapping[str, Any], prefix: str = "") -> Any:
    """A pytree of a described shape.

    Args:
      description: from `describe`.
      leaves: by `prefix` and the path in the tree.
      prefix: of the names of the leaves.

    Returns:
      The pytree.

    Raises:
      ValueError: if the description is none, or names what this package cannot make, or a leaf is
        missing.

    Example:
      >>> rebuild({"tuple": [{"dict": {"kernel": "array"}}, None]}, {"[0]['kernel']": 1.5})
      ({'kernel': 1.5}, None)
    """
    tree = _make(description)
    paths, structure = jax.tree_util.tree_flatten_with_path(tree)
    names = [prefix + jax.tree_util.keystr(path) for path, _ in paths]
    if missing := sorted({*names} - {*leaves}):
        raise ValueError(f"arrays missing: {missing}")
    return jax.tree.unflatten(structure, [leaves[name] for name in names])


def _make(description: Any) -> Any:
    """The pytree with its description for each leaf."""
    if description is None or description == ARRAY:
        return description
    if not isinstance(description, dict) or len(description) != 1:
        raise ValueError(f"expected the description of one node, got {description!r:.100}")
    [(name, children)] = description.items()
    if name in ("list", "tuple") and isinstance(children, list):
        made = [_make(child) for child in children]
        return made if name == "list" else tuple(made)
    if name == "dict" and isinstance(children, dict):
        return {key: _make(child) for key, child in children.items()}
    if name in CLASSES and isinstance(children, dict):
        if [*children] != [*CLASSES[name]._fields]:
            raise ValueError(f"{name} must have {CLASSES[name]._fields}, got {[*children]}")
        return CLASSES[name](*map(_make, children.values()))
    raise ValueError(f"{name!r:.100} is no class of jaxnn: give restore a template")
