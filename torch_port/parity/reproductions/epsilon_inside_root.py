"""RMSProp's ε is added to the root in PyTorch, and inside it by default in Optax."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

transformation = optax.rmsprop(0.01, decay=0.9, eps=1e-8)
torch_factory = lambda tensors: torch.optim.RMSprop(tensors, 0.01, alpha=0.9, eps=1e-8)
optimizers = transformation, torch_factory

gradients = 1e-4 * np.random.default_rng(0).standard_normal((3, 4), np.float32)

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
