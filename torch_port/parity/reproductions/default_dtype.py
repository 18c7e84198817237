"""PyTorch keeps float64 as it is; JAX makes float32 of it unless `jax_enable_x64` is set."""

import jax.numpy as jnp
import numpy as np
import torch

numbers = np.array([1 / 3, np.pi, 1e-9])

if __name__ == "__main__":
    ours, theirs = 1 + jnp.asarray(numbers), 1 + torch.from_numpy(numbers)
    print("JAX", ours.dtype, ours, "PyTorch", theirs.dtype, theirs, sep="\n")
    print("largest difference", np.abs(np.float64(ours) - theirs.numpy()).max())
