"""PyTorch's `smooth_l1_loss` is the Huber loss divided by β."""

import numpy as np
import optax
import torch
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32), normal((8, 5), np.float32)


def jax_side(predictions, targets):
    return optax.huber_loss(predictions, targets, delta=0.5).mean()


def torch_side(predictions, targets):
    return functional.smooth_l1_loss(predictions, targets, beta=0.5)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
