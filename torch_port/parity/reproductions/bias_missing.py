"""`nn.Linear` has a bias; the port was made without one."""

import numpy as np
import torch
from flax import linen

normal = np.random.default_rng(0).standard_normal
params = {"kernel": normal((5, 3), np.float32)}
inputs = normal((8, 5), np.float32)

jax_side = linen.Dense(3, use_bias=False)
torch_side = torch.nn.Linear(5, 3)

if __name__ == "__main__":
    torch_side.weight.data = torch.from_numpy(params["kernel"].T)
    ours = np.asarray(jax_side.apply({"params": params}, inputs))
    theirs = torch_side(torch.from_numpy(inputs)).detach().numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
