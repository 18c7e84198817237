"""PyTorch's momentum is multiplied by the rate of today; this one holds rates of the past."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

rate = lambda step: 0.1 * 0.5**step
transformation = optax.chain(optax.scale_by_learning_rate(rate), optax.trace(0.9))


def torch_factory(tensors):
    optimizer = torch.optim.SGD(tensors, 0.1, momentum=0.9)
    return optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)


optimizers = transformation, torch_factory


if __name__ == "__main__":
    params, tensors = jnp.ones(2), torch.ones(2, requires_grad=True)
    state, (optimizer, scheduler) = transformation.init(params), torch_factory([tensors])
    for gradient in np.float32([[1, 2], [3, 4]]):
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        tensors.grad = torch.from_numpy(gradient)
        optimizer.step()
        scheduler.step()
    print("JAX", params, "PyTorch", tensors.detach(), sep="\n")
    print("largest difference", np.abs(params - tensors.detach().numpy()).max())
