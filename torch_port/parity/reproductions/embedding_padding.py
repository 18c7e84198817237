"""The row of the padding word gets no gradient in PyTorch, and is trained as any other in Flax."""

import jax
import numpy as np
import torch
from flax import linen

inputs = np.array([[0, 1, 2], [3, 0, 0]])

jax_side = linen.Embed(4, 5)
torch_side = torch.nn.Embedding(4, 5, padding_idx=0)

if __name__ == "__main__":
    kernel = {"params": {"embedding": torch_side.weight.detach().numpy()}}
    loss = lambda params: (jax_side.apply(params, inputs) - 1).sum() ** 2
    ours = np.asarray(jax.grad(loss)(kernel)["params"]["embedding"])
    ((torch_side(torch.from_numpy(inputs)) - 1).sum() ** 2).backward()
    theirs = torch_side.weight.grad.numpy()
    print("JAX", ours, "PyTorch", theirs, sep="\n")
    print("largest difference", np.abs(ours - theirs).max())
