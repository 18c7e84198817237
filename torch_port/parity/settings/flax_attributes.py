"""Where the modules of a Flax program are: linen's by interception, nnx's by its module graph."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

from torch_port.parity.sides.flax_side import mode_arguments


def flax_modules(program: Any, inputs: list[np.ndarray]) -> dict[str, Any]:
    """All modules within a linen or nnx module, by path.

    Args:
      program: of either kind.
      inputs: with which a linen module is followed, without computing.
    """
    if isinstance(program, nnx.Module):
        return {"/".join(map(str, path)): child for path, child in nnx.iter_modules(program)}
    found: dict[str, Any] = {}

    def intercept(call, args, kwargs, context):
        found.setdefault("/".join(context.module.path), context.module)
        return call(*args, **kwargs)

    def follow():
        keys = {"params": jax.random.key(0), "dropout": jax.random.key(0)}
        modes = mode_arguments(program.__call__, False)
        return program.init(keys, *map(jnp.asarray, inputs), **modes)

    with linen.intercept_methods(intercept), jax.enable_x64(False):
        try:
            jax.eval_shape(follow)
        except jax.errors.ConcretizationTypeError:  # the program branches on values
            follow()
    return found
