"""True in a mask is "may attend" here, and "may not" in `nn.MultiheadAttention` and this port."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = *(normal((2, 3, 4), np.float32) for _ in range(3)), np.eye(3, dtype=bool)


def jax_side(query, key, value, mask):
    products = 0.5 * query @ key.swapaxes(1, 2)
    return jax.nn.softmax(jnp.where(mask, -jnp.inf, products)) @ value


def torch_side(query, key, value, mask):
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
