"""Going on in a run folder: whose it is, what it has saved, and whether it is the same run."""

from __future__ import annotations

import contextlib
import json
import signal
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxnn import checkpoint
from jaxnn.cli import UsageError, records, runs
from jaxnn.cli.options import TrainOptions
from jaxnn.files import locked, write_atomically

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def claimed(options: TrainOptions) -> Iterator[Path]:
    """The run folder, made if there is none; no other process trains in it meanwhile.

    Raises:
      OSError: if the folder cannot be made or written, or another process has it.
    """
    folder = options.out
    if folder:
        folder.mkdir(parents=True, exist_ok=options.resume)
    while not folder:
        with contextlib.suppress(FileExistsError):  # another process was quicker
            free = runs.free_folder("runs", options.data)
            free.mkdir(parents=True)
            folder = free
    with locked(folder):
        yield folder


@contextmanager
def noticed(*signals: signal.Signals) -> Iterator[Any]:
    """Signals become an answer to "stop?"; the second one acts as it did before.

    Yields:
      A function without arguments: the name of the signal that has come, or None.
    """
    came: list[str] = []

    def notice(number, frame):
        came.append(signal.Signals(number).name)
        restore()

    def restore():
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.signal(number, notice) for number in signals}
    try:
        yield lambda: came[0] if came else None
    finally:
        restore()


def saved(folder: Path) -> checkpoint.Checkpoint | None:
    """The newest checkpoint of a run that is not damaged, or None if there is none yet."""
    try:
        return checkpoint.load(folder / "checkpoints")
    except FileNotFoundError:
        return None


def require_same_run(folder: Path, config: Mapping[str, Any]) -> None:
    """Raises a `UsageError` unless a training is the one that the folder's config.json describes.

    Args:
      folder: the run folder.
      config: of the training that is to go on there; another environment is a warning.
    """
    there, _ = records.read_config(folder / "config.json")
    for part in ("options", "data"):
        if differing := differences(there.get(part, {}), config[part]):
            raise UsageError(f"{folder} holds another run, whose {part} differ: {differing}")
    if differing := differences(there.get("environment", {}), config["environment"]):
        what = f"not the machine or versions that {folder} began with: {differing}"
        warnings.warn(what, stacklevel=2)


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """What differs between two configurations, in words; nothing if they are the same."""
    flat = lambda values: {
        name: value
        for outer, inner in values.items()
        for name, value in (inner if isinstance(inner, dict) else {outer: inner}).items()
    }
    ours, theirs = flat(here), flat(there)
    names = [name for name in {**theirs, **ours} if ours.get(name) != theirs.get(name)]
    return ", ".join(
        f"{name} {theirs.get(name)!r} there, {ours.get(name)!r} here" for name in names
    )


def write_history(folder: Path, history: list[dict[str, Any]]) -> None:
    """Makes history.jsonl what the checkpoint says: a killed run may have written more, or half."""
    lines = [json.dumps(row) + "\n" for row in history]
    write_atomically(folder / "history.jsonl", "".join(lines))
