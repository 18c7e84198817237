"""Pixels come to the first layer in [0, 1] here and in [−1, 1] there."""

import numpy as np
import torch
from torch.nn import functional

generator = np.random.default_rng(0)
pixels = generator.integers(0, 256, (8, 5)).astype(np.float32)
inputs = pixels, generator.standard_normal((3, 5), np.float32)


def jax_side(pixels, weight):
    return (pixels / 255) @ weight.T


def torch_side(pixels, weight):
    return functional.linear((pixels / 255 - 0.5) / 0.5, weight)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
