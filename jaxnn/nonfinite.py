"""Numbers that are not finite: noticed after an epoch, then traced to their step and layer.

What `train.fit(on_nonfinite=)` does then: "stop" raises an error; "skip" leaves out each step whose
loss or update is not finite; "rewind" goes back to before the epoch and takes it again in another
order and with other draws, as large language models are taken past spikes of their loss
(Chowdhery et al., PaLM, 2022, section 5.1).
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from jaxnn.checks import by_path
from jaxnn.data.batches import batches, permutation
from jaxnn.layers import intermediates
from jaxnn.metrics import Average
from jaxnn.optim import global_norm
from jaxnn.pieces import Step, steps_of_epoch
from jaxnn.steps import Augment, Metrics, TrainState, draw
from jaxnn.typing import Dataset, GradientTransformation, Layer

OnNonFinite: TypeAlias = Literal["stop", "skip", "rewind"]

REWINDS = 3
"""How often an epoch is taken again."""


@jax.jit
def is_finite(tree: Any) -> jax.Array:
    """Whether every number of every floating array is finite.

    Args:
      tree: a pytree of arrays.

    Returns:
      A boolean scalar.

    Example:
      >>> is_finite({"kernel": jnp.ones(3), "bias": jnp.array([0.0, jnp.inf])})
      Array(False, dtype=bool)
    """
    floating = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)]
    return jnp.all(jnp.array([jnp.all(jnp.isfinite(x)) for x in floating]))


class NonFiniteError(FloatingPointError):
    """A training came upon a number that is not finite; the message says where.

    Attributes:
      step: the step in which it did, the first being 1; None if only the sum of the losses is not.
    """

    def __init__(self, message: str, step: int | None):
        super().__init__(message)
        self.step = step


def explain(
    model: Layer,
    make_step: Callable[[GradientTransformation], Step],
    optimizer: GradientTransformation,
    augment: Augment | None,
    train_state: TrainState,
    dataset: Dataset,
    batch_size: int,
) -> NonFiniteError:
    """Takes the steps of an epoch again, one by one, until a number is not finite.

    Args:
      model: the model that is trained.
      make_step: makes the function that takes one step of its training, with an optimiser.
      optimizer: that of the training.
      augment: the augmentation in a step.
      train_state: the training before the epoch, or at a later step of it.
      dataset: what it is trained on.
      batch_size: examples a step.

    Returns:
      The error to raise: epoch, step, both counted from 1, the first layer whose output is not
      finite, the norm of the gradient and of the one before, and the first parameter of whose
      gradient a number is not finite.

    Example:
      >>> from functools import partial
      >>> from jaxnn import layers, losses, optim
      >>> from jaxnn.steps import init_train_state, make_train_step
      >>> model, optimizer = layers.activation(jnp.log), optim.sgd(0.1)
      >>> make_step = partial(make_train_step, model, loss=losses.softmax_cross_entropy)
      >>> start = init_train_state(model, optimizer, jax.random.key(0))
      >>> dataset = Dataset(-jnp.ones((1, 2)), jnp.array([0]))
      >>> explain(model, make_step, optimizer, None, start, dataset, 1)
      NonFiniteError('epoch 1, step 1: loss is nan; the first layer whose ... is log; ...')
    """
    epoch, first = divmod(int(train_state.step), steps_of_epoch(dataset, batch_size))
    order = permutation(train_state.key, epoch, dataset.size)[first * batch_size :]
    step, observe = jax.jit(make_step(optimizer)), jax.jit(make_step(GRADIENTS))
    norm_before = None
    for batch in batches(dataset, order, batch_size):
        after, measured = step(train_state, batch)
        grads = observe(train_state._replace(opt_state=train_state.params), batch)[0].opt_state
        norm = float(global_norm(grads))
        if not is_finite((measured["loss"], after.params, after.state)):
            said = [
                f"epoch {epoch + 1}, step {int(after.step)}: loss is {measured['loss'].value:.4g}",
                _first_layer(model, train_state, *draw(train_state, batch, augment)),
                _gradient(grads, norm, norm_before),
            ]
            return NonFiniteError("; ".join(said), int(after.step))
        train_state, norm_before = after, norm
    return NonFiniteError(f"epoch {epoch + 1}: the sum of its losses is not finite", None)


GRADIENTS = GradientTransformation(
    lambda params: params,
    lambda grads, state, params=None: (jax.tree.map(jnp.zeros_like, grads), grads),
)
"""An optimiser that changes nothing, and whose state is the gradient: it shows what a step saw."""


def _first_layer(model, train_state, batch, key):
    """Where the forward pass of the step stops being finite."""
    params, state = train_state[:2]
    outputs = intermediates(model, params, state, batch.images, key=key, train=True)
    for path, output in outputs.items():
        if not is_finite(output):
            return f"the first layer whose output is not finite is {path}"
    return "the outputs of all layers are finite"


def _gradient(grads, norm, norm_before):
    """How large the gradient was, and where it is not finite."""
    before = "" if norm_before is None else f", {norm_before:.4g} in the step before"
    bad = [path for path, grad in by_path(grads).items() if not is_finite(grad)]
    where = f"; the first gradient that is not finite is params{bad[0]}" if bad else ""
    return f"the norm of its gradient is {norm:.4g}{before}{where}"


def went_well(train_state: TrainState, measured: Metrics, steps: int) -> bool:
    """Whether an epoch's loss and what it left are finite, and not all of its steps were skipped.

    Args:
      train_state: the training after the epoch.
      measured: the metrics over its examples.
      steps: how many steps it has.

    Returns:
      Whether.

    Example:
      >>> measured = {"loss": Average(jnp.array(jnp.nan), jnp.array(1))}
      >>> went_well(TrainState({}, {}, {}, None, jnp.array(1)), measured, steps=1)
      False
    """
    finite = is_finite((measured["loss"], train_state.params, train_state.state))
    return bool(finite) and ("skipped" not in measured or int(measured["skipped"].sum) < steps)


def what_was_done(on_nonfinite: OnNonFinite, measured: Metrics, rewinds: int) -> dict[str, int]:
    """What the history says of an epoch beside its metrics: how often amends were made.

    Args:
      on_nonfinite: as in `train.fit`.
      measured: the metrics, from which `skipped` is taken.
      rewinds: how often the epoch was taken again.

    Returns:
      `skipped` or `rewinds`, or nothing.

    Example:
      >>> what_was_done("rewind", {}, 2)
      {'rewinds': 2}
    """
    if on_nonfinite == "skip":
        return {"skipped": int(measured.pop("skipped").sum)}
    return {"rewinds": rewinds} if on_nonfinite == "rewind" else {}


def with_other_draws(begun: TrainState, rewinds: int) -> TrainState:
    """The start of an epoch that is taken again: its order and masks follow from another key.

    Args:
      begun: the training before the epoch.
      rewinds: how often the epoch was taken before; if never, nothing changes.

    Returns:
      A training.

    Example:
      >>> begun = TrainState({}, {}, {}, jax.random.key(0), jnp.array(7))
      >>> bool(with_other_draws(begun, 1).key == begun.key)
      False
    """
    if rewinds == 0:
        return begun
    return begun._replace(key=jax.random.fold_in(begun.key, 2**32 - rewinds))


def skip(step: Step) -> Step:
    """Makes of a step one that changes nothing but its count where a number is not finite.

    Args:
      step: takes one step.

    Returns:
      `step(train_state, batch) -> (train_state, metrics)`; a step that is skipped counts as no
      example in the metrics, beside which stands `skipped`, an `Average` of 0 or 1 over the step.

    Example:
      >>> from jaxnn import losses, models, optim
      >>> from jaxnn.steps import init_train_state, make_train_step
      >>> model, optimizer = models.mlp((2, 2)), optim.sgd(0.1)
      >>> step = skip(make_train_step(model, optimizer, losses.softmax_cross_entropy))
      >>> start = init_train_state(model, optimizer, jax.random.key(0))
      >>> bad = Dataset(jnp.full((1, 2), jnp.nan), jnp.array([0]))
      >>> after, measured = step(start, bad)
      >>> int(measured["skipped"].sum), int(measured["loss"].count), int(after.step)
      (1, 0, 1)
    """

    def guarded(train_state, batch):
        after, measured = step(train_state, batch)
        finite = is_finite((measured["loss"], after.params, after.state, after.opt_state))
        choose = lambda new, old: jax.tree.map(lambda x, y: jnp.where(finite, x, y), new, old)
        kept = choose(after[:3], train_state[:3])
        measured = choose(measured, jax.tree.map(jnp.zeros_like, measured))
        skipped = Average(1 - finite.astype(jnp.int32), jnp.ones((), jnp.int32))
        params, state, opt_state = kept
        train_state = TrainState(params, state, opt_state, after.key, after.step)
        return train_state, {**measured, "skipped": skipped}

    return guarded
