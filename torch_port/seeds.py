"""Seeds made of seeds: what `jax.random.fold_in` is to keys."""

import numpy as np

from torch_port.checks import require_seed


def fold_in(seed: int, number: int) -> int:
    """A new seed from a seed and a number, unlike that of any other pair, as far as 32 bits go.

    PyTorch's generator on the CPU looks at the lower 32 bits of a seed only, so that
    `seed * 2**32 + number` would be no seed of both.

    Args:
      seed: at least 0.
      number: at least 0, such as that of an epoch or a step.

    Raises:
      ValueError: on a negative number, or one that is not whole.

    Source:
      NumPy's `SeedSequence`, after M. E. O'Neill, "Developing a seed_seq alternative", 2015.

    Example:
      >>> fold_in(0, 1) == fold_in(0, 1), fold_in(0, 1) == fold_in(1, 0)
      (True, False)
    """
    require_seed(seed, "fold_in: seed")
    require_seed(number, "fold_in: number")
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
