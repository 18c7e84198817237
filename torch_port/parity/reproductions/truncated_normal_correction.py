"""PyTorch's σ is that before truncation; JAX's `variance_scaling` gives what is left this σ."""

import jax
import numpy as np
import torch

if __name__ == "__main__":
    scaling = jax.nn.initializers.variance_scaling(1.0, "fan_in", "truncated_normal")
    ours = np.std(scaling(jax.random.key(0), (400, 400)))
    theirs = torch.nn.init.trunc_normal_(torch.empty(400, 400), std=0.05, a=-0.1, b=0.1)
    theirs = theirs.std().item()
    print("standard deviation for σ = 1/√400 = 0.05: JAX", ours, "PyTorch", theirs)
    print("largest difference", abs(ours - theirs))
