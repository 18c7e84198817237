"""`functional.dropout` drops unless it is told not to, also in a module that evaluates."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

inputs = 1 + np.random.default_rng(0).random((8, 5), np.float32)

jax_side = linen.Dropout(0.5)
torch_side = lambda x: functional.dropout(x, 0.5)

if __name__ == "__main__":
    ours = np.asarray(jax_side.apply({}, inputs, deterministic=True))
    theirs = torch_side(torch.from_numpy(inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
