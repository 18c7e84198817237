"""The first step's rate is the schedule's at 0 in PyTorch, and at 1 in this port."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

transformation = optax.sgd(lambda step: 0.1 * 0.5 ** (step + 1))


def torch_factory(tensors):
    optimizer = torch.optim.SGD(tensors, 0.1)
    return optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)


optimizers = transformation, torch_factory

gradients = np.random.default_rng(0).standard_normal((3, 4), np.float32)

if __name__ == "__main__":
    params, tensors = jnp.ones(4), torch.ones(4, requires_grad=True)
    state, (optimizer, scheduler) = transformation.init(params), torch_factory([tensors])
    for gradient in gradients:
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        tensors.grad = torch.from_numpy(gradient)
        optimizer.step()
        scheduler.step()
    print("JAX", params, "PyTorch", tensors.detach(), sep="\n")
    print("largest difference", np.abs(params - tensors.detach().numpy()).max())
