"""One side's loss takes probabilities, the other's logits, and both are given probabilities."""

import numpy as np
import optax
import torch
from torch.nn import functional

random = np.random.default_rng(0).random
inputs = random((8, 5), np.float32), np.eye(5, dtype=int)[np.arange(8) % 5]


def jax_side(probabilities, labels):
    return optax.sigmoid_binary_cross_entropy(probabilities, labels).mean()


def torch_side(probabilities, labels):
    return functional.binary_cross_entropy(probabilities, labels.to(probabilities))


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
