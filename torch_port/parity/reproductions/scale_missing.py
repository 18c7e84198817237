"""`nn.LayerNorm` has a weight; the port was made without one."""

import numpy as np
import torch
from flax import linen

inputs = np.random.default_rng(0).standard_normal((8, 5), np.float32)

jax_side = linen.LayerNorm(1e-5, use_scale=False)
torch_side = torch.nn.LayerNorm(5)
torch_side.weight.data = torch.arange(1.0, 6.0)  # as training may leave it

if __name__ == "__main__":
    ours = np.asarray(jax_side.apply({"params": {"bias": np.zeros(5, np.float32)}}, inputs))
    theirs = torch_side(torch.from_numpy(inputs)).detach().numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
