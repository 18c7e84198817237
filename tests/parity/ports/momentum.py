"""SGD with momentum, schedules, clipping and accumulation."""

import jax
import jax.numpy as jnp
import optax

from tests.parity.optimizer_makers import (
    NeverCleared,
    by_norm,
    by_value,
    every_second,
    falling,
    hooked,
    kernels,
    made,
    scheduled,
    summed,
)
from tests.parity.ports.optimizer_port import (
    FIRST,
    HYPERPARAMETER,
    SGD,
    Adam,
    at,
    by_tensor,
    pair,
)
from tests.parity.ports.port import Pair, Port, constants, wrong


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

PORTS = (MOMENTUM, DAMPENED, SCHEDULE, CLIPPED, CLIPPED_BY_VALUE, ACCUMULATED, NEVER_CLEARED)
