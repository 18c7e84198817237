"""The compiled programs of a group of members, whose floats are arguments of the programs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxnn.evaluation import measure_dataset
from jaxnn.nonfinite import is_finite
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
      epoch: `(train_state, floats, dataset, validation) -> (train_state, metrics, finite)`.
      size: how many members a piece has.
    """

    start: Callable[..., Any]
    epoch: Callable[..., Any]
    size: int


def arguments(members: list[Member], key: Key, device: jax.Device) -> tuple[Any, Any]:
    """The keys and the floats of a piece: of one member as they are, of several stacked.

    The floats are weakly typed, as Python's own are: they take the dtype of the parameters.
    """
    pairs = [
        (member.key(key), {name: jnp.asarray(value) for name, value in member.floats.items()})
        for member in members
    ]
    stacked = pairs[0] if len(pairs) == 1 else jax.tree.map(lambda *leaves: jnp.stack(leaves), *pairs)
    return jax.device_put(stacked, device)


def compile_programs(
    training: Training,
    members: list[Member],
    key: Key,
    data: tuple[Dataset, Dataset | None],
    device: jax.Device,
) -> Programs:
    """Compiles the programs for pieces of as many members as these, of one group."""
    member, several = members[0], len(members) > 1
    make = lambda floats: training.make(**floats, **dict(member.others))

    def start(key, floats):
        return init_train_state(*make(floats), key)

    def epoch(train_state, floats, dataset, validation):
        model, optimizer = make(floats)
        run = make_epoch(
            model,
            optimizer,
            training.loss,
            batch_size=member.batch_size,
            augment=training.augment,
            penalty=training.penalty,
        )
        train_state, measured = run(train_state, dataset)
        params, state = train_state[:2]
        finite = is_finite((measured["loss"], params, state))
        if validation is not None:
            held_out = measure_dataset(
                model, params, state, validation, loss=training.loss, batch_size=member.batch_size
            )
            measured |= {f"validation_{name}": average for name, average in held_out.items()}
        return train_state, measured, finite

    if several:
        start, epoch = jax.vmap(start), jax.vmap(epoch, in_axes=(0, 0, None, None))
    keys, floats = arguments(members, key, device)
    start = jax.jit(start).lower(keys, floats).compile()
    train_state = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding),
        jax.eval_shape(start, keys, floats),
    )
    return Programs(start, jax.jit(epoch, donate_argnums=0).lower(train_state, floats, *data).compile(), len(members))
