"""The Python loop over a jitted step that users of JAX's libraries write, one for all of them."""

import jax.numpy as jnp
import numpy as np

from benchmarks.contenders.mnist import batches, training


def epochs(step, state, batch_size, examples):
    """A function that takes an epoch of steps, on batches gathered by NumPy.

    Args:
      step: `(state, total, images, labels) -> (state, total)`; the total is of all losses so far.
      state: what the first step is given.
      batch_size: images a step.
      examples: images an epoch.
    """
    images, labels = training(examples)
    rng = np.random.default_rng(0)

    def run():
        nonlocal state
        total, parts = jnp.zeros(()), batches(rng.permutation(examples), batch_size)
        for batch in parts:
            state, total = step(state, total, images[batch], labels[batch])
        return {"loss": float(total) / examples, "examples": sum(map(len, parts))}

    return run
