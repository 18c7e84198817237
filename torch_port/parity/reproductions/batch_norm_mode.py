"""One side's batch norm evaluates with running statistics, the other's with those of the batch."""

import numpy as np
import torch
from flax import linen
from torch.nn import functional

normal = np.random.default_rng(0).standard_normal
inputs = normal((8, 5), np.float32), normal(5, np.float32), 1 + normal(5, np.float32) ** 2


def jax_side(x, mean, var):
    norm = linen.BatchNorm(use_running_average=False, use_bias=False, use_scale=False)
    return norm.apply({"batch_stats": {"mean": mean, "var": var}}, x, mutable=["batch_stats"])[0]


def torch_side(x, mean, var):
    return functional.batch_norm(x, mean.detach(), var.detach(), training=False)


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
