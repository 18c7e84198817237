"""A transposed convolution flips its kernel in space in PyTorch, and does not in Flax."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((2, 4, 4, 2), np.float32), normal((3, 3, 2, 4), np.float32)


def jax_side(images, kernel):
    conv = linen.ConvTranspose(4, (3, 3), padding="VALID", use_bias=False)
    return conv.apply({"params": {"kernel": kernel}}, images)


def torch_side(images, kernel):
    images, weight = images.permute(0, 3, 1, 2), kernel.permute(2, 3, 0, 1)
    return functional.conv_transpose2d(images, weight).permute(0, 2, 3, 1)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
