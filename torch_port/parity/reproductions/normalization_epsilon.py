"""A layer norm's ε is 1e-5 in PyTorch and 1e-6 in Flax."""

import numpy as np
import torch
from flax import linen

TORCH = 1e-5
JAX = 1e-6

normal = np.random.default_rng(0).standard_normal
inputs = 0.01 * normal((8, 5), np.float32)

jax_side = linen.LayerNorm(epsilon=JAX)
torch_side = torch.nn.LayerNorm(5, eps=TORCH)

if __name__ == "__main__":
    params = {"scale": np.ones(5, np.float32), "bias": np.zeros(5, np.float32)}
    ours = np.asarray(jax_side.apply({"params": params}, inputs))
    theirs = torch_side(torch.from_numpy(inputs)).detach().numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
