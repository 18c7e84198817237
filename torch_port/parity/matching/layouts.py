"""How one array lies in memory on either side; `convert` knows the first two, more come here.

JAX                                         PyTorch
kernel (space, in, out)                     weight (out, in, space)
kernel of a transposed convolution:
  (space, in, out), not flipped in space    weight (in, out, space), flipped in space
kernel into heads (in, heads, size)         weight (heads · size, in)
kernel out of heads (heads, size, out)      weight (out, heads · size)
bias (heads, size), slope ()                bias (heads · size), slope (1)
"""

import numpy as np

from torch_port.convert.parameters import to_tensor


def _kernel(array: np.ndarray) -> np.ndarray:
    return to_tensor("kernel", array).numpy() if array.ndim > 1 else array


def _flipped(array: np.ndarray) -> np.ndarray:
    space = tuple(range(array.ndim - 2))
    return np.moveaxis(np.flip(array, space), (-2, -1), (0, 1))


LAYOUTS = {
    "": lambda array: array,
    "kernel": _kernel,
    "flipped kernel": _flipped,
    "kernel into heads": lambda array: array.reshape(len(array), -1).T,
    "kernel out of heads": lambda array: array.reshape(-1, array.shape[-1]).T,
    "flat": lambda array: array.reshape(-1),
}
"""From JAX's layout to PyTorch's."""

LEAST_AXES = {"kernel": 2, "flipped kernel": 3, "kernel into heads": 3, "kernel out of heads": 3}


def arranged(layout: str, array: np.ndarray) -> np.ndarray:
    """An array of JAX's in PyTorch's layout.

    Args:
      layout: one of `LAYOUTS`.
      array: as JAX has it.

    Example:
      >>> arranged("kernel into heads", np.ones((4, 2, 3))).shape
      (6, 4)
    """
    return LAYOUTS[layout](np.asarray(array))


def restored(layout: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array of PyTorch's in JAX's layout.

    Args:
      layout: one of `LAYOUTS`.
      array: as PyTorch has it.
      shape: that it has in JAX.

    Example:
      >>> kernel = np.arange(24.0).reshape(4, 2, 3)
      >>> same = restored("kernel into heads", arranged("kernel into heads", kernel), (4, 2, 3))
      >>> np.array_equal(same, kernel)
      True
    """
    size = int(np.prod(shape))
    places = arranged(layout, np.arange(size).reshape(shape))  # a layout only moves
    result = np.empty(size, np.asarray(array).dtype)
    result[places.reshape(-1)] = np.reshape(array, -1)
    return result.reshape(shape)


def fits(layout: str, shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether an array of JAX's shape has PyTorch's shape in that layout.

    Example:
      >>> fits("kernel", (3, 3, 2, 4), (4, 2, 3, 3))
      True
    """
    if len(shape) < LEAST_AXES.get(layout, 0) or np.prod(shape) != np.prod(other):
        return False
    return LAYOUTS[layout](np.empty(shape, np.bool_)).shape == other
