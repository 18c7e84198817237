"""Training states on disk: one safetensors file a checkpoint, the newest ones and the best kept.

The file holds every array of a `TrainState` under its path in the tree, and as metadata the shape
of that tree, the history, the configuration of the run, the loss that `best` is judged by, and a
SHA-256 of all of it. A file is complete or it is not there, and is refused if its bytes have
changed. Nothing that is read from it is executed.
"""

import errno
import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn import checks, sealed
from jaxnn.files import write_atomically
from jaxnn.pytrees import describe, rebuild

Which: TypeAlias = int | Literal["latest", "best"]

_Content: TypeAlias = tuple[dict[str, np.ndarray], dict[str, Any]]

FORMAT = "jaxnn 2"

MEASURED = "measured"
"""Begins the names of arrays that are not the training state's."""


class Checkpoint(NamedTuple):
    """All that a checkpoint holds: `train.fit(resume=)` goes on from it.

    Attributes:
      train_state: the training at that step.
      history: one dictionary an epoch that had ended.
      measured: of an epoch that had not, the metrics of each step that was taken, or None.
      config: what was given to `save`.
    """

    train_state: Any
    history: list[dict[str, Any]]
    measured: Any
    config: dict[str, Any]


def save(
    folder: str | Path,
    train_state: Any,
    *,
    step: int,
    config: dict[str, Any],
    loss: float,
    history: Sequence[dict[str, Any]] = (),
    measured: Any = None,
    keep: int = 2,
) -> Path:
    """Writes a checkpoint, and removes those that are neither among the newest nor the best.

    Args:
      folder: where the checkpoints of one run stand; made if there is none.
      train_state: a `TrainState`, or any pytree of arrays and random keys.
      step: the number of steps taken, which names the file.
      config: what is needed to make the model again; anything that JSON holds.
      loss: what `best` is judged by: the smallest is kept.
      history: of the training so far, as in `FitResult`; anything that JSON holds.
      measured: of an epoch that is not finished, as in `FitResult`.
      keep: how many of the newest are kept. If the newest is damaged, the one before still is not.

    Returns:
      The path of the file.

    Raises:
      ValueError: if `step` is negative or has more than ten digits, or `keep` is below 1.
      OSError: if the folder cannot be written; what was there is then still there.

    Example:
      >>> import tempfile
      >>> path = save(tempfile.mkdtemp(), {"kernel": jnp.ones(2)}, step=10, config={}, loss=0.5)
      >>> path.name
      'step-0000000010.safetensors'
    """
    checks.require_in(f"[0, {10**10 - 1}]", step, "checkpoint.save: step")
    checks.require_positive_integer(keep, "checkpoint.save: keep")
    arrays = checks.by_path(train_state) | {
        MEASURED + path: leaf for path, leaf in checks.by_path(measured).items()
    }
    metadata = {
        "format": FORMAT,
        "train_state": describe(train_state),
        "measured": describe(measured),
        "keys": {
            name: str(jax.random.key_impl(leaf)) for name, leaf in arrays.items() if _is_key(leaf)
        },
        "loss": float(loss),
        "history": list(history),
        "config": config,
    }
    path = Path(folder, f"step-{step:010d}.safetensors")
    numbers = {name: _to_numpy(leaf) for name, leaf in arrays.items()}
    write_atomically(path, sealed.to_bytes(numbers, metadata))
    _remove_all_but(_paths(folder)[-keep:], folder)
    return path


def restore(folder: str | Path, template: Any = None, *, step: Which = "latest") -> Any:
    """Reads the training state of a checkpoint.

    Args:
      folder: where the checkpoints of the run stand.
      template: a pytree of the same structure, shapes and dtypes, whose values do not count:
        `jax.eval_shape(lambda key: init_train_state(model, optimizer, key), key)`. None will do for
        layers and optimisers of jaxnn.
      step: which one: "latest", "best", or a number of steps.

    Returns:
      A pytree like the template.

    Raises:
      FileNotFoundError: if there is no such checkpoint.
      ValueError: if the file is damaged, or does not fit the template, naming the array. Where
        "latest" or "best" is asked for, a damaged one is passed over with a warning if it can be.

    Example:
      >>> import tempfile
      >>> folder = tempfile.mkdtemp()
      >>> path = save(folder, {"kernel": jnp.ones(2)}, step=10, config={}, loss=0.5)
      >>> restore(folder, step="best")
      {'kernel': Array([1., 1.], dtype=float32)}
    """
    return load(folder, template, step=step).train_state


def load(folder: str | Path, template: Any = None, *, step: Which = "latest") -> Checkpoint:
    """Reads all of a checkpoint; `folder`, `template`, `step` and errors are those of `restore`.

    Returns:
      A `Checkpoint`.

    Example:
      >>> import tempfile
      >>> folder = tempfile.mkdtemp()
      >>> path = save(folder, {"kernel": jnp.ones(2)}, step=10, config={"seed": 3}, loss=0.5)
      >>> load(folder).config
      {'seed': 3}
    """
    path, content = _find(folder, step)
    return unpack(content, path, template)


