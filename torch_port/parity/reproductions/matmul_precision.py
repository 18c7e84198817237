"""JAX by default multiplies in TF32 or bfloat16 where the device can, PyTorch in float32.

A CPU does not, so this rounds to bfloat16 what is multiplied, as a TPU does.
"""

import jax.numpy as jnp
import numpy as np
import torch

normal = np.random.default_rng(0).standard_normal
x, w = normal((64, 512), np.float32), normal((512, 10), np.float32)
less = jnp.asarray(x, jnp.bfloat16), jnp.asarray(w, jnp.bfloat16)

if __name__ == "__main__":
    ours = np.asarray(jnp.matmul(*less, preferred_element_type=jnp.float32))
    theirs = (torch.from_numpy(x) @ torch.from_numpy(w)).numpy()
    exact = np.float64(x) @ np.float64(w)
    print("relative error: JAX", np.abs(ours - exact).max() / np.abs(exact).max())
    print("relative error: PyTorch", np.abs(theirs - exact).max() / np.abs(exact).max())
    print("largest difference", np.abs(ours - theirs).max())
