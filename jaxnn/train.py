"""Training: an epoch of steps as one compiled program, and the loop that a person would write."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeAlias, get_args

import jax
from jax.sharding import Mesh

from jaxnn import checks, metrics, placement, streaming
from jaxnn.evaluation import evaluate as evaluate
from jaxnn.evaluation import predict as predict
from jaxnn.nonfinite import (
    REWINDS,
    OnNonFinite,
    explain,
    skip,
    went_well,
    what_was_done,
    with_other_draws,
)
from jaxnn.pieces import by_size, steps_of_epoch, take, take_steps, total
from jaxnn.steps import Augment, Metrics, Penalty, TrainState, init_train_state, make_train_step
from jaxnn.typing import Dataset, GradientTransformation, Key, Layer, Loss


class Progress(NamedTuple):
    """What a callback is shown after each epoch.

    Attributes:
      epoch: epochs done, the first being 1.
      epochs: epochs asked for.
      train_state: the training as it stands; its buffers are used again after the callback.
      history: one dictionary an epoch, the newest last.
    """

    epoch: int
    epochs: int
    train_state: TrainState
    history: list[dict[str, Any]]


class FitResult(NamedTuple):
    """What `fit` leaves.

    Attributes:
      train_state: the training after the last epoch.
      history: one dictionary an epoch: `epoch`, `loss`, `accuracy`, `seconds`, and with validation
        data `validation_loss`, `validation_accuracy`; with data on disk `waiting`, the share of
        the training's time in which the device waited for them.
      stopped: why a callback or `stop` ended the training early, or None.
      measured: of an epoch that `stop` ended early, the metrics of each step that was taken, or
        None; `fit(resume=)` goes on from there.
    """

    train_state: TrainState
    history: list[dict[str, Any]]
    stopped: str | None
    measured: Metrics | None = None


class Resumable(Protocol):
    """Where a training stands: a `FitResult`, or a `checkpoint.Checkpoint` of one."""

    @property
    def train_state(self) -> TrainState: ...
    @property
    def history(self) -> list[dict[str, Any]]: ...
    @property
    def measured(self) -> Metrics | None: ...


Callback: TypeAlias = Callable[[Progress], str | None]
"""Called after each epoch; what it returns, if anything, ends the training and says why."""


def make_epoch(
    model: Layer,
    optimizer: GradientTransformation,
    loss: Loss,
    *,
    batch_size: int,
    augment: Augment | None = None,
    penalty: Penalty | None = None,
) -> Callable[[TrainState, Dataset], tuple[TrainState, Metrics]]:
    """Makes the function that trains for one epoch, compiled as one program.

    The program shuffles, scans over the full batches and takes a last step on the ragged rest. The
    epoch's number, and so its order, follows from `train_state.step`.

    Args:
      model: a layer.
      optimizer: a gradient transformation.
      loss: `(outputs, labels) -> (batch,)`.
      batch_size: examples a step.
      augment: as in `make_train_step`.
      penalty: as in `make_train_step`.

    Returns:
      `epoch(train_state, dataset) -> (train_state, metrics)`, compiled; the buffers of the
      `train_state` given to it are used again. The metrics are over all examples.

    Raises:
      ValueError: on a batch size below 1.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import losses, models, optim
      >>> model, optimizer = models.mlp((2, 2)), optim.sgd(0.1)
      >>> epoch = make_epoch(model, optimizer, losses.softmax_cross_entropy, batch_size=2)
      >>> start = init_train_state(model, optimizer, jax.random.key(0))
      >>> train_state, metrics = epoch(start, Dataset(jnp.ones((5, 2)), jnp.zeros(5, jnp.int32)))
      >>> int(train_state.step), int(metrics["loss"].count)
      (3, 5)
    """
    checks.require_positive_integer(batch_size, "make_epoch: batch_size")
    step = make_train_step(model, optimizer, loss, augment=augment, penalty=penalty)

    def epoch(train_state, dataset):
        full, steps = dataset.size // batch_size, steps_of_epoch(dataset, batch_size)
        train_state, measured = take_steps(step, batch_size, train_state, dataset, 0, steps)
        return train_state, metrics.merge(*map(metrics.total, by_size(measured, full)))

    return jax.jit(epoch, donate_argnums=0)


def fit(
    model: Layer,
    optimizer: GradientTransformation,
    dataset: Dataset,
    *,
    loss: Loss,
    epochs: int,
    batch_size: int,
    key: Key,
    validation: Dataset | None = None,
    callbacks: Sequence[Callback] = (),
    augment: Augment | None = None,
    penalty: Penalty | None = None,
    mesh: Mesh | None = None,
    resume: Resumable | None = None,
    stop: Callable[[], str | None] | None = None,
    on_nonfinite: OnNonFinite = "stop",
) -> FitResult:
    """Trains a model: the loop that a person would write.

    Args:
      model: a layer.
      optimizer: a gradient transformation.
      dataset: what to train on; all of it, in an order drawn anew each epoch. Images on disk
        are streamed, see `jaxnn.streaming`.
      loss: `(outputs, labels) -> (batch,)`.
      epochs: passes over the data.
      batch_size: examples a step.
      key: a random key: initial parameters, order, masks all follow from it.
      validation: what to measure on after each epoch.
      callbacks: called after each epoch; see `jaxnn.callbacks`.
      augment: `(key, images) -> images`, applied to each batch.
      penalty: `params -> scalar`, added to the loss that is minimised.
      mesh: devices to train on together, `jax.make_mesh((n,), ("data",))`; see `jaxnn.parallel`.
      resume: where to go on: what an earlier `fit` of the same arguments has returned, or a
        checkpoint of it. Its key is the training's; the numbers are those of a training that was
        never interrupted, bit for bit.
      stop: asked about once a second, between two steps: what it returns, if anything, ends the
        training and says why.
      on_nonfinite: what to do about a loss or a parameter that is not finite: "stop"; "skip" the
        step, and say in the history how many were `skipped`; or "rewind", up to three times, to
        before the epoch, and take it with other draws, of which the history says the `rewinds`.

    Returns:
      A `FitResult`.

    Raises:
      ValueError: on numbers below 1, or data or a training to go on with that do not fit, before
        anything is computed.
      TypeError: on a callback or a `stop` that is no function.
      FloatingPointError: when a loss or a parameter stops being finite, naming epoch, step, the
        first layer and the norm of the gradient; also if all steps of an epoch would be skipped, or
        rewinding does not help.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import losses, models, optim
      >>> data = Dataset(jnp.eye(4), jnp.arange(4))
      >>> result = fit(models.mlp((4, 4)), optim.adam(0.1), data, batch_size=2, epochs=50,
      ...              loss=losses.softmax_cross_entropy, key=jax.random.key(0))
      >>> result.history[-1]["accuracy"]
      1.0
    """
    checks.require_positive_integer(epochs, "fit: epochs")
    checks.require_positive_integer(batch_size, "fit: batch_size")
    checks.require_dataset("fit: dataset", dataset)
    if validation is not None:
        checks.require_dataset("fit: validation", validation)
    if stop and mesh and mesh.is_multi_process:
        raise ValueError("fit: stop must be None where processes train together: each asks alone")
    for callback in callbacks:
        checks.require_function(callback, "fit: each of callbacks")
    if stop is not None:
        checks.require_function(stop, "fit: stop")
    checks.require_one_of(get_args(OnNonFinite), on_nonfinite, "fit: on_nonfinite")
    steps = steps_of_epoch(dataset, batch_size)
    make_step = partial(make_train_step, model, loss=loss, augment=augment, penalty=penalty)
    step = skip(make_step(optimizer)) if on_nonfinite == "skip" else make_step(optimizer)
    pieces = streaming.pieces_of(step, dataset, batch_size, mesh=mesh, whole=stop is None)
    train_state, history, parts = _begin(model, optimizer, key, resume, steps)
    train_state, dataset, validation = placement.place(train_state, dataset, validation, mesh)
    for number in range(len(history) + 1, epochs + 1):
        started = time.perf_counter()
        begun = placement.copy(train_state)  # the epoch uses the buffers again
        rewinds = 0
        while True:
            train_state, steps_measured, reason = take(pieces, train_state, dataset, parts, stop)
            measured, parts = total(steps_measured, dataset.size // batch_size), []
            if went_well(train_state, measured, steps):
                break
            if on_nonfinite != "rewind" or rewinds == REWINDS:
                raise explain(
                    model, make_step, optimizer, augment, with_other_draws(begun, rewinds),
                    dataset, batch_size,
                )  # fmt: skip
            rewinds += 1
            train_state = placement.copy(with_other_draws(begun, rewinds))
        if reason and on_nonfinite == "rewind":  # an epoch is taken whole, or not at all
            return FitResult(begun, history, reason)
        if reason:
            return FitResult(train_state, history, reason, steps_measured)
        amends = what_was_done(on_nonfinite, measured, rewinds)
        row: dict[str, Any] = {"epoch": number, **metrics.values(measured), **amends}
        if validation is not None:
            held_out = evaluate(
                model, *train_state[:2], validation, loss=loss, batch_size=batch_size
            )
            row |= {f"validation_{name}": value for name, value in held_out.items()}
        row["seconds"] = time.perf_counter() - started
        history.append(row)
        progress = Progress(number, epochs, train_state, history)
        reasons = [reason for callback in callbacks if (reason := callback(progress))]
        if reasons:
            return FitResult(train_state, history, reasons[0])
    return FitResult(train_state, history, None)


def _begin(
    model: Layer, optimizer: GradientTransformation, key: Key, resume: Resumable | None, steps: int
) -> tuple[TrainState, list[dict[str, Any]], list[Metrics]]:
    """A training's first state, or where it stands: state, history, what an epoch has measured."""
    start = placement.compiled(init_train_state, model, optimizer)
    if resume is None:
        return start(key), [], []
    train_state, history, measured = resume.train_state, resume.history, resume.measured
    checks.require_like("fit: resume", train_state, jax.eval_shape(start, key))
    into_epoch = 0 if measured is None else len(measured["loss"].count)
    if into_epoch > steps or int(train_state.step) != len(history) * steps + into_epoch:
        raise ValueError(
            f"fit: resume must stand at step {len(history)} × {steps} + {into_epoch}, after "
            f"{len(history)} epochs of {steps} steps each and {into_epoch} steps of the next, "
            f"got {int(train_state.step)}: batch size or data differ"
        )
    return placement.copy(train_state), list(history), [] if measured is None else [measured]
