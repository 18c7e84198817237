"""A batch norm's momentum is the new value's weight in PyTorch, the old value's in Flax."""

import jax
import numpy as np
import torch
from flax import linen

TORCH = 0.1
JAX = 0.01  # on either side the weight of the new value

normal = np.random.default_rng(0).standard_normal
inputs = 1 + normal((8, 5), np.float32)

train = True

jax_side = linen.BatchNorm(momentum=1 - JAX)
torch_side = torch.nn.BatchNorm1d(5, momentum=TORCH)

if __name__ == "__main__":
    variables = jax_side.init(jax.random.key(0), inputs, use_running_average=True)
    ours = jax_side.apply(variables, inputs, use_running_average=False, mutable=["batch_stats"])[1]
    ours = np.asarray(ours["batch_stats"]["mean"])
    torch_side(torch.from_numpy(inputs))
    theirs = torch_side.running_mean.numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
