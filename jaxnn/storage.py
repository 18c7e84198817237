"""Arrays that stay on disk: memory-mapped files and the like, whose rows are read when needed.

An array is stored, not held in memory, if it is neither NumPy's nor JAX's (`Rows` is one, and so is
anything that has a `shape`, a `dtype` and a `len`, and gives the rows at an array of integers), or
if it lies in a mapped file and has more than `LARGE` bytes.
"""

import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np

LARGE = 2**30  # a smaller one is put on the device whole, as MNIST is, which lies in a mapped file


def mapped_file(array: Any) -> mmap.mmap | None:
    """The mapped file in which an array lies, or None.

    Args:
      array: anything; a view of a `numpy.memmap` lies in the same file.

    Returns:
      The map, or None for what lies in memory or is no NumPy array.

    Example:
      >>> mapped_file(np.zeros(3)) is None
      True
    """
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, mmap.mmap) else None


def is_stored(array: Any) -> bool:
    """Whether the rows of an array must be read before a device can be given them.

    Args:
      array: an array of NumPy or of JAX, or anything that gives rows.

    Returns:
      True for what is no array of NumPy or JAX, and for more than a gigabyte in a mapped file.

    Example:
      >>> is_stored(np.zeros(3))
      False
    """
    import jax

    if not isinstance(array, np.ndarray | jax.Array):
        return True
    return array.nbytes > LARGE and mapped_file(array) is not None


def read(array: Any, indices: np.ndarray) -> np.ndarray:
    """Reads rows of a stored array into memory.

    Args:
      array: stored or not, `(n, ...)`.
      indices: int `(m,)`.

    Returns:
      `(m, ...)`, a copy.

    Raises:
      OSError: the mapped file is shorter than when it was opened; to read on would end the process.

    Example:
      >>> read(np.array([10, 20, 30]), np.array([2, 0]))
      array([30, 10])
    """
    file = mapped_file(array)
    if file is not None and file.size() < len(file):
        raise OSError(f"a mapped file must not shrink: {file.size()} of {len(file)} bytes are left")
    return np.asarray(array[indices])


def announce(array: Any, indices: np.ndarray) -> None:
    """Tells the system which rows of a mapped file will be read next; of anything else, nothing.

    It then fetches them from the disk many at a time, and not one after the other as they are met.

    Args:
      array: as for `read`.
      indices: int `(m,)`.

    Example:
      >>> announce(np.zeros((3, 2)), np.array([2, 0]))
    """
    if isinstance(array, Rows):
        return announce(array.array, array.indices[indices])
    file = mapped_file(array)
    if file is None or not hasattr(file, "madvise"):
        return None
    row = array[0]
    if not row.flags.c_contiguous:
        return None
    first = array.ctypes.data - np.frombuffer(file, np.uint8).ctypes.data
    for start in (first + indices * array.strides[0]).tolist():
        page = start - start % mmap.PAGESIZE
        file.madvise(mmap.MADV_WILLNEED, page, start - page + row.nbytes)
    return None


@dataclass(frozen=True, eq=False, repr=False)
class Rows:
    """Some rows of an array, read from it when they are asked for.

    Attributes:
      array: `(n, ...)`, mapped or stored.
      indices: int `(m,)`, which rows.

    Example:
      >>> rows = Rows(np.array([10, 20, 30]), np.array([2, 0]))
      >>> rows.shape, rows[np.array([1])]
      ((2,), array([10]))
    """

    array: Any
    indices: np.ndarray

    def __repr__(self) -> str:
        return f"{len(self)} of {len(self.array)} rows, {self.dtype} of shape {self.shape}"

    @property
    def shape(self) -> tuple[int, ...]:
        """`(m, ...)`."""
        return (len(self.indices), *self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """That of the array."""
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, indices: Any) -> np.ndarray:
        return read(self.array, self.indices[indices])


def select(array: Any, indices: np.ndarray) -> Any:
    """The rows of an array: of one in memory a copy, of a stored one a view that reads nothing.

    Args:
      array: `(n, ...)`.
      indices: int `(m,)`.

    Returns:
      An array, or `Rows`, of shape `(m, ...)`.

    Example:
      >>> select(np.array([10, 20, 30]), np.array([2, 0]))
      array([30, 10])
    """
    return Rows(array, indices) if is_stored(array) else array[indices]
