"""Optimisers ported to Optax, or written by hand, against those of PyTorch."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
import torch

from tests.parity.optimizer_pairs import (
    NeverCleared,
    adam_by_hand,
    by_norm,
    by_value,
    every_second,
    falling,
    hooked,
    kernels,
    made,
    scheduled,
    summed,
    without_decay_of_biases,
)
from tests.parity.ports.port import Mutant, Pair, Port, constants, wrong
from tests.parity.right_pairs import normal

SGD, RMSprop, Adam, AdamW, Adagrad, NAdam = (
    getattr(torch.optim, name) for name in ("SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "NAdam")
)

FIRST = "update first/bias"
"""The first parameter in order, whose first gradient is of unit scale."""

HYPERPARAMETER = "optimizer-hyperparameter"


def params(seed: int, scale: float) -> dict[str, Any]:
    """Of two dense layers."""
    draw = lambda number, *shape: normal(*shape, scale=0.3 * scale, seed=[seed, number])
    return {
        "first": {"bias": draw(0, 5), "kernel": draw(1, 3, 5)},
        "second": {"bias": draw(2, 3), "kernel": draw(3, 5, 3)},
    }


def pair(transformation, factory, seed, scale) -> Pair:
    return transformation, factory, params(seed, scale), {}


def at(step, *mutants):
    """Mutants that first show at a step."""
    return tuple(
        Mutant(m.settings, m.cause, m.place, None, m.constant, step, m.also, m.reason)
        for m in mutants
    )


def by_tensor(init: Callable[[Any], Any], step: Callable[..., tuple[Any, Any]]):
    """A transformation from functions of one tensor, `step(t, g, p, memory) -> (g, memory)`."""

    def of_all(updates, state, params=None):
        count, memories = state
        leaves, structure = jax.tree.flatten(updates)
        old = structure.flatten_up_to(memories)
        pairs = [step(count + 1, *each) for each in zip(leaves, jax.tree.leaves(params), old,
                                                         strict=True)]  # fmt: skip
        new, kept = zip(*pairs, strict=True)
        return structure.unflatten(new), (count + 1, structure.unflatten(kept))

    return optax.GradientTransformation(lambda p: (0, jax.tree.map(init, p)), of_all)


def plain_average(decay):
    return optax.ema(decay, debias=False)


def sgd_with_momentum_and_decay(
    *, seed=0, scale=1.0, rate=0.1, momentum=0.9, memory=optax.trace, decay=1e-2, nesterov=False,
    order="decay first", mask=None, sums=False, sign=-1,
) -> Pair:  # fmt: skip
    decayed = optax.add_decayed_weights(decay, mask)
    remembered = memory(momentum, nesterov) if nesterov else memory(momentum)
    links = (decayed, remembered) if order == "decay first" else (remembered, decayed)
    first = [summed()] if sums else []
    ours = optax.chain(*first, *links, optax.scale(sign * rate))
    return pair(ours, made(SGD, lr=0.1, momentum=0.9, weight_decay=1e-2), seed, scale)


MOMENTUM = Port(
    sgd_with_momentum_and_decay,
    (
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.02, 0.3, 0.09)),
        *at(2, *constants(HYPERPARAMETER, FIRST, "momentum", 0.99, 0.5, 0.95)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "decay", 0.0, 1e-4, 0.1)),
        *at(1, *wrong("nesterov", FIRST, "nesterov", True)),
        *at(2, *wrong("weight-decay-order", FIRST, "order", "momentum first")),
        *at(1, *wrong("momentum-average", FIRST, "memory", plain_average)),
        *at(2, *wrong("momentum-average", FIRST, "memory", optax.ema)),
        *at(1, *wrong("weight-decay-mask", FIRST, "mask", kernels)),
        *at(2, *wrong("gradient-not-cleared", FIRST, "sums", True)),
        *at(1, *wrong("update-sign", FIRST, "sign", 1)),
    ),
    of_optimizers=True,
)


def dampened(momentum, dampening, first_too):
    """b ← μb + (1−τ)g; PyTorch's first b is g itself."""

    def step(t, g, p, b):
        new = g * (1 - dampening) if first_too else jnp.where(t == 1, g, g * (1 - dampening))
        b = momentum * b + new
        return b, b

    return by_tensor(jnp.zeros_like, step)


def dampened_sgd_by_hand(
    *, seed=0, scale=1.0, momentum=0.9, dampening=0.5, first_too=False, rate=0.1
) -> Pair:
    ours = optax.chain(dampened(momentum, dampening, first_too), optax.scale(-rate))
    return pair(ours, made(SGD, lr=0.1, momentum=0.9, dampening=0.5), seed, scale)


DAMPENED = Port(
    dampened_sgd_by_hand,
    (
        *at(2, *wrong("momentum-dampening", FIRST, "dampening", 0.0)),
        *at(2, *wrong("momentum-dampening", FIRST, "dampening", 0.9)),
        *at(1, *wrong("momentum-dampening", FIRST, "first_too", True)),
        *at(2, *constants(HYPERPARAMETER, FIRST, "momentum", 0.8)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.05)),
    ),
    of_optimizers=True,
)


