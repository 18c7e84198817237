"""Images come to the first layer in [0, 1] on one side and in [−1, 1] on the other."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

generator = np.random.default_rng(0)
inputs = generator.random((8, 5), np.float32), generator.standard_normal((3, 5), np.float32)


def jax_side(images, weight):
    dense = linen.Dense(3, use_bias=False)
    return dense.apply({"params": {"kernel": weight.T}}, 2 * images - 1)


torch_side = functional.linear

if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
