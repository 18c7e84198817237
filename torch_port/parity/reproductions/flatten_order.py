"""Images are flattened channels first in PyTorch, and channels last in Flax."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((4, 3, 3, 2), np.float32), normal((5, 18), np.float32)


def jax_side(images, weight):
    rows = images.reshape(len(images), -1)
    return linen.Dense(5, use_bias=False).apply({"params": {"kernel": weight.T}}, rows)


def torch_side(images, weight):
    return functional.linear(images.permute(0, 3, 1, 2).flatten(1), weight)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
