"""An embedding's numbers are drawn from N(0, 1) in PyTorch, from N(0, 1/features) in Flax."""

import jax
import numpy as np
import torch
from flax import linen

if __name__ == "__main__":
    ours = linen.Embed(1000, 64).init(jax.random.key(0), np.arange(3))["params"]["embedding"]
    ours, theirs = np.std(ours), torch.nn.Embedding(1000, 64).weight.std().item()
    print("standard deviation: JAX", ours, "PyTorch", theirs)
    print("largest difference", abs(ours - theirs))
