"""`nn.Linear` draws kernel and bias from ±1/√in; `Dense` a wider normal kernel, and zeros."""

import jax
import numpy as np
import torch
from flax import linen

if __name__ == "__main__":
    ours = linen.Dense(64).init(jax.random.key(0), np.zeros((1, 784), np.float32))["params"]
    theirs = torch.nn.Linear(784, 64)
    kernels = np.std(ours["kernel"]), theirs.weight.std().item()
    biases = np.std(ours["bias"]), theirs.bias.std().item()
    print("standard deviation of the kernel: JAX", kernels[0], "PyTorch", kernels[1])
    print("standard deviation of the bias: JAX", biases[0], "PyTorch", biases[1])
    print("largest difference", max(abs(kernels[0] - kernels[1]), abs(biases[0] - biases[1])))
