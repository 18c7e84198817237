"""Images: JAX has their channels last, PyTorch first."""

import numpy as np


def channels_first(array: np.ndarray) -> np.ndarray:
    """An array of JAX's as PyTorch has it: (batch, channels, space).

    Example:
      >>> channels_first(np.ones((2, 6, 5, 3))).shape
      (2, 3, 6, 5)
    """
    return np.moveaxis(array, -1, 1)


def channels_last(array: np.ndarray) -> np.ndarray:
    """An array of PyTorch's as JAX has it: (batch, space, channels).

    Example:
      >>> channels_last(np.ones((2, 3, 6, 5))).shape
      (2, 6, 5, 3)
    """
    return np.moveaxis(array, 1, -1)


def is_turned(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether PyTorch's array is JAX's with channels first; of cubes their values tell.

    Args:
      ours: of JAX.
      theirs: of PyTorch.

    Example:
      >>> cube = np.arange(27.0).reshape(3, 3, 3)
      >>> is_turned(cube, channels_first(cube)), is_turned(cube, cube)
      (True, False)
    """
    if ours.ndim < 3 or channels_first(ours).shape != theirs.shape:
        return False
    if ours.shape != theirs.shape:
        return True
    distance = lambda array: float(np.sum(np.square(array.astype(np.float64) - theirs)))
    return distance(channels_first(ours)) < distance(ours)
