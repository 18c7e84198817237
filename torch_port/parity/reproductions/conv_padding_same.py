"""With stride 2, "SAME" pads by (0, 1) what padding=1 pads by (1, 1)."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((2, 6, 6, 2), np.float32), normal((3, 3, 2, 4), np.float32)


def jax_side(images, kernel):
    conv = linen.Conv(4, (3, 3), 2, padding="SAME", use_bias=False)
    return conv.apply({"params": {"kernel": kernel}}, images)


def torch_side(images, kernel):
    images, weight = images.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1)
    return functional.conv2d(images, weight, stride=2, padding=1).permute(0, 2, 3, 1)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
