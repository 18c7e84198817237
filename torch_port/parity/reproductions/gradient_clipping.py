"""One side clips the norm of all gradients, the other each of their numbers."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

transformation = optax.chain(optax.clip(1.0), optax.sgd(0.1))


class Clipped(torch.optim.SGD):
    def step(self, closure=None):
        torch.nn.utils.clip_grad_norm_(self.param_groups[0]["params"], 1.0)
        return super().step(closure)


torch_factory = lambda tensors: Clipped(tensors, 0.1)
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
