"""The folder of a sweep: what it is, and one line of JSON for each member that has ended.

sweep.json     the grid, the data and the settings; a sweep goes on only in its own folder
results.jsonl  one line a member, appended and flushed to disk as the member ends
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

import jax
import numpy as np

from jaxnn.files import locked, write_atomically
from jaxnn.sweep.grid import Member
from jaxnn.sweep.programs import Training
from jaxnn.typing import Dataset, Key

Record: TypeAlias = dict[str, Any]
"""What is known of a member that has ended: `member`, `status`, `seconds`, `history`."""


def open_folder(out: str | os.PathLike, description: Mapping[str, Any]) -> dict[int, Record]:
    """Makes the folder of a sweep, or goes on in it.

    Args:
      out: the folder: new, empty, or this sweep's.
      description: what the sweep is, from `describe`.

    Returns:
      The records that are there already, by the member's number.

    Raises:
      ValueError: the folder is not a sweep's, or another sweep's; it says what differs.
    """
    _claim(Path(out), description)
    return _read(Path(out, "results.jsonl"))


def held(out: str | os.PathLike | None) -> AbstractContextManager[None]:
    """Holds the folder of a sweep, if it has one, for this process.

    Raises:
      OSError: when entered, if another process holds it.
    """
    return nullcontext() if out is None else locked(Path(out))


def append(out: str | os.PathLike, record: Record) -> None:
    """Adds a record to the folder of a sweep; it is on disk when this returns."""
    with open(Path(out, "results.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(record, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def describe(
    training: Training,
    members: list[Member],
    key: Key,
    data: tuple[Dataset, Dataset | None],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """All that a sweep's numbers follow from, as JSON has it; functions by their names."""
    named = {name: label(value) for name, value in training._asdict().items()}
    return named | {
        "grid": [{name: label(value) for name, value in member.row.items()} for member in members],
        "batch_size": [member.batch_size for member in members],
        "epochs": [member.epochs for member in members],
        "key": [str(jax.random.key_impl(key)), np.asarray(jax.random.key_data(key)).tolist()],
        "dataset": _fingerprint(data[0]),
        "validation": data[1] and _fingerprint(data[1]),
        "config": json.loads(json.dumps(config)),
    }


def label(value: Any) -> Any:
    """A hyperparameter as JSON and tables have it.

    >>> label(0.1), label((256, 128)), label(max)
    (0.1, [256, 128], 'max')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [label(item) for item in value]
    # what has no name is printed, without its place in memory: another process has another
    return getattr(value, "__name__", None) or re.sub(r" at 0x[0-9a-f]+", "", str(value))


def _fingerprint(dataset: Dataset) -> list[str]:
    arrays = [np.ascontiguousarray(array) for array in dataset]
    return [
        f"{array.dtype}{list(array.shape)} sha256 {hashlib.sha256(array.data).hexdigest()[:16]}"
        for array in arrays
    ]


def _claim(folder: Path, description: Mapping[str, Any]) -> None:
    path = folder / "sweep.json"
    if not path.exists():
        if folder.exists() and any(folder.iterdir()):
            raise ValueError(f"sweep.fit: out must be a new folder or a sweep's, got {folder}")
        return write_atomically(path, json.dumps(description, indent=1) + "\n")
    theirs = json.loads(path.read_text(encoding="utf-8"))
    for name, ours in description.items():
        if theirs.get(name) != ours:
            difference = _difference(name, theirs.get(name), ours)
            raise ValueError(f"sweep.fit: {folder} holds another sweep: its {difference}")


def _difference(name: str, theirs: Any, ours: Any) -> str:
    """In words; of lists and dictionaries only the first place where they part."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        place = next(place for place in ours if theirs.get(place) != ours[place])
        return _difference(f"{name}.{place}", theirs.get(place), ours[place])
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        place = [a == b for a, b in zip(theirs, ours, strict=True)].index(False)
        return _difference(f"{name}[{place}]", theirs[place], ours[place])
    if isinstance(theirs, list) and isinstance(ours, list):
        return f"{name} has {len(theirs)} entries, here {len(ours)}"
    return f"{name} is {theirs}, here {ours}"


def _read(path: Path) -> dict[int, Record]:
    """The records of a file; a last line that was not written to its end is cut off."""
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        write_atomically(path, whole)
    records = {}
    for number, line in enumerate(whole.decode().splitlines(), start=1):
        try:
            record = json.loads(line)
            records[record["member"]] = record
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"{path}: line {number} is not a member's record") from None
    return records
