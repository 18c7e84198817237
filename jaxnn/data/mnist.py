"""The real MNIST, embedded in the package, complete: 60 000 training and 10 000 test images.

The four original files lie compressed in `files/`. The first use decodes them into the user's cache
folder, later uses map them into memory from there; their checksums are verified each time.
"""

import contextlib
import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from jaxnn.files import cache_folder as cache_folder
from jaxnn.files import write_atomically
from jaxnn.typing import Dataset

FILES = Path(__file__).parent / "files"

CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of the original files, uncompressed."""

IMAGES_HEADER, LABELS_HEADER = 16, 8
"""Bytes before the first value: a magic number and each dimension, four bytes each."""


def load(name: str) -> tuple[Dataset, Dataset]:
    """The training and the test set of an embedded data set; needs no network.

    Args:
      name: `"mnist"`, the only one that is embedded.

    Returns:
      `(train, test)`: images uint8 `(60000, 28, 28)` and `(10000, 28, 28)`, ink 255 on 0, not
      writable; labels int32 `(60000,)` and `(10000,)`.

    Raises:
      ValueError: the name is unknown, or the package's own files are damaged.

    Source:
      LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
      1998, section III.A.

    Example:
      >>> train, test = load("mnist")
      >>> train.images.shape, train.images.dtype, test.size
      ((60000, 28, 28), dtype('uint8'), 10000)
      >>> train.labels[:5]
      array([5, 0, 4, 1, 9], dtype=int32)
    """
    if name != "mnist":
        raise ValueError(f"data.load: name must be 'mnist', the embedded data set, got {name!r}")
    return _load_part("train"), _load_part("t10k")


def _load_part(part: str) -> Dataset:
    images = _content(f"{part}-images-idx3-ubyte")[IMAGES_HEADER:].reshape(-1, 28, 28)
    labels = _content(f"{part}-labels-idx1-ubyte")[LABELS_HEADER:].astype(np.int32)
    return Dataset(images, labels)


def _content(name: str) -> np.ndarray:
    """The bytes of an original file: mapped from the cache if they are right there, or decoded."""
    folder = cache_folder()
    if folder is None:
        return _decode(name)
    cached = folder / "mnist" / name
    with contextlib.suppress(OSError, ValueError):  # missing, or empty, truncated, tampered with
        return _verified(np.asarray(np.memmap(cached, mode="r")), name)
    content = _decode(name)
    with contextlib.suppress(OSError):  # a read-only folder, a full disk: memory serves as well
        write_atomically(cached, content.tobytes())
    return content


def _decode(name: str) -> np.ndarray:
    path = FILES / f"{name}.gz"
    try:
        return _verified(np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8), name)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"{path} is missing or damaged: install jaxnn again") from error


def _verified(content: np.ndarray, name: str) -> np.ndarray:
    if hashlib.sha256(content.data).hexdigest() != CHECKSUMS[name]:
        raise ValueError(f"{name}: the checksum is not that of the original")
    return content
