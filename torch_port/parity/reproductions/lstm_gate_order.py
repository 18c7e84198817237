"""PyTorch's matrix holds the gates i, f, g, o in this order; here it was read as i, f, o, g."""

import jax.numpy as jnp
import numpy as np
import torch
from flax import linen

shapes = {"x": (4, 3), "h": (4, 5), "c": (4, 5), "w": (20, 3), "u": (20, 5), "b": 20, "d": 20}
normal = np.random.default_rng(0).standard_normal
inputs = tuple(normal(shape, np.float32) for shape in shapes.values())


def jax_side(x, h, c, w, u, b, d):
    w, u, b = jnp.split(w, 4), jnp.split(u, 4), jnp.split(b + d, 4)
    params = {f"i{gate}": {"kernel": w[i].T} for i, gate in enumerate("ifog")}
    params |= {f"h{gate}": {"kernel": u[i].T, "bias": b[i]} for i, gate in enumerate("ifog")}
    return linen.LSTMCell(5).apply({"params": params}, (c, h), x)[1]


def torch_side(x, h, c, w, u, b, d):
    return torch.lstm_cell(x, (h, c), w, u, b, d)[0]


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
