"""The two sides have different activations at one place."""

import jax
import numpy as np
import torch
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32)

jax_side = jax.nn.silu
torch_side = functional.relu

if __name__ == "__main__":
    ours, theirs = np.asarray(jax_side(inputs)), torch_side(torch.from_numpy(inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
