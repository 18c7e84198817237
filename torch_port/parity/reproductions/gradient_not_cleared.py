"""Without `zero_grad`, PyTorch's gradients are the sum of all so far; JAX's are new each step."""

import jax.numpy as jnp
import numpy as np
import optax
import torch

gradients = np.random.default_rng(0).standard_normal((3, 4), np.float32)

if __name__ == "__main__":
    params, tensor = jnp.ones(4), torch.ones(4, requires_grad=True)
    transformation, optimizer = optax.sgd(0.1), torch.optim.SGD([tensor], 0.1)
    state = transformation.init(params)
    for gradient in gradients:
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        (torch.from_numpy(gradient) @ tensor).backward()
        optimizer.step()  # and no optimizer.zero_grad()
    ours, theirs = np.asarray(params), tensor.detach().numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
