"""One side smooths its labels, the other does not."""

import jax
import numpy as np
import optax
import torch
from torch.nn import functional

TORCH = 0.1
JAX = 0.0

inputs = np.random.default_rng(0).standard_normal((8, 5), np.float32), np.arange(8) % 5


def jax_side(logits, labels):
    smooth = optax.smooth_labels(jax.nn.one_hot(labels, 5), JAX)
    return optax.softmax_cross_entropy(logits, smooth).mean()


def torch_side(logits, labels):
    return functional.cross_entropy(logits, labels, label_smoothing=TORCH)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
