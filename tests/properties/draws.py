"""What the properties draw, and how often: shapes from small sets, since JAX compiles for each."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

few = settings(max_examples=4, derandomize=True, deadline=None)
"""The same examples on every machine: where compiled programs or arrays are large."""

some = settings(max_examples=10, derandomize=True, deadline=None)
"""The same, where an example costs little."""

each_dtype = pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float32, jnp.float64])

keys = st.builds(jax.random.key, st.integers(0, 2**32 - 1))


def reals(*shape: int, low: float = -1e4, high: float = 1e4) -> st.SearchStrategy[np.ndarray]:
    """Arrays of finite float32 values, held in float64; zeros, ties, both ends are among them.

    None is subnormal: XLA takes those for 0.
    """
    ends = [low, high, 0.0] if low <= 0 <= high else [low, high]
    inside = st.floats(
        np.float32(low).item(), np.float32(high).item(), width=32, allow_subnormal=False
    )
    return arrays(np.float64, shape, elements=st.sampled_from(ends) | inside, fill=st.nothing())


def probabilities(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Rows that sum to 1, exact zeros and ones among them."""
    weights = arrays(np.int64, shape, elements=st.integers(0, 3), fill=st.nothing())
    return weights.map(_as_rows)


def classes(batch: int, count: int) -> st.SearchStrategy[np.ndarray]:
    """Integer labels of a number of classes."""
    return arrays(np.int32, batch, elements=st.integers(0, count - 1), fill=st.nothing())


def _as_rows(weights):
    weights = weights.astype(np.float64)
    weights[..., 0] += weights.sum(-1) == 0
    return weights / weights.sum(-1, keepdims=True)
