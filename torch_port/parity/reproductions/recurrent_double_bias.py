"""A GRU of PyTorch and Flax has a bias inside the reset; here both are summed up outside."""

import jax.numpy as jnp
import numpy as np
import torch
from flax import linen

shapes = {"x": (4, 3), "h": (4, 5), "w": (15, 3), "u": (15, 5), "b": 15, "d": 15}
normal = np.random.default_rng(0).standard_normal
inputs = tuple(normal(shape, np.float32) for shape in shapes.values())


def jax_side(x, h, w, u, b, d):
    w, u, b = jnp.split(w, 3), jnp.split(u, 3), jnp.split(b + d, 3)
    params = {f"i{gate}": {"kernel": w[i].T, "bias": b[i]} for i, gate in enumerate("rzn")}
    params |= {f"h{gate}": {"kernel": u[i].T} for i, gate in enumerate("rzn")}
    params["hn"]["bias"] = jnp.zeros_like(b[2])
    return linen.GRUCell(5).apply({"params": params}, h, x)[1]


torch_side = torch.gru_cell

if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
