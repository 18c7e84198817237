"""One side's network ends in a softmax although its loss applies one itself."""

import numpy as np
import optax
import torch
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32), np.arange(8) % 5


def jax_side(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def torch_side(logits, labels):
    return functional.cross_entropy(logits.softmax(-1), labels)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
