"""An epoch in pieces: some of its steps at a time, so that a training can stop between two of them.

How an epoch is cut changes no number: the compiled loop is the same for any steps.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jaxnn import metrics, parallel
from jaxnn.data.batches import permutation
from jaxnn.steps import Metrics, TrainState
from jaxnn.typing import Dataset

SECONDS = 1.0
"""About how long a piece takes, and so how long a training goes on after it was asked to stop."""

FIRST_STEPS = 64
"""The length of the first piece, which shows how long a step takes."""

Step: TypeAlias = Callable[[TrainState, Dataset], tuple[TrainState, Metrics]]

Pieces: TypeAlias = Callable[[TrainState, Dataset, int], Iterator[tuple[TrainState, Metrics]]]
"""`(train_state, dataset, first)`: takes the steps of an epoch from `first` to its end; after each
piece yields the training as it stands and the metrics of each of the piece's steps."""


def steps_of_epoch(dataset: Dataset, batch_size: int) -> int:
    """How many steps an epoch has, that on the ragged last batch included.

    Args:
      dataset: what is trained on.
      batch_size: examples a step.

    Example:
      >>> steps_of_epoch(Dataset(np.zeros((5, 2)), np.zeros(5)), batch_size=2)
      3
    """
    return -(-dataset.size // batch_size)


def take_steps(
    step: Step, batch_size: int, train_state: TrainState, dataset: Dataset, first: Any, last: Any
) -> tuple[TrainState, Metrics]:
    """Takes the steps of an epoch from `first` to before `last`; to be compiled by the caller.

    Args:
      step: takes one step.
      batch_size: examples a step.
      train_state: the training before step `first`, in the epoch that its `step` says.
      dataset: what to train on.
      first: int scalar, the first of the epoch's steps being 0; may be traced.
      last: int scalar, at most `steps_of_epoch`; may be traced.

    Returns:
      The training after the steps, and the metrics of each of the epoch's steps, those that were
      taken filled in.

    Example:
      >>> from jaxnn import losses, models, optim
      >>> from jaxnn.steps import init_train_state, make_train_step
      >>> model, optimizer = models.mlp((2, 2)), optim.sgd(0.1)
      >>> step = make_train_step(model, optimizer, losses.softmax_cross_entropy)
      >>> start = init_train_state(model, optimizer, jax.random.key(0))
      >>> dataset = Dataset(jnp.ones((5, 2)), jnp.zeros(5, jnp.int32))
      >>> train_state, measured = take_steps(step, 2, start, dataset, 1, 3)
      >>> int(train_state.step), measured["loss"].count.tolist()
      (2, [0, 2, 1])
    """
    full, ragged = divmod(dataset.size, batch_size)
    steps = steps_of_epoch(dataset, batch_size)
    order = permutation(train_state.key, train_state.step // steps, dataset.size)

    def take(i, carry, size=batch_size):
        train_state, measured = carry
        indices = jax.lax.dynamic_slice(order, (i * batch_size,), (size,))
        train_state, of_step = step(train_state, parallel.take(dataset, indices))
        fill = lambda steps, value: steps.at[i].set(value)
        return train_state, jax.tree.map(fill, measured, of_step)

    some = parallel.take(dataset, order[:batch_size])
    of_step = jax.eval_shape(step, train_state, some)[1]
    measured = jax.tree.map(lambda value: jnp.zeros((steps, *value.shape), value.dtype), of_step)
    carry = train_state, measured
    if full:
        carry = jax.lax.fori_loop(first, jnp.minimum(last, full), take, carry)
    if ragged:
        rest = partial(take, full, size=ragged)
        carry = jax.lax.cond(last > full, rest, lambda carry: carry, carry)
    train_state, measured = carry
    return parallel.keep(train_state, dataset), measured


def make_pieces(step: Step, *, batch_size: int, whole: bool, seconds: float = SECONDS) -> Pieces:
    """Makes the function that takes an epoch in pieces of about the same time each.

    Args:
      step: takes one step.
      batch_size: examples a step.
      whole: whether to take all steps as one piece.
      seconds: about how long a piece takes.

    Returns:
      The function; the buffers of the `train_state` given to it are used again.

    Example:
      >>> from jaxnn import losses, models, optim
      >>> from jaxnn.steps import init_train_state, make_train_step
      >>> model, optimizer = models.mlp((2, 2)), optim.sgd(0.1)
      >>> step = make_train_step(model, optimizer, losses.softmax_cross_entropy)
      >>> start = init_train_state(model, optimizer, jax.random.key(0))
      >>> dataset = Dataset(jnp.ones((5, 2)), jnp.zeros(5, jnp.int32))
      >>> [piece] = make_pieces(step, batch_size=2, whole=True)(start, dataset, 0)
      >>> piece[1]["loss"].count
      array([2, 2, 1], dtype=int32)
    """
    # Bounds that are known let XLA's GPU backend launch the loop without asking after each step.
    fixed = ("first", "last") if whole else ()
    step = jax.jit(step)  # so that it is traced once, though its metrics must be known before

    @partial(jax.jit, donate_argnums=0, static_argnames=fixed)
    def epoch(train_state, dataset, first, last):
        return take_steps(step, batch_size, train_state, dataset, first, last)

    length = FIRST_STEPS

    def pieces(train_state, dataset, first):
        nonlocal length
        steps = steps_of_epoch(dataset, batch_size)
        while first < steps:
            started = time.perf_counter()
            last = steps if whole else min(first + length, steps)
            train_state, measured = epoch(train_state, dataset, first, last)
            taken = slice(first, last)
            measured = jax.tree.map(lambda values, s=taken: np.asarray(values)[s], measured)
            elapsed = time.perf_counter() - started
            yield train_state, measured
            length = max(1, round((last - first) * seconds / elapsed))
            first = last

    return pieces


def take(
    pieces: Pieces,
    train_state: TrainState,
    dataset: Dataset,
    parts: list[Metrics],
    stop: Callable[[], str | None] | None,
) -> tuple[TrainState, Metrics, str | None]:
    """Takes the steps of an epoch that are left.

    Args:
      pieces: takes them, piece by piece.
      train_state: the training as it stands.
      dataset: what to train on.
      parts: the metrics of the steps that were taken before.
      stop: asked after each piece; what it returns, if anything, ends the epoch.

    Returns:
      The training, the metrics of each step, and why it was ended, or None.

    Example:
      >>> pieces = lambda train_state, dataset, first: iter([("after", one), ("later", one)])
      >>> one = {"loss": metrics.Average(np.float32([6]), np.int32([2]))}
      >>> take(pieces, "before", None, [], lambda: "asked to")[::2]
      ('after', 'asked to')
    """
    parts, reason = list(parts), None
    for after, part in pieces(train_state, dataset, sum(len(p["loss"].count) for p in parts)):
        train_state = after
        parts.append(part)
        if reason := stop and stop():
            break
    return train_state, joined(parts), reason


def joined(pieces: list[Metrics]) -> Metrics:
    """The metrics of each step, of one piece after the other.

    Args:
      pieces: at least one; each array with a first axis of steps.

    Returns:
      Metrics of the same names, each array with a first axis of all steps.

    Example:
      >>> one = {"loss": metrics.Average(np.float32([6, 2]), np.int32([2, 1]))}
      >>> joined([one, one])["loss"].count
      array([2, 1, 2, 1], dtype=int32)
    """
    return jax.tree.map(lambda *arrays: np.concatenate(arrays), *pieces)


def total(measured: Metrics, full: int) -> Metrics:
    """Adds up the metrics of an epoch's steps in the order in which one program for it does.

    Args:
      measured: each array with a first axis of steps.
      full: how many steps had full batches; one more had the ragged rest.

    Returns:
      The metrics over all examples; integers are added exactly, in 64 bits.

    Example:
      >>> measured = {"loss": metrics.Average(np.float32([6, 2]), np.int32([2, 1]))}
      >>> int(total(measured, 1)["loss"].count)
      3
    """
    exactly = lambda x: np.sum(x) if x.dtype.kind in "iu" else jnp.sum(x, dtype=x.dtype)
    return metrics.merge(*(jax.tree.map(exactly, part) for part in by_size(measured, full)))


def by_size(measured: Metrics, full: int) -> list[Metrics]:
    """The metrics of the full batches, and those of the ragged rest, where there are some.

    Args:
      measured: each array with a first axis of steps.
      full: how many steps had full batches.

    Returns:
      One or two parts of the metrics.

    Example:
      >>> measured = {"loss": metrics.Average(np.float32([6, 2]), np.int32([2, 1]))}
      >>> [part["loss"].count.tolist() for part in by_size(measured, 1)]
      [[2], [1]]
    """
    parts = [jax.tree.map(lambda x, s=s: x[s], measured) for s in np.s_[:full, full:]]
    return [part for part in parts if len(part["loss"].count)]
