"""The start of a training: its first state, made and put with the data where they are needed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from jaxnn import parallel, streaming
from jaxnn.steps import TrainState
from jaxnn.typing import Dataset, Key

QUICKLY = {"xla_backend_optimization_level": 1}
"""Compiler options for programs that draw initial values: Threefry in full optimisation is what
compiles longest of a training, and the values are the same."""


def compiled(initialize: Callable[..., TrainState], *parts: Any) -> Callable[[Key], TrainState]:
    """`key -> initialize(*parts, key)` as one program, quickly compiled."""
    return jax.jit(partial(initialize, *parts), compiler_options=QUICKLY)


def place(
    train_state: TrainState, dataset: Dataset, validation: Dataset | None, mesh: Mesh | None
) -> tuple[TrainState, Dataset, Dataset | None]:
    """Puts all of a training on the devices of a mesh, or on one; what is stored stays there."""
    if mesh is None:
        held_out = validation and streaming.to_device(validation)
        return train_state, streaming.to_device(dataset), held_out
    held_out = validation and parallel.shard(validation, mesh)
    return parallel.replicate(train_state, mesh), parallel.shard(dataset, mesh), held_out


@jax.jit
def copy(tree: Any) -> Any:
    """A copy of arrays whose buffers will be used again."""
    return jax.tree.map(jnp.copy, tree)
