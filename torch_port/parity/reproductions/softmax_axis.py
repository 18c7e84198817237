"""A softmax over the batch (`dim=0`) here, over the classes (the default) there."""

import jax
import numpy as np
import torch
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32)

jax_side = jax.nn.softmax
torch_side = lambda x: functional.softmax(x, dim=0)

if __name__ == "__main__":
    ours, theirs = np.asarray(jax_side(inputs)), torch_side(torch.from_numpy(inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
