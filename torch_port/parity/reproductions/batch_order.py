"""The same seed shuffles otherwise in PyTorch than in JAX."""

import jax
import numpy as np
import torch
from torch.utils.data import DataLoader

data = np.arange(10)

if __name__ == "__main__":
    ours = np.asarray(jax.random.permutation(jax.random.key(0), data))
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(torch.from_numpy(data), batch_size=10, shuffle=True, generator=generator)
    theirs = next(iter(loader)).numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
