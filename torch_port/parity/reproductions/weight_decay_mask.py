"""PyTorch's AdamW decays all parameters; the port leaves biases out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

is_kernel = lambda params: jax.tree.map(lambda p: p.ndim > 1, params)
transformation = optax.adamw(0.01, weight_decay=0.1, mask=is_kernel)
torch_factory = lambda tensors: torch.optim.AdamW(tensors, 0.01, weight_decay=0.1)
optimizers = transformation, torch_factory

if __name__ == "__main__":
    params = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    tensors = {name: torch.tensor(np.array(p), requires_grad=True) for name, p in params.items()}
    gradients = jax.tree.map(jnp.ones_like, params)
    updates, _ = transformation.update(gradients, transformation.init(params), params)
    params = optax.apply_updates(params, updates)
    for tensor in tensors.values():
        tensor.grad = torch.ones_like(tensor)
    torch_factory([*tensors.values()]).step()
    for name, ours in params.items():
        theirs = tensors[name].detach().numpy()
        print(name, "JAX", ours, "PyTorch", theirs)
    print("largest difference", np.abs(params["bias"] - theirs).max())
