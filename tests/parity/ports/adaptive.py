"""RMSProp, Adam and their kin, by Optax and by hand."""

import functools

import jax.numpy as jnp
import optax

from tests.parity.optimizer_makers import (
    adam_by_hand,
    falling,
    kernels,
    made,
    scheduled,
    summed,
    without_decay_of_biases,
)
from tests.parity.ports.optimizer_port import (
    FIRST,
    HYPERPARAMETER,
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    RMSprop,
    at,
    by_tensor,
    pair,
)
from tests.parity.ports.port import Pair, Port, constants, wrong


def rmsprop_in_optax(
    *, seed=0, scale=1.0, rate=0.01, decay=0.99, eps=1e-8, eps_in_sqrt=False, initial_scale=0.0,
    centered=False, momentum=None, sign=1.0,
) -> Pair:  # fmt: skip
    ours = optax.rmsprop(
        rate, decay, eps, initial_scale, eps_in_sqrt=eps_in_sqrt, centered=centered,
        momentum=momentum,
    )  # fmt: skip
    return pair(optax.chain(ours, optax.scale(sign)), made(RMSprop, lr=0.01), seed, scale)


RMSPROP = Port(
    rmsprop_in_optax,
    (
        *at(1, *constants(HYPERPARAMETER, FIRST, "decay", 0.9, 0.999, 0.95)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "eps", 1e-6, 1e-3, 1e-10)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.001, 0.012)),
        *at(2, *wrong(HYPERPARAMETER, FIRST, "momentum", 0.9, constant=0.9)),
        *at(1, *wrong("epsilon-inside-root", FIRST, "eps_in_sqrt", True)),
        *at(1, *wrong("accumulator-initial-value", FIRST, "initial_scale", 1.0, 0.1)),
        *at(1, *wrong("rmsprop-centered", FIRST, "centered", True)),
        *at(1, *wrong("update-sign", FIRST, "sign", -1.0)),
    ),
    of_optimizers=True,
)


def rmsprop_with_momentum_and_schedule(*, seed=0, scale=1.0, inside=False, offset=0) -> Pair:
    root = optax.scale_by_rms(0.99, 1e-8, eps_in_sqrt=False)
    rate = optax.scale_by_schedule(lambda count: -0.01 * 0.8 ** (count + offset))
    links = [optax.trace(0.9), rate]
    ours = optax.chain(root, *(reversed(links) if inside else links))
    factory = scheduled(RMSprop, falling(0.8), lr=0.01, momentum=0.9)
    return pair(ours, factory, seed, scale)


RMSPROP_SCHEDULE = Port(
    rmsprop_with_momentum_and_schedule,
    (
        *at(2, *wrong("momentum-learning-rate", FIRST, "inside", True)),
        *at(1, *wrong("schedule-offset", FIRST, "offset", 1)),
    ),
    of_optimizers=True,
)


def adam_in_optax(
    *, seed=0, scale=1.0, rate=0.01, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, sums=False
) -> Pair:
    ours = optax.adam(rate, b1, b2, eps, eps_root)
    ours = optax.chain(summed(), ours) if sums else ours
    return pair(ours, made(Adam, lr=0.01), seed, scale)


ADAM = Port(
    adam_in_optax,
    (
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 3e-4, 1e-3, 0.02)),
        *at(2, *constants(HYPERPARAMETER, FIRST, "b1", 0.5, 0.95)),
        *at(2, *constants(HYPERPARAMETER, FIRST, "b2", 0.99, 0.95, 0.9999)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "eps", 1e-7, 1e-5, 1e-3, 1e-10)),
        *at(1, *wrong("epsilon-inside-root", FIRST, "eps_root", 1e-8, 1e-10)),
        *at(2, *wrong("gradient-not-cleared", FIRST, "sums", True)),
    ),
    of_optimizers=True,
)


def adam_written_by_hand(*, seed=0, scale=1.0, **settings) -> Pair:
    return pair(adam_by_hand(**settings), made(Adam, lr=0.01), seed, scale)


ADAM_BY_HAND = Port(
    adam_written_by_hand,
    (
        *at(1, *wrong("bias-correction", FIRST, "first", False)),
        *at(1, *wrong("bias-correction", FIRST, "second", False)),
        *at(1, *wrong("bias-correction", FIRST, "start", 2)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.001)),
    ),
    of_optimizers=True,
)


def adam_with_l2_in_the_gradient(
    *, seed=0, scale=1.0, decay=0.1, coupled=True, mask=None, eps=1e-8
) -> Pair:
    added = optax.add_decayed_weights(decay, mask)
    adam = optax.scale_by_adam(eps=eps)
    ours = optax.chain(*((added, adam) if coupled else (adam, added)), optax.scale(-0.01))
    return pair(ours, made(Adam, lr=0.01, weight_decay=0.1), seed, scale)


COUPLED = Port(
    adam_with_l2_in_the_gradient,
    (
        *at(1, *wrong("weight-decay-coupled", FIRST, "coupled", False)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "decay", 0.01, 0.0)),
        *at(1, *wrong("weight-decay-mask", FIRST, "mask", kernels)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "eps", 1e-6)),
    ),
    of_optimizers=True,
)


def adamw_in_optax(
    *, seed=0, scale=1.0, rate=1e-3, b2=0.999, eps=1e-8, decay=1e-2, mask=None, coupled=False,
    sign=1.0,
) -> Pair:  # fmt: skip
    if coupled:
        ours = optax.chain(optax.add_decayed_weights(decay, mask), optax.adam(rate, b2=b2, eps=eps))
    else:
        ours = optax.adamw(rate, b2=b2, eps=eps, weight_decay=decay, mask=mask)
    return pair(optax.chain(ours, optax.scale(sign)), made(AdamW), seed, scale)


