"""Safetensors files with a seal: a SHA-256 over every byte, so that what has changed is refused.

The seal stands in the file's own metadata, and is taken with zeros in its place; any reader of
safetensors can read the file. It tells of accidents, not of forgers, who can seal anew.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

_DTYPES: dict[str, Any] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": jnp.bfloat16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
    "C64": np.complex64,
}
"""By their names in the format; those of 8 bits and less are not among them."""

_NO_SEAL = b"0" * 64
_SEAL = re.compile(rb'"sha256":"([0-9a-f]{64})"')


def to_bytes(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> bytes:
    """The content of a sealed file.

    Args:
      arrays: by name, of any dtype that safetensors knows.
      metadata: by name, anything that JSON holds.

    Returns:
      The bytes, whose arrays and metadata `read` gives back.

    Raises:
      TypeError: if metadata hold what JSON does not.

    Example:
      >>> from_bytes(to_bytes({"bias": np.ones(2)}, {"step": 3}))
      ({'bias': array([1., 1.])}, {'step': 3})
    """
    from safetensors.numpy import save

    texts = {name: json.dumps(value) for name, value in metadata.items()}
    content = save(dict(arrays), {**texts, "sha256": _NO_SEAL.decode()})
    place = _SEAL.search(content)
    assert place
    return content[: place.start(1)] + _seal(content, place) + content[place.end(1) :]


def from_bytes(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What a sealed file holds.

    Args:
      content: its bytes.

    Returns:
      The arrays and the metadata.

    Raises:
      ValueError: if there is no seal, or it does not fit the bytes, or they are no safetensors.

    Example:
      >>> from_bytes(to_bytes({}, {"step": 3}).replace(b"3", b"4"))
      Traceback (most recent call last):
          ...
      ValueError: damaged: its bytes are not those that its SHA-256 was taken of
    """
    place = _SEAL.search(content)
    if place is None:
        raise ValueError("not a sealed file: it has no SHA-256")
    if _seal(content, place) != place[1]:
        raise ValueError("damaged: its bytes are not those that its SHA-256 was taken of")
    return parse(content)


def parse(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What a file holds, whatever its seal; arguments, results and errors are `from_bytes`'s."""
    from safetensors import SafetensorError, deserialize

    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        texts = header["__metadata__"]
        metadata = {name: json.loads(texts[name]) for name in texts.keys() - {"sha256"}}
        arrays = {name: _array(**entry) for name, entry in deserialize(content)}
        return arrays, metadata
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as e:
        raise ValueError(f"not a sealed file: {type(e).__name__}: {e}") from None


def read(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads a sealed file: `from_bytes`, with errors that name the file.

    Args:
      path: of the file.

    Returns:
      The arrays and the metadata.

    Raises:
      ValueError: as `from_bytes`.
      OSError: if the file cannot be read.

    Example:
      >>> import tempfile
      >>> path = Path(tempfile.mkdtemp(), "empty.safetensors")
      >>> path.write_bytes(to_bytes({}, {"step": 3})) > 64
      True
      >>> read(path)
      ({}, {'step': 3})
    """
    return unpack(Path(path).read_bytes(), path)


def unpack(content: bytes, path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What a sealed file holds; the path is for messages."""
    try:
        return from_bytes(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _array(dtype: str, shape: list[int], data: bytearray) -> np.ndarray:
    return np.frombuffer(data, _DTYPES[dtype]).reshape(shape)


def _seal(content: bytes, place: re.Match[bytes]) -> bytes:
    """The SHA-256 of the content with zeros in the place of the seal."""
    view = memoryview(content)
    digest = hashlib.sha256(view[: place.start(1)])
    digest.update(_NO_SEAL)
    digest.update(view[place.end(1) :])
    return digest.hexdigest().encode()
