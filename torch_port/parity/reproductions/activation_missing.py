"""One side has an activation between two layers, the other has none."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32), normal((4, 5), np.float32), normal((3, 4), np.float32)


def jax_side(x, first, second):
    x = linen.Dense(4, use_bias=False).apply({"params": {"kernel": first.T}}, x)
    return linen.Dense(3, use_bias=False).apply({"params": {"kernel": second.T}}, x)


def torch_side(x, first, second):
    return functional.linear(torch.relu(functional.linear(x, first)), second)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
