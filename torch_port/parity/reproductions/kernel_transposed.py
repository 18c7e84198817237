"""A dense weight is (out, in) in PyTorch, (in, out) in Flax: a square one fits either."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32), normal((5, 5), np.float32), normal(5, np.float32)


def jax_side(x, weight, bias):
    return linen.Dense(5).apply({"params": {"kernel": weight, "bias": bias}}, x)


torch_side = functional.linear

if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
