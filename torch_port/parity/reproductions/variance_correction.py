"""A standard deviation divides by n − 1 in PyTorch, by n in JAX."""

import jax.numpy as jnp
import numpy as np
import torch

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32)

jax_side = lambda x: jnp.std(x, 0)
torch_side = lambda x: torch.std(x, 0)

if __name__ == "__main__":
    ours, theirs = np.asarray(jax_side(inputs)), torch_side(torch.from_numpy(inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
