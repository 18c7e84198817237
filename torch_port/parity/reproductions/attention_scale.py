"""PyTorch divides products of queries and keys by the root of their width; here by the width."""

import jax
import numpy as np
import torch
from torch.nn import functional

TORCH = 0.5
JAX = 0.25

normal = np.random.default_rng(0).standard_normal
inputs = tuple(normal((2, 3, 4), np.float32) for _ in range(3))  # heads, tokens, width


def jax_side(query, key, value):
    return jax.nn.softmax(JAX * query @ key.swapaxes(1, 2)) @ value


def torch_side(query, key, value):
    return functional.scaled_dot_product_attention(query, key, value, scale=TORCH)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
