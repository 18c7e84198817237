"""GELU is exact in PyTorch, and by default approximated with tanh in JAX and Flax."""

import jax
import numpy as np
import torch
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32)

jax_side = jax.nn.gelu
torch_side = functional.gelu

if __name__ == "__main__":
    ours, theirs = np.asarray(jax_side(inputs)), torch_side(torch.from_numpy(inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
