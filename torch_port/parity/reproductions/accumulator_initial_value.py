"""Adagrad's sum of squares starts at 0 in PyTorch and at 0.1 in Optax."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

TORCH = 0.0
JAX = 0.1

transformation = optax.adagrad(0.1, initial_accumulator_value=JAX, eps=1e-30)
torch_factory = lambda tensors: torch.optim.Adagrad(
    tensors, 0.1, initial_accumulator_value=TORCH, eps=1e-30
)
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