ADAMW = Port(
    adamw_in_optax,
    (
        *at(1, *constants(HYPERPARAMETER, FIRST, "decay", 1e-4, 0.0, 0.1, 1.01e-2)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 3e-4)),
        *at(2, *constants(HYPERPARAMETER, FIRST, "b2", 0.95)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "eps", 1e-6)),
        *at(1, *wrong("weight-decay-mask", FIRST, "mask", kernels)),
        *at(1, *wrong("weight-decay-coupled", FIRST, "coupled", True)),
        *at(1, *wrong("update-sign", FIRST, "sign", -1.0)),
    ),
    of_optimizers=True,
)


def adamw_without_decay_of_biases(*, seed=0, scale=1.0, mask=kernels, decay=0.1, rate=0.01) -> Pair:
    ours = optax.adamw(rate, weight_decay=decay, mask=mask)
    return pair(ours, without_decay_of_biases, seed, scale)


MASKED = Port(
    adamw_without_decay_of_biases,
    (
        *at(1, *wrong("weight-decay-mask", FIRST, "mask", None)),
        *at(1, *constants(HYPERPARAMETER, "update first/kernel", "decay", 0.01)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.02)),
    ),
    of_optimizers=True,
)


def maximum_before_correction(t, g, p, memory):
    """AMSGrad as PyTorch has it."""
    mean, square, largest = memory
    mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + (1 - 0.999) * g * g
    largest = jnp.maximum(largest, square)
    root = jnp.sqrt(largest / (1 - 0.999**t)) + 1e-8
    return mean / (1 - 0.9**t) / root, (mean, square, largest)


def maximum_after_correction(t, g, p, memory):
    mean, square, largest = memory
    mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + (1 - 0.999) * g * g
    largest = jnp.maximum(largest, square / (1 - 0.999**t))
    return mean / (1 - 0.9**t) / (jnp.sqrt(largest) + 1e-8), (mean, square, largest)


def amsgrad_by_hand(*, seed=0, scale=1.0, step=maximum_before_correction, rate=0.01) -> Pair:
    zeros = lambda p: (jnp.zeros_like(p),) * 3
    ours = step if isinstance(step, optax.GradientTransformation) else by_tensor(zeros, step)
    ours = optax.chain(ours, optax.scale(-rate))
    return pair(ours, made(Adam, lr=0.01, amsgrad=True), seed, scale)


AMSGRAD = Port(
    amsgrad_by_hand,
    (
        *at(2, *wrong("amsgrad-order", FIRST, "step", maximum_after_correction)),
        *at(2, *wrong("amsgrad-order", FIRST, "step", optax.scale_by_amsgrad())),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.001)),
    ),
    of_optimizers=True,
)


def nadam_step(momentum_decay, t, g, p, memory):
    """NAdam as PyTorch has it, with its schedule of β₁."""
    mean, square, product = memory
    mu = lambda t: 0.9 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    mean, square, product = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g, product * mu(t)
    ahead = mu(t + 1) / (1 - product * mu(t + 1)) * mean
    step = (1 - mu(t)) / (1 - product) * g + ahead
    return step / (jnp.sqrt(square / (1 - 0.999**t)) + 1e-8), (mean, square, product)


def nadam_by_hand(*, seed=0, scale=1.0, momentum_decay=4e-3, rate=2e-3, by_optax=False) -> Pair:
    init = lambda p: (jnp.zeros_like(p), jnp.zeros_like(p), jnp.ones((), p.dtype))
    by_hand = by_tensor(init, functools.partial(nadam_step, momentum_decay))
    ours = optax.scale_by_adam(nesterov=True) if by_optax else by_hand
    return pair(optax.chain(ours, optax.scale(-rate)), made(NAdam), seed, scale)


NADAM = Port(
    nadam_by_hand,
    (
        *at(1, *wrong("nadam-schedule", FIRST, "by_optax", True)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "momentum_decay", 8e-3)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 1e-3)),
    ),
    of_optimizers=True,
)


def adagrad_step(eps, inside, t, g, p, sum_of_squares):
    sum_of_squares = sum_of_squares + g * g
    root = jnp.sqrt(sum_of_squares + eps) if inside else jnp.sqrt(sum_of_squares) + eps
    return g / root, sum_of_squares


def adagrad_by_hand(*, seed=0, scale=1.0, initial=0.0, eps=1e-10, inside=False, rate=0.01) -> Pair:
    step = functools.partial(adagrad_step, eps, inside)
    ours = optax.chain(by_tensor(lambda p: jnp.full_like(p, initial), step), optax.scale(-rate))
    return pair(ours, made(Adagrad), seed, scale)


ADAGRAD = Port(
    adagrad_by_hand,
    (
        *at(1, *constants("accumulator-initial-value", FIRST, "initial", 0.1, 1.0)),
        *at(1, *wrong("epsilon-inside-root", FIRST, "inside", True)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "eps", 1e-7, 1e-8)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.1)),
    ),
    of_optimizers=True,
)


PORTS = (
    RMSPROP,
    RMSPROP_SCHEDULE,
    ADAM,
    ADAM_BY_HAND,
    COUPLED,
    ADAMW,
    MASKED,
    AMSGRAD,
    NADAM,
    ADAGRAD,
)
