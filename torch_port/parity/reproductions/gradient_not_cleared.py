"""Without `zero_grad`, PyTorch's gradients are the sum of all so far; JAX's are new each step."""

import jax.numpy as jnp
import numpy as np
import optax
import torch


class NeverCleared(torch.optim.SGD):
    def zero_grad(self, set_to_none=True):
        pass


transformation = optax.sgd(0.1)
torch_factory = lambda tensors: NeverCleared(tensors, 0.1)
optimizers = transformation, torch_factory
gradients = np.random.default_rng(0).standard_normal((2, 4), np.float32)

if __name__ == "__main__":
    params, tensors = jnp.ones(4), torch.ones(4, requires_grad=True)
    state, optimizer = transformation.init(params), torch_factory([tensors])
    for gradient in gradients:
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        optimizer.zero_grad()
        (torch.from_numpy(gradient) @ tensors).backward()
        optimizer.step()
    print("JAX", params, "PyTorch", tensors.detach(), sep="\n")
    print("largest difference", np.abs(params - tensors.detach().numpy()).max())
