"""Functions that several ports use."""

import jax


def exact_gelu(x):
    return jax.nn.gelu(x, approximate=False)


def identity(x):
    return x
