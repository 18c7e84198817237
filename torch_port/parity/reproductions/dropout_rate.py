"""The two sides drop with other probabilities."""

import jax
import numpy as np
import torch
from flax import linen

TORCH = 0.2
JAX = 0.5

inputs = np.ones((20, 50), np.float32)
train = True

jax_side = linen.Dropout(JAX)
torch_side = torch.nn.Dropout(TORCH)

if __name__ == "__main__":
    ours = jax_side.apply({}, inputs, deterministic=False, rngs={"dropout": jax.random.key(0)})
    theirs = torch_side(torch.from_numpy(inputs)).numpy()
    ours, theirs = np.mean(ours == 0), np.mean(theirs == 0)
    print("JAX drops", ours, "PyTorch drops", theirs)
    print("largest difference", abs(ours - theirs))
