"""From options to a model, an optimiser, a loss: what a training runs and a run folder repeats."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

from jaxnn import activations, checks, initializers, losses, models, optim, penalties
from jaxnn.cli import UsageError
from jaxnn.cli.options import ModelOptions, OptimizerOptions, TrainOptions
from jaxnn.data import shift_images
from jaxnn.typing import GradientTransformation, Layer, Loss, Schedule


def make_model(options: ModelOptions, image_shape: Sequence[int], classes: int) -> Layer:
    """The network of the options, from raw images to logits."""
    for size in options.hidden:
        checks.require_positive_integer(size, "--hidden")
    checks.require_in("[0, 1)", options.dropout, "--dropout")
    return models.image_classifier(
        image_shape,
        options.hidden,
        classes,
        activation=getattr(activations, options.activation),
        batch_norm=options.batch_norm,
        dropout=options.dropout,
        kernel_init=getattr(initializers, options.initializer),
    )


def make_schedule(options: OptimizerOptions, steps: int, warmup_steps: int) -> Schedule:
    """The learning rate of each of the training's steps."""
    checks.require_in("(0, inf)", options.learning_rate, "--learning-rate")
    peak = options.learning_rate
    if options.schedule == "linear":
        return optim.linear_schedule(peak, 0.0, steps)
    if options.schedule == "exponential":
        return optim.exponential_decay(peak, steps, decay_rate=0.01)
    if options.schedule == "cosine":
        return optim.cosine_decay_schedule(peak, steps)
    if options.schedule == "warmup_cosine":
        if not 0 <= warmup_steps < steps:
            raise UsageError(
                f"--warmup-epochs must leave epochs to train after it, got {options.warmup_epochs}"
            )
        return optim.warmup_cosine_decay_schedule(0.0, peak, warmup_steps, steps)
    return optim.constant_schedule(peak)


def make_optimizer(options: OptimizerOptions, schedule: Schedule) -> GradientTransformation:
    """The optimiser of the options; a setting that it does not have is an error."""
    alias = getattr(optim, options.optimizer)
    settings = {
        name: value
        for name in ("momentum", "nesterov", "decay", "b1", "b2", "eps", "weight_decay")
        if (value := getattr(options, name)) is not None
    }
    for name, value in settings.items():
        interval = "[0, inf)" if name in ("eps", "weight_decay") else "[0, 1)"
        if name != "nesterov":
            checks.require_in(interval, value, f"--{name.replace('_', '-')}")
    parts = []
    if options.clip_norm is not None:
        checks.require_in("(0, inf)", options.clip_norm, "--clip-norm")
        parts.append(optim.clip_by_global_norm(options.clip_norm))
    if options.optimizer == "adamw":
        settings["mask"] = penalties.mask_by_name
    elif "weight_decay" in settings:
        decay = settings.pop("weight_decay")
        parts.append(optim.add_decayed_weights(decay, penalties.mask_by_name))
    accepted = inspect.signature(alias).parameters
    for name in settings:
        if name not in accepted:
            raise UsageError(f"--{name} is not a setting of {options.optimizer}")
    return optim.chain(*parts, alias(schedule, **settings))


def make_loss(options: TrainOptions) -> Loss:
    """Cross-entropy on logits, smoothed if so asked."""
    checks.require_in("[0, 1]", options.label_smoothing, "--label-smoothing")
    return partial(losses.softmax_cross_entropy, label_smoothing=options.label_smoothing)


def make_fit_options(options: TrainOptions) -> dict[str, Any]:
    """The augmentation and the penalty of the options, as `train.fit` takes them."""
    checks.require_in("[0, inf)", options.l1, "--l1")
    checks.require_in("[0, inf)", options.l2, "--l2")
    checks.require_in("[0, inf)", options.max_shift, "--max-shift")
    fit_options = {}
    if options.l1 or options.l2:
        fit_options["penalty"] = lambda params: (
            options.l1 * losses.l1(params) + options.l2 * losses.l2(params)
        )
    if options.max_shift:
        fit_options["augment"] = partial(shift_images, max_shift=options.max_shift)
    return fit_options
