"""Augmentation: a batch of images changed at random, as a pure function of a key and the batch."""

import jax
import jax.numpy as jnp
from jax import lax

from jaxnn.checks import require_positive_integer
from jaxnn.typing import Array, ArrayLike, Key


def shift_images(key: Key, images: ArrayLike, max_shift: int = 1) -> Array:
    """Moves each image by a random whole number of pixels along both axes; zeros move in.

        y[b, i, j] = x[b, i − dᵢ, j − dⱼ],   dᵢ, dⱼ uniform in {−max_shift, …, max_shift}

    Args:
      key: for the draw.
      images: `(batch, height, width)` or `(batch, height, width, channels)`, of any dtype.
      max_shift: the farthest move, in pixels.

    Returns:
      An array of the images' shape and dtype.

    Raises:
      ValueError: the images have another rank, or `max_shift` is not a positive integer.

    Example:
      >>> images = jnp.ones((2, 28, 28), jnp.uint8)
      >>> shift_images(jax.random.key(0), images).shape
      (2, 28, 28)
    """
    require_positive_integer(max_shift, "shift_images: max_shift")
    images = jnp.asarray(images)
    if images.ndim not in (3, 4):
        raise ValueError(
            "shift_images: images must be (batch, height, width) or "
            f"(batch, height, width, channels), got {images.shape}"
        )
    channels = images.ndim - 3
    margin = (max_shift, max_shift)
    padded = jnp.pad(images, ((0, 0), margin, margin, *[(0, 0)] * channels))
    corners = jax.random.randint(key, (len(images), 2), 0, 2 * max_shift + 1, jnp.int32)
    corners = jnp.pad(corners, ((0, 0), (0, channels)))

    def crop(image: Array, corner: Array) -> Array:
        return lax.dynamic_slice(image, corner, images.shape[1:])

    return jax.vmap(crop)(padded, corners)