def unpack(content: _Content, path: Path, template: Any = None) -> Checkpoint:
    """What the arrays and metadata of a sealed file hold.

    Args:
      content: arrays by name, and metadata, as `sealed.read` gives them.
      path: of the file, for messages.
      template: as in `restore`.

    Returns:
      A `Checkpoint`.

    Raises:
      ValueError: if they are not those of a checkpoint, or do not fit the template.

    Example:
      >>> unpack(({}, {"format": "jaxnn 2"}), Path("empty.safetensors"))
      Traceback (most recent call last):
          ...
      ValueError: empty.safetensors: not a checkpoint: KeyError: 'measured'
    """
    arrays, metadata = content
    try:
        leaves = {
            name: _to_jax(array, metadata["keys"].get(name)) for name, array in arrays.items()
        }
        measured = rebuild(metadata["measured"], leaves, MEASURED)
        if template is None:
            train_state = rebuild(metadata["train_state"], leaves)
        else:
            found = {name: leaf for name, leaf in leaves.items() if not name.startswith(MEASURED)}
            checks.require_arrays("restore", found, checks.by_path(template))
            ordered = [found[name] for name in checks.by_path(template)]
            train_state = jax.tree.unflatten(jax.tree.structure(template), ordered)
        history, config = metadata["history"], metadata["config"]
        if not isinstance(config, dict) or not all(isinstance(row, dict) for row in history):
            raise TypeError("history must be a list of dictionaries, and config one")
        return Checkpoint(train_state, history, measured, config)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: not a checkpoint: {type(error).__name__}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def latest(folder: str | Path) -> Path:
    """The newest checkpoint that is not damaged; errors and warnings are those of `restore`.

    Args:
      folder: where the checkpoints of the run stand.

    Returns:
      The path of its file.

    Example:
      >>> import tempfile
      >>> folder = tempfile.mkdtemp()
      >>> path = save(folder, {"kernel": jnp.ones(2)}, step=10, config={}, loss=0.5)
      >>> latest(folder) == path
      True
    """
    return _find(folder, "latest")[0]


def best(folder: str | Path) -> Path:
    """The checkpoint of the smallest loss that is not damaged; of equal ones the newest.

    Args:
      folder: where the checkpoints of the run stand.

    Returns:
      The path of its file.

    Example:
      >>> import tempfile
      >>> folder = tempfile.mkdtemp()
      >>> path = save(folder, {"kernel": jnp.ones(2)}, step=10, config={}, loss=0.5)
      >>> _ = save(folder, {"kernel": jnp.ones(2)}, step=20, config={}, loss=0.6)
      >>> best(folder) == path
      True
    """
    return _find(folder, "best")[0]


def _find(folder: str | Path, which: Which) -> tuple[Path, _Content]:
    """The path and the content of a checkpoint; a damaged one is passed over if it can be."""
    if isinstance(which, int):
        path = Path(folder, f"step-{which:010d}.safetensors")
        if path not in _paths(folder):
            raise FileNotFoundError(f"{folder}: no checkpoint (step={which})")
        return path, _read(path)
    if which not in ("latest", "best"):
        raise ValueError(
            f'checkpoint: step must be "latest", "best" or a whole number, got {which!r}'
        )
    paths, sound, refused = _paths(folder), [], []
    if not paths:
        raise FileNotFoundError(f"{folder}: no checkpoint")
    for path in reversed(paths):
        try:
            sound.append((path, _read(path)))
        except ValueError as error:
            refused.append(error)
        if sound and which == "latest":
            break
    if not sound:
        raise refused[0]
    found = sound[0] if which == "latest" else min(sound, key=lambda one: _loss(one[1]))
    for error in refused:
        warnings.warn(f"{error}; {found[0].name} is used", stacklevel=4)
    return found


def _remove_all_but(newest: list[Path], folder: str | Path) -> None:
    """Leaves the newest checkpoints and the best, and nothing that a killed process has begun."""
    for unfinished in Path(folder).glob(".step-*"):
        unfinished.unlink()
    losses = {path: _loss_of_file(path) for path in _paths(folder)}
    if not losses:
        raise FileNotFoundError(errno.ENOENT, "removed as soon as written", str(folder))
    for path in losses.keys() - {*newest, min(losses, key=losses.__getitem__)}:
        path.unlink()


def _paths(folder: str | Path) -> list[Path]:
    """The checkpoints of a folder, in the order of their steps; links are none."""
    named = re.compile(r"step-\d{10}\.safetensors")
    paths = sorted(path for path in Path(folder).glob("step-*") if named.fullmatch(path.name))
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def _read(path: Path) -> _Content:
    arrays, metadata = sealed.read(path)
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"{path}: expected a checkpoint of format {FORMAT!r}, got {metadata.get('format')!r}"
        )
    return arrays, metadata


def _loss(content: _Content) -> float:
    loss = content[1].get("loss")
    return math.inf if not isinstance(loss, float) or math.isnan(loss) else loss


def _loss_of_file(path: Path) -> float:
    try:
        return _loss(_read(path))
    except ValueError:
        return math.inf


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_numpy(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf, order="C")


def _to_jax(array: np.ndarray, key_implementation: str | None) -> jax.Array:
    """The array on the device, or the random key of which it holds the bits."""
    on_device = jnp.asarray(array)
    if on_device.dtype != array.dtype:
        raise ValueError(f"an array of {array.dtype} needs the option jax_enable_x64")
    if key_implementation is None:
        return on_device
    return jax.random.wrap_key_data(on_device, impl=key_implementation)
