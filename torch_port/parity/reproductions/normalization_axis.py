"""One side normalises over the features of an example, the other over the examples of a batch."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

inputs = np.random.default_rng(0).standard_normal((8, 5), np.float32)


def jax_side(x):
    return linen.LayerNorm(1e-5, use_bias=False, use_scale=False, reduction_axes=0).apply({}, x)


def torch_side(x):
    return functional.layer_norm(x, (5,))


if __name__ == "__main__":
    ours, theirs = np.asarray(jax_side(inputs)), torch_side(torch.from_numpy(inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
