"""Two layers of the same shape were given each other's parameters."""

import jax.numpy as jnp
import numpy as np
import torch

normal = np.random.default_rng(0).standard_normal
params = [(normal((5, 5), np.float32), normal(5, np.float32)) for _ in range(2)]
inputs = normal((8, 5), np.float32)


def jax_side(params, x):
    (kernel1, bias1), (kernel0, bias0) = params
    return jnp.tanh(x @ kernel0 + bias0) @ kernel1 + bias1


torch_side = torch.nn.Sequential(torch.nn.Linear(5, 5), torch.nn.Tanh(), torch.nn.Linear(5, 5))

if __name__ == "__main__":
    for layer, (kernel, bias) in zip((torch_side[0], torch_side[2]), params, strict=True):
        layer.weight.data, layer.bias.data = torch.from_numpy(kernel.T), torch.from_numpy(bias)
    ours = np.asarray(jax_side(params, inputs))
    theirs = torch_side(torch.from_numpy(inputs)).detach().numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
