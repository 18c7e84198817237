"""Two calls of `backward` add their gradients; `optax.MultiSteps` takes their mean."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

gradients = np.random.default_rng(0).standard_normal((2, 4), np.float32)

if __name__ == "__main__":
    params, tensor = jnp.ones(4), torch.ones(4, requires_grad=True)
    transformation = optax.MultiSteps(optax.sgd(0.1), every_k_schedule=2)
    state, optimizer = transformation.init(params), torch.optim.SGD([tensor], 0.1)
    for gradient in gradients:
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        (torch.from_numpy(gradient) @ tensor).backward()
    optimizer.step()
    ours, theirs = np.asarray(params), tensor.detach().numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
