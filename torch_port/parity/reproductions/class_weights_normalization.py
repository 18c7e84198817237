"""PyTorch divides the weighted losses by the sum of their weights, the port by their number."""

import jax.numpy as jnp
import numpy as np
import optax
import torch
from torch.nn import functional

weights = [0.5, 1.0, 2.0, 3.0, 4.0]
inputs = np.random.default_rng(0).standard_normal((8, 5), np.float32), np.arange(8) % 5


def jax_side(logits, labels):
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return (jnp.array(weights)[labels] * losses).mean()


def torch_side(logits, labels):
    return functional.cross_entropy(logits, labels, torch.tensor(weights))


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
