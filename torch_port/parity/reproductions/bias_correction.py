"""Adam corrects both moments for their start at 0; a hand-written one does not."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

gradient = np.random.default_rng(0).standard_normal(4, np.float32)
init = lambda params: (jax.tree.map(jnp.zeros_like, params),) * 2


def update(gradients, moments, params=None):
    m = optax.tree.update_moment(gradients, moments[0], 0.9, 1)
    v = optax.tree.update_moment(gradients, moments[1], 0.999, 2)
    return jax.tree.map(lambda m, v: -0.01 * m / (jnp.sqrt(v) + 1e-8), m, v), (m, v)


transformation = optax.GradientTransformation(init, update)
torch_factory = lambda tensors: torch.optim.Adam(tensors, 0.01)
optimizers = transformation, torch_factory

if __name__ == "__main__":
    params, tensor = jnp.ones(4), torch.ones(4, requires_grad=True)
    params += transformation.update(gradient, init(params))[0]
    tensor.grad = torch.from_numpy(gradient)
    torch_factory([tensor]).step()
    print("JAX", params, "PyTorch", tensor.detach(), sep="\n")
    print("largest difference", np.abs(params - tensor.detach().numpy()).max())
