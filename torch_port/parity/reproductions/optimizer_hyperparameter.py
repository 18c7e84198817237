"""RMSProp's decay is 0.99 by default in PyTorch and 0.9 in Optax."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

# no constants to put in: which setting differs is not always this one
transformation = optax.rmsprop(0.01, decay=0.9, eps_in_sqrt=False)
torch_factory = lambda tensors: torch.optim.RMSprop(tensors, 0.01, alpha=0.99)
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
