"""ELU goes to −α for large negative inputs, and α is not the same on both sides."""

import jax
import numpy as np
import torch
from torch.nn import functional

TORCH = 1.0
JAX = 0.5

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32)

jax_side = lambda x: jax.nn.elu(x, JAX)
torch_side = lambda x: functional.elu(x, TORCH)

if __name__ == "__main__":
    ours, theirs = np.asarray(jax_side(inputs)), torch_side(torch.from_numpy(inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
