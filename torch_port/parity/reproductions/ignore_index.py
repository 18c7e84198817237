"""PyTorch leaves labels of −100 out of the mean; the port counts their losses as 0."""

import jax
import numpy as np
import optax
import torch
from torch.nn import functional

logits = np.random.default_rng(0).standard_normal((8, 5), np.float32)
inputs = logits, np.array([0, 1, -100, 2, -100, 3, 4, -100])


def jax_side(logits, labels):
    return optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels, 5)).mean()


torch_side = functional.cross_entropy

if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
