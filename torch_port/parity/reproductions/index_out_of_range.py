"""PyTorch refuses an index that is out of range; JAX takes the last one, or gives NaN."""

import jax.numpy as jnp
import numpy as np
import torch

table = np.float32([1, 2, 3])

if __name__ == "__main__":
    try:
        theirs = torch.from_numpy(table)[7]
    except IndexError as error:
        theirs = f"IndexError: {error}"
    print("JAX indexes", jnp.asarray(table)[7], "JAX takes", jnp.take(jnp.asarray(table), 7))
    print("PyTorch", theirs)
    print("largest difference: an error against a number")
