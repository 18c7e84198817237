"""The compiled programs of a group of members, whose floats are arguments of the programs."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnn.evaluation import measure_dataset
from jaxnn.nonfinite import is_finite
from jaxnn.placement import QUICKLY
from jaxnn.steps import Augment, Penalty, init_train_state
from jaxnn.sweep.grid import Make, Member
from jaxnn.train import make_epoch
from jaxnn.typing import Dataset, Key, Loss


class Training(NamedTuple):
    """What all members of a sweep share.

    Attributes:
      make: `(**hyperparameters) -> (model, optimizer)`.
      loss: `(outputs, labels) -> (batch,)`.
      augment: as in `train.fit`.
      penalty: as in `train.fit`.
    """

    make: Make
    loss: Loss
    augment: Augment | None
    penalty: Penalty | None


class Programs(NamedTuple):
    """The training of a piece of a group: of one member, or of several by `vmap`.

    Attributes:
      start: `(keys, floats) -> train_state`.
      epoch: `(train_state, floats, dataset, validation) -> (train_state, metrics, finite)`; the
        buffers of the `train_state` are used again.
    """

    start: Callable[..., Any]
    epoch: Callable[..., Any]


def piece_arguments(members: Sequence[Member], key: Key, device: Any) -> tuple[Any, Any]:
    """The keys and the floats of a piece: of one member as they are, of several stacked.

    The floats are weakly typed, as Python's own are: they take the dtype of the parameters.
    """
    pairs = [
        (member.key(key), {name: jnp.asarray(value) for name, value in member.floats.items()})
        for member in members
    ]
    stack = lambda *leaves: jnp.stack(leaves)
    return jax.device_put(pairs[0] if len(pairs) == 1 else jax.tree.map(stack, *pairs), device)


def compile_programs(
    training: Training,
    members: Sequence[Member],
    key: Key,
    data: tuple[Dataset, Dataset | None],
    device: Any,
) -> Programs:
    """Compiles the programs for pieces of as many members of one group as these.

    They are compiled ahead, with the settings of the thread that asks, since JAX's settings (such
    as `jax.enable_x64`) are those of a thread.
    """
    member, several = members[0], len(members) > 1
    start, epoch = _programs(training, member.others, member.batch_size, several)
    keys, floats = piece_arguments(members, key, device)
    where = jax.sharding.SingleDeviceSharding(device)
    train_state = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, weak_type=leaf.weak_type, sharding=where
        ),
        jax.eval_shape(start, keys, floats),
    )
    return Programs(
        start.lower(keys, floats).compile(),
        epoch.lower(train_state, floats, *data).compile(),
    )


@lru_cache(maxsize=64)  # a second sweep with the same `make` compiles nothing
def _programs(training, others, batch_size, several):
    make, loss, augment, penalty = training

    def start(key, floats):
        return init_train_state(*make(**floats, **dict(others)), key=key)

    def epoch(train_state, floats, dataset, validation):
        model, optimizer = make(**floats, **dict(others))
        train_epoch = make_epoch(
            model, optimizer, loss, batch_size=batch_size, augment=augment, penalty=penalty
        )
        train_state, measured = train_epoch(train_state, dataset)
        params, state = train_state[:2]
        finite = is_finite((measured["loss"], params, state))
        if validation is not None:
            held_out = measure_dataset(
                model, params, state, validation, loss=loss, batch_size=batch_size
            )
            measured |= {f"validation_{name}": average for name, average in held_out.items()}
        return train_state, measured, finite

    if several:
        start, epoch = jax.vmap(start), jax.vmap(epoch, in_axes=(0, 0, None, None))
    return jax.jit(start, compiler_options=QUICKLY), jax.jit(epoch, donate_argnums=0)


def largest_piece(compile_piece: Callable[[int], Programs], count: int, free: float) -> int:
    """How many of `count` members fit into `free` bytes at once, as the compiler says.

    The members are spread evenly over as few pieces as there can be.
    """
    size = count
    while size > 1 and program_bytes(compile_piece(size).epoch) > free:
        size = -(-size // 2)
    return math.ceil(count / math.ceil(count / size))


def program_bytes(program: Any) -> int:
    """What a program needs beside its code: arguments, results and what lies between."""
    memory = program.memory_analysis()
    needed = memory.argument_size_in_bytes + memory.output_size_in_bytes
    return needed + memory.temp_size_in_bytes - memory.alias_size_in_bytes


def free_bytes(device: Any) -> float:
    """How much of a device's memory is free; infinite where it does not say."""
    memory = device.memory_stats() or {}
    if "bytes_limit" not in memory:
        return math.inf
    return memory["bytes_limit"] - memory["bytes_in_use"]
