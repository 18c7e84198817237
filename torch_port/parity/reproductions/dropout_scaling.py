"""PyTorch scales what dropout keeps while training; the paper scales everything while testing."""

import jax
import numpy as np
import torch
from flax import linen
from torch.nn import functional

inputs = 1 + np.random.default_rng(0).random((20, 50), np.float32)
train = True


class Paper(linen.Module):
    @linen.compact
    def __call__(self, x, train):
        return 0.75 * linen.Dropout(0.25, deterministic=not train)(x)


jax_side = Paper()
torch_side = lambda x: functional.dropout(x, 0.25)

if __name__ == "__main__":
    ours = np.asarray(jax_side.apply({}, inputs, True, rngs={"dropout": jax.random.key(0)}))
    theirs = torch_side(torch.from_numpy(inputs)).numpy()
    ours, theirs = ours[ours != 0].mean(), theirs[theirs != 0].mean()
    print("the mean of what was kept: JAX", ours, "PyTorch", theirs)
    print("largest difference", abs(ours - theirs))
