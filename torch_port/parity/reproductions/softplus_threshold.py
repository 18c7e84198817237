"""PyTorch's softplus is x above 20; JAX's is exact, which float64 alone shows."""

import jax
import numpy as np
import torch
from torch.nn import functional

inputs = np.linspace(18, 26, 9, dtype=np.float32)

jax_side = jax.nn.softplus
torch_side = functional.softplus

if __name__ == "__main__":
    with jax.enable_x64(True):
        ours = np.asarray(jax_side(np.float64(inputs)))
    theirs = torch_side(torch.from_numpy(np.float64(inputs))).numpy()
    print("JAX", ours - inputs, "PyTorch", theirs - inputs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
