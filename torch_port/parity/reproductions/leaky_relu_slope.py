"""Leaky ReLU has the slope 0.01 by default in PyTorch and JAX, 0.2 or 0.3 elsewhere."""

import jax
import numpy as np
import torch
from torch.nn import functional

TORCH = 0.01
JAX = 0.2

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32)

jax_side = lambda x: jax.nn.leaky_relu(x, JAX)
torch_side = lambda x: functional.leaky_relu(x, TORCH)

if __name__ == "__main__":
    ours, theirs = np.asarray(jax_side(inputs)), torch_side(torch.from_numpy(inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
