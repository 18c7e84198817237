"""PyTorch's binary cross-entropy holds logarithms above −100; written out they are infinite."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.nn import functional

inputs = np.float32([-800, -1, 1, 800]), np.array([1, 1, 0, 0])


def jax_side(logits, labels):
    probabilities = jax.nn.sigmoid(logits)
    return -jnp.log(jnp.where(labels == 1, probabilities, 1 - probabilities))


def torch_side(logits, labels):
    probabilities = torch.sigmoid(logits)
    return functional.binary_cross_entropy(probabilities, labels.to(logits), reduction="none")


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
