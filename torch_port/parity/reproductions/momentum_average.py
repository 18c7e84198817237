"""PyTorch's momentum is a sum of gradients; the port's is an average."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

transformation = optax.chain(optax.ema(0.9, debias=False), optax.scale_by_learning_rate(0.1))
torch_factory = lambda tensors: torch.optim.SGD(tensors, 0.1, momentum=0.9)
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
