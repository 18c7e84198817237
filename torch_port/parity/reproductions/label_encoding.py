"""Labels count from 1 on one side and from 0 on the other."""

import numpy as np
import optax
import torch
from torch.nn import functional

inputs = np.random.default_rng(0).standard_normal((8, 6), np.float32), 1 + np.arange(8) % 5


def jax_side(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels - 1).mean()


torch_side = functional.cross_entropy

if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
