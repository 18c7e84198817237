"""PyTorch's loader gives the last batch, however small; a reshape into batches drops it."""

import jax.numpy as jnp
import numpy as np
import torch
from torch.utils.data import DataLoader

data = np.arange(10, dtype=np.float32)

if __name__ == "__main__":
    ours = jnp.asarray(data)[: 10 // 4 * 4].reshape(-1, 4)
    theirs = [*DataLoader(torch.from_numpy(data), batch_size=4)]
    print("JAX", *ours, "PyTorch", *theirs, sep="\n")
    print("largest difference", len(theirs) - len(ours), "batch")