def sgd_with_schedule(
    *, seed=0, scale=1.0, factor=0.9, offset=0, every=1, momentum=0.9, inside=False
) -> Pair:
    rate = lambda count: -0.1 * factor ** ((count + offset) // every)
    links = [optax.trace(momentum), optax.scale_by_schedule(rate)]
    ours = optax.chain(*(reversed(links) if inside else links))
    factory = scheduled(SGD, falling(0.9), lr=0.1, momentum=0.9)
    return pair(ours, factory, seed, scale)


SCHEDULE = Port(
    sgd_with_schedule,
    (
        *at(1, *wrong("schedule-offset", FIRST, "offset", 1)),
        *at(2, *wrong("momentum-learning-rate", FIRST, "inside", True)),
        *at(2, *wrong(HYPERPARAMETER, FIRST, "factor", 0.95, 0.5)),
        *at(2, *wrong(HYPERPARAMETER, FIRST, "every", 5)),
        *at(2, *constants(HYPERPARAMETER, FIRST, "momentum", 0.95)),
    ),
    of_optimizers=True,
)


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


def by_global_norm(bound, added=1e-6):
    """As `clip_grad_norm_` does it."""

    def update(updates, state, params=None):
        factor = jnp.minimum(1.0, bound / (optax.global_norm(updates) + added))
        return jax.tree.map(lambda g: factor * g, updates), state

    return optax.GradientTransformation(lambda params: (), update)


def by_each_norm(bound):
    def update(updates, state, params=None):
        clipped = lambda g: g * jnp.minimum(1.0, bound / (jnp.linalg.norm(jnp.ravel(g)) + 1e-6))
        return jax.tree.map(clipped, updates), state

    return optax.GradientTransformation(lambda params: (), update)


def unclipped(bound):
    return optax.identity()


def clipped_sgd(
    *, seed=0, scale=1.0, clip=by_global_norm, bound=1.0, momentum=0.9, rate=0.1
) -> Pair:
    ours = optax.chain(clip(bound), optax.sgd(rate, momentum))
    return pair(ours, hooked(SGD, by_norm(1.0), lr=0.1, momentum=0.9), seed, scale)


CLIPPED = Port(
    clipped_sgd,
    (
        *at(1, *wrong("gradient-clipping", FIRST, "clip", optax.clip_by_global_norm)),
        *at(1, *wrong("gradient-clipping", FIRST, "clip", optax.clip, by_each_norm, unclipped)),
        *at(1, *wrong("gradient-clipping", FIRST, "bound", 0.5, 1.1)),
        *at(2, *constants(HYPERPARAMETER, FIRST, "momentum", 0.8)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.05)),
    ),
    of_optimizers=True,
)


def adam_clipped_by_value(*, seed=0, scale=1.0, clip=optax.clip, bound=0.5, eps=1e-8) -> Pair:
    ours = optax.chain(clip(bound), optax.adam(0.01, eps=eps))
    return pair(ours, hooked(Adam, by_value(0.5), lr=0.01), seed, scale)


CLIPPED_BY_VALUE = Port(
    adam_clipped_by_value,
    (
        # ε beside a gradient of 1.2 and of 0.5 is a difference of 1e-8, at the first step already
        *at(1, *wrong("gradient-clipping", FIRST, "clip", unclipped)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "eps", 1e-5)),
    ),
    of_optimizers=True,
)


def mean_of_two(link):
    return optax.MultiSteps(link, 2).gradient_transformation()


def sum_of_two(link):
    return optax.chain(optax.apply_every(2), link)


def alone(link):
    return link


def accumulated_sgd(*, seed=0, scale=1.0, accumulate=sum_of_two, rate=0.1) -> Pair:
    return pair(accumulate(optax.sgd(rate)), every_second, seed, scale)


ACCUMULATED = Port(
    accumulated_sgd,
    (
        *at(2, *wrong("gradient-accumulation", FIRST, "accumulate", mean_of_two)),
        *at(1, *wrong("gradient-accumulation", FIRST, "accumulate", alone)),
        *at(2, *constants(HYPERPARAMETER, FIRST, "rate", 0.2)),
    ),
    of_optimizers=True,
)


def never_cleared_sgd(*, seed=0, scale=1.0, sums=True, rate=0.1) -> Pair:
    """What runs without `zero_grad`, and a port that repeats it."""
    ours = optax.chain(summed(), optax.sgd(rate)) if sums else optax.sgd(rate)
    return pair(ours, made(NeverCleared, lr=0.1), seed, scale)


NEVER_CLEARED = Port(
    never_cleared_sgd,
    (
        *at(2, *wrong("gradient-not-cleared", FIRST, "sums", False)),
        *at(1, *constants(HYPERPARAMETER, FIRST, "rate", 0.05)),
    ),
    of_optimizers=True,
)

PORTS = (
    MOMENTUM,
    DAMPENED,
    SCHEDULE,
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
    CLIPPED,
    CLIPPED_BY_VALUE,
    ACCUMULATED,
    NEVER_CLEARED,
)
