"""Training states on disk: one safetensors file a checkpoint, the newest and the best kept.

The file holds every array of a `TrainState` under its path in the tree, and as metadata the
configuration of the run and the loss that `best` is judged by. Nothing read from it is executed.
"""

import json
import math
import re
from pathlib import Path
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn.files import write_atomically

Which: TypeAlias = int | Literal["latest", "best"]


def save(
    folder: str | Path, train_state: Any, *, step: int, config: dict[str, Any], loss: float
) -> Path:
    """Writes a checkpoint, and removes those that are neither the newest nor the best.

    Args:
      folder: where the checkpoints of one run stand; made if there is none.
      train_state: a `TrainState`, or any pytree of arrays and random keys.
      step: the number of steps taken, which names the file.
      config: what is needed to make the model again; anything that JSON holds.
      loss: what `best` is judged by: the smallest is kept.

    Returns:
      The path of the file.

    Raises:
      OSError: if the folder cannot be written; what was there is then still there.

    Example:
      >>> import tempfile
      >>> path = save(tempfile.mkdtemp(), {"kernel": jnp.ones(2)}, step=10, config={}, loss=0.5)
      >>> path.name
      'step-0000000010.safetensors'
    """
    from safetensors.numpy import save as to_bytes

    leaves = _named_leaves(train_state)
    keys = {name: str(jax.random.key_impl(leaf)) for name, leaf in leaves if _is_key(leaf)}
    metadata = {
        "format": "jaxnn 1",
        "config": json.dumps(config),
        "keys": json.dumps(keys),
        "loss": repr(float(loss)),
    }
    path = Path(folder, f"step-{step:010d}.safetensors")
    write_atomically(path, to_bytes({name: _to_numpy(leaf) for name, leaf in leaves}, metadata))
    kept = {_find(folder, "latest"), _find(folder, "best")}
    for old in _checkpoints(folder):
        if old not in kept:
            old.unlink()
    return path


def restore(folder: str | Path, template: Any, *, step: Which = "latest") -> Any:
    """Reads a checkpoint.

    Args:
      folder: where the checkpoints of the run stand.
      template: a pytree of the same structure, shapes and dtypes, whose values do not count:
        `jax.eval_shape(lambda key: init_train_state(model, optimizer, key), key)`.
      step: which one: "latest", "best", or a number of steps.

    Returns:
      A pytree like the template.

    Raises:
      FileNotFoundError: if there is no such checkpoint.
      ValueError: if the file is not a checkpoint, or does not fit the template, naming the array.

    Example:
      >>> import tempfile
      >>> folder = tempfile.mkdtemp()
      >>> path = save(folder, {"kernel": jnp.ones(2)}, step=10, config={}, loss=0.5)
      >>> restore(folder, {"kernel": jnp.zeros(2)}, step="best")
      {'kernel': Array([1., 1.], dtype=float32)}
    """
    path = _find(folder, step)
    arrays, metadata = _read(path)
    for name, impl in json.loads(metadata["keys"]).items():
        arrays[name] = jax.random.wrap_key_data(jnp.asarray(arrays[name]), impl=impl)
    expected = dict(_named_leaves(template))
    if expected.keys() != arrays.keys():
        missing, unknown = sorted({*expected} - {*arrays}), sorted({*arrays} - {*expected})
        raise ValueError(f"{path}: arrays missing: {missing}; arrays not expected: {unknown}")
    for name, leaf in expected.items():
        if (leaf.shape, leaf.dtype) != (arrays[name].shape, arrays[name].dtype):
            raise ValueError(
                f"{path}: {name} must be {leaf.dtype} of shape {leaf.shape}, "
                f"is {arrays[name].dtype} of shape {arrays[name].shape}"
            )
    leaves = [jnp.asarray(arrays[name]) for name in expected]
    return jax.tree.unflatten(jax.tree.structure(template), leaves)


def _named_leaves(tree):
    """Pairs of a path, such as `.params[0]['kernel']`, and the array there."""
    pairs = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in pairs]


def _is_key(leaf):
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_numpy(leaf):
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf, order="C")


def _checkpoints(folder):
    named = re.compile(r"step-\d{10}\.safetensors")
    return sorted(path for path in Path(folder).glob("step-*") if named.fullmatch(path.name))


def _find(folder: str | Path, step: Which) -> Path:
    paths = _checkpoints(folder)
    if isinstance(step, int):
        paths = [path for path in paths if path.name == f"step-{step:010d}.safetensors"]
    if not paths:
        raise FileNotFoundError(f"{folder}: no checkpoint (step={step!r})")
    return min(paths, key=_loss) if step == "best" else paths[-1]


def _loss(path):
    loss = float(_read(path)[1]["loss"])
    return math.inf if math.isnan(loss) else loss


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path}: not a checkpoint: {error}") from None
    if metadata.get("format") != "jaxnn 1":
        raise ValueError(
            f"{path}: expected a checkpoint of format 'jaxnn 1', got {metadata.get('format')!r}"
        )
    return arrays, metadata
