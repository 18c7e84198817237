"""A batch norm keeps the variance with n − 1 in PyTorch, and with n in Flax."""

import jax
import numpy as np
import torch
from flax import linen

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32)

train = True

jax_side = linen.BatchNorm(momentum=0.9)
torch_side = torch.nn.BatchNorm1d(5, momentum=0.1)

if __name__ == "__main__":
    variables = jax_side.init(jax.random.key(0), inputs, use_running_average=True)
    ours = jax_side.apply(variables, inputs, use_running_average=False, mutable=["batch_stats"])[1]
    ours = np.asarray(ours["batch_stats"]["var"])
    torch_side(torch.from_numpy(inputs))
    theirs = torch_side.running_var.numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
