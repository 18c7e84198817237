"""IDX files, gzipped or not: the format of MNIST, Fashion-MNIST, KMNIST and EMNIST.

A file is two zero bytes, the type of its values, the number of its dimensions, each dimension as
four bytes, and the values, all big-endian.
"""

import gzip
import io
import math
import re
import struct
import zlib
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from jaxnn.data.arrays import from_arrays
from jaxnn.typing import Dataset

DTYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""The dtype for each type byte."""

RANKS = range(1, 33)
"""The numbers of dimensions that NumPy has had in all its versions."""

CHUNK = 1 << 20
"""Bytes read at once."""

SMALL, LARGEST_RATIO = 1 << 26, 100
"""A gzipped file may hold so many bytes, or so many times its own; MNIST's hold 5 times theirs."""


def load_idx(folder: str | Path) -> tuple[Dataset, Dataset]:
    """The training and the test set of a folder of IDX files.

    The files are named as MNIST's, `train-images-idx3-ubyte`, or with a prefix as EMNIST's,
    `emnist-letters-train-images-idx3-ubyte`; the test set's `t10k-...` or `test-...`; each may end
    in `.gz`. EMNIST's images lie transposed in its files and are turned upright.

    Args:
      folder: holds the four files of one data set.

    Returns:
      `(train, test)`: images as the files have them, uint8 `(n, height, width)` in all those sets;
      labels int32 `(n,)`.

    Raises:
      FileNotFoundError: the folder or one of its four files is missing.
      ValueError: a file is none of the kind, truncated, overlong, corrupted or empty; images stand
        where labels belong or the reverse; images and labels differ in number.

    Example:
      >>> from jaxnn.data import mnist
      >>> train, test = load_idx(mnist.FILES)
      >>> train.images.shape, test.labels.shape
      ((60000, 28, 28), (10000,))
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"load_idx: there is no folder {folder}")
    return _load_part(folder, "train"), _load_part(folder, "t10k|test")


def read_idx(path: str | Path) -> np.ndarray:
    """The array in one IDX file, gzipped or not.

    Args:
      path: the file; whether it is gzipped shows in its first bytes.

    Returns:
      An array of the file's dtype and shape.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file is no IDX file, truncated, overlong, corrupted or empty.

    Source:
      Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".

    Example:
      >>> from jaxnn.data import mnist
      >>> read_idx(mnist.FILES / "t10k-labels-idx1-ubyte.gz")[:5]
      array([7, 2, 1, 0, 4], dtype=uint8)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"read_idx: there is no file {path}")
    with open(path, "rb") as file:
        return unpack(file, path)


def unpack(file: BinaryIO, path: Path) -> np.ndarray:
    """The array in an open IDX file, as `read_idx` gives it; the path is for messages."""
    gzipped, length = file.read(2) == b"\x1f\x8b", file.seek(0, io.SEEK_END)
    file.seek(0)
    largest = max(SMALL, LARGEST_RATIO * length) if gzipped else math.inf
    try:
        return _parse(gzip.GzipFile(fileobj=file) if gzipped else file, path, largest)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: the gzip data is corrupted: {error}") from error


def _parse(stream: IO[bytes] | gzip.GzipFile, path: Path, largest: float) -> np.ndarray:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or magic[3] not in RANKS:
        raise ValueError(
            f"{path}: an IDX file begins with 0000, the type 08, 09 or 0b to 0e, "
            f"and the number of dimensions from 01 on, got {magic.hex() or 'nothing'}"
        )
    dtype, rank = np.dtype(DTYPES[magic[2]]), magic[3]
    header = stream.read(4 * rank)
    if len(header) < 4 * rank:
        raise ValueError(
            f"{path}: truncated: a header of {rank} dimensions takes {4 + 4 * rank} bytes, "
            f"got {4 + len(header)}"
        )
    shape = struct.unpack(f">{rank}I", header)
    size = math.prod(shape) * dtype.itemsize
    if size == 0:
        raise ValueError(f"{path}: there must be at least one value, got the shape {shape}")
    if size > largest:
        raise ValueError(
            f"{path}: a gzip file of its size must hold at most {largest} bytes, "
            f"got a header of {shape} {dtype.name}, which take {size}"
        )
    content = _read(stream, size + 1)
    if len(content) != size:
        came = f"overlong: got {size + 1} or more"
        if len(content) < size:
            came = f"truncated: got {len(content)}"
        raise ValueError(f"{path}: {came} bytes where {shape} {dtype.name} take {size}")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read(stream: IO[bytes] | gzip.GzipFile, size: int) -> bytes:
    """At most `size` bytes; memory grows with what comes, not with what a header promises."""
    pieces = []
    while size > 0 and (piece := stream.read(min(size, CHUNK))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _load_part(folder: Path, part: str) -> Dataset:
    images_path, labels_path = _find(folder, part, "images"), _find(folder, part, "labels")
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim < 3:
        raise ValueError(f"{images_path}: images must be (n, height, width), got {images.shape}")
    if labels.ndim != 1:
        raise ValueError(f"{labels_path}: labels must be (n,), got {labels.shape}")
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} holds {len(images)} images and {labels_path} {len(labels)} labels: "
            "they must be equally many"
        )
    if images_path.name.startswith("emnist"):
        images = np.ascontiguousarray(images.swapaxes(1, 2))
    return from_arrays(images, labels)


def _find(folder: Path, part: str, kind: str) -> Path:
    """The one file of that part and kind; of a file and its gzip the file."""
    pattern = re.compile(rf"(.*-)?({part})-{kind}[-.]idx\d-ubyte(\.gz)?")
    found = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    if not found:
        expected = f"{part.split('|')[0]}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
        raise FileNotFoundError(f"load_idx: {folder} has no file {expected} or {expected}.gz")
    names = {path.name.removesuffix(".gz") for path in found}
    if len(names) > 1:
        raise ValueError(
            f"load_idx: {folder} holds more than one data set: {', '.join(sorted(names))}; "
            "give each a folder of its own"
        )
    return found[0]
