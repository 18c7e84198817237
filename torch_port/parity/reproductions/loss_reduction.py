"""One side's loss is the mean, the other's the sum over the batch."""

import numpy as np
import optax
import torch
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32), normal((8, 5), np.float32)


def jax_side(predictions, targets):
    return optax.squared_error(predictions, targets).sum()


def torch_side(predictions, targets):
    return functional.mse_loss(predictions, targets)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
