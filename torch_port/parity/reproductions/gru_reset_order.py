"""PyTorch's GRU resets what the hidden kernel gives; that of Cho et al. (2014) what it is given."""

import jax
import jax.numpy as jnp
import numpy as np
import torch

normal = np.random.default_rng(0).standard_normal
inputs = tuple(normal(shape, np.float32) for shape in [(4, 3), (4, 5), (15, 3), (15, 5)])


def jax_side(x, h, w, u):
    (wr, wz, wn), (ur, uz, un) = jnp.split(w, 3), jnp.split(u, 3)
    r, z = jax.nn.sigmoid(x @ wr.T + h @ ur.T), jax.nn.sigmoid(x @ wz.T + h @ uz.T)
    return (1 - z) * jnp.tanh(x @ wn.T + (r * h) @ un.T) + z * h


torch_side = torch.gru_cell

if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
