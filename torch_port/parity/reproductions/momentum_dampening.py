"""PyTorch can damp the gradients that enter the momentum, all but the first."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

TORCH = 0.5

transformation = optax.sgd(0.1, momentum=0.9)
torch_factory = lambda tensors: torch.optim.SGD(tensors, 0.1, momentum=0.9, dampening=TORCH)
optimizers = transformation, torch_factory

gradients = np.random.default_rng(0).standard_normal((3, 4), np.float32)

if __name__ == "__main__":
    params, tensors = jnp.ones(4), torch.ones(4, requires_grad=True)
    state, optimizer = transformation.init(params), torch_factory([tensors])
    for gradient in gradients:
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        tensors.grad = torch.from_numpy(gradient)
        optimizer.step()
    print("JAX", params, "PyTorch", tensors.detach(), sep="\n")
    print("largest difference", np.abs(params - tensors.detach().numpy()).max())
