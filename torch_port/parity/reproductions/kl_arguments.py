"""Predictions and targets of a Kullback-Leibler divergence were exchanged."""

import jax.numpy as jnp
import numpy as np
import optax
import torch
from torch.nn import functional

drawn = np.random.default_rng(0).dirichlet(np.ones(5), (2, 8)).astype(np.float32)
inputs = drawn[0], drawn[1]


def jax_side(predictions, targets):
    return optax.kl_divergence(jnp.log(targets), predictions).mean()


def torch_side(predictions, targets):
    return functional.kl_div(predictions.log(), targets, reduction="batchmean")


if __name__ == "__main__":
    ours = np.asarray(jax_side(*inputs))
    theirs = torch_side(*map(torch.from_numpy, inputs)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
