"""Two layers of the same shape were copied in the other order."""

import jax.numpy as jnp
import numpy as np
import torch
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32), normal((5, 5), np.float32), normal((5, 5), np.float32)


def jax_side(x, first, second):
    return jnp.tanh(x @ second.T) @ first.T


def torch_side(x, first, second):
    return functional.linear(torch.tanh(functional.linear(x, first)), second)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
