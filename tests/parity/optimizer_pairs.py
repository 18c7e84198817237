"""Pairs of optimisers as people write them, by name: right ones, and ones with known faults."""

import jax.numpy as jnp
import optax
import torch

from jaxnn import optim
from tests.parity.optimizer_makers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    NeverCleared,
    RMSprop,
    adam_by_hand,
    by_norm,
    by_norm_of_each,
    by_value,
    chain_sgd,
    dampened_by_hand,
    every_second,
    falling,
    hooked,
    kernels,
    made,
    scheduled,
    slower,
    summed,
    two_rates,
    without_decay_of_biases,
)

RIGHT = {
    "sgd": (optax.sgd(0.1), made(SGD, lr=0.1)),
    "sgd with all": (
        chain_sgd(optax.add_decayed_weights(1e-2), momentum=0.9, nesterov=True, rate=1.0),
        made(SGD, lr=1.0, momentum=0.9, nesterov=True, weight_decay=1e-2),
    ),
    "rmsprop": (
        optax.rmsprop(1e-4, decay=0.99, eps_in_sqrt=False, momentum=0.9),
        made(RMSprop, lr=1e-4, momentum=0.9),
    ),
    "rmsprop centered": (
        optim.rmsprop(0.1, decay=0.99, eps_in_sqrt=False, centered=True),
        made(RMSprop, lr=0.1, centered=True),
    ),
    "adam": (optax.adam(1e-3), made(Adam, lr=1e-3)),
    "adam by hand": (adam_by_hand(), made(Adam, lr=0.01)),
    "adamw": (
        optax.adamw(1e-3, weight_decay=1e-2, mask=kernels),
        lambda params: AdamW(
            [
                {"params": [p for p in params if p.ndim > 1]},
                {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
            ]
        ),
    ),
    "a rate for each layer": (slower(0.01), two_rates),
    "injected": (
        optax.inject_hyperparams(optax.adam)(learning_rate=0.01),
        made(Adam, lr=0.01),
    ),
    "schedule": (
        optax.sgd(optax.exponential_decay(0.1, 1, 0.9), momentum=0.9),
        scheduled(SGD, falling(0.9), lr=0.1, momentum=0.9),
    ),
    "accumulated": (
        optax.chain(optax.apply_every(2), optax.sgd(0.1)),
        every_second,
    ),
    "clipped by value": (
        optax.chain(optax.clip(0.5), optax.adam(0.01)),
        hooked(Adam, by_value(0.5), lr=0.01),
    ),
    "never cleared": (chain_sgd(summed()), made(NeverCleared, lr=0.1)),
    "float32 inside": (optax.adam(jnp.float32(0.1)), made(Adam, lr=0.1)),
}
"""Name: (transformation, factory), which compute the same."""

CLIP = optax.clip_by_global_norm(1.0)
TRACE = optax.trace(0.9)
RATE = optax.scale_by_learning_rate(0.1)

FAULTS = {
    "ε of RMSProp": (
        optax.rmsprop(0.01, decay=0.99), made(RMSprop, lr=0.01), "epsilon-inside-root"
    ),
    "ε of Adam": (
        optax.adam(0.01, eps=0.0, eps_root=1e-8), made(Adam, lr=0.01), "epsilon-inside-root"
    ),
    "Adam without bias correction": (
        adam_by_hand(first=False, second=False), made(Adam, lr=0.01), "bias-correction"
    ),
    "bias correction from 2": (adam_by_hand(start=2), made(Adam, lr=0.01), "bias-correction"),
    "bias correction of one moment": (
        adam_by_hand(second=False), made(Adam, lr=0.01), "bias-correction"
    ),
    "β₁": (optax.adam(0.01, b1=0.8), made(Adam, lr=0.01), "optimizer-hyperparameter"),
    "β₂ of RMSProp": (
        optax.rmsprop(0.01, eps_in_sqrt=False), made(RMSprop, lr=0.01), "optimizer-hyperparameter"
    ),
    "rate": (optax.adamw(3e-3, weight_decay=0.01), made(AdamW), "optimizer-hyperparameter"),
    "rate of a layer": (slower(0.015), two_rates, "optimizer-hyperparameter"),
    "decay of AdamW": (optax.adamw(1e-3), made(AdamW), "optimizer-hyperparameter"),
    "decay forgotten": (
        optax.sgd(0.1, momentum=0.9), made(SGD, lr=0.1, momentum=0.9, weight_decay=1e-4),
        "optimizer-hyperparameter",
    ),
    "momentum": (
        optax.sgd(0.1, momentum=0.95), made(SGD, lr=0.1, momentum=0.9), "optimizer-hyperparameter"
    ),
    "another schedule": (
        optax.sgd(optax.cosine_decay_schedule(0.1, 30)),
        scheduled(SGD, falling(0.9), lr=0.1), "optimizer-hyperparameter",
    ),
    "coupled": (
        optax.adamw(0.01, weight_decay=0.1), made(Adam, lr=0.01, weight_decay=0.1),
        "weight-decay-coupled",
    ),
    "decoupled": (
        optax.chain(optax.add_decayed_weights(0.1), optax.adam(0.01)),
        made(AdamW, lr=0.01, weight_decay=0.1), "weight-decay-coupled",
    ),
    "decay after momentum": (
        optax.chain(TRACE, optax.add_decayed_weights(0.01), RATE),
        made(SGD, lr=0.1, momentum=0.9, weight_decay=0.01), "weight-decay-order",
    ),
    "mask in JAX": (
        optax.adamw(0.01, weight_decay=0.1, mask=kernels),
        made(AdamW, lr=0.01, weight_decay=0.1), "weight-decay-mask",
    ),
    "mask in PyTorch": (
        optax.adamw(0.01, weight_decay=0.1), without_decay_of_biases, "weight-decay-mask"
    ),
    "dampening forgotten": (
        optax.sgd(0.1, momentum=0.9), made(SGD, lr=0.1, momentum=0.9, dampening=0.5),
        "momentum-dampening",
    ),
    "dampened from the first step": (
        dampened_by_hand(0.1, 0.9, 0.5), made(SGD, lr=0.1, momentum=0.9, dampening=0.5),
        "momentum-dampening",
    ),
    "average": (
        optax.chain(optax.ema(0.9, debias=False), RATE), made(SGD, lr=0.1, momentum=0.9),
        "momentum-average",
    ),
    "average without bias": (
        optax.chain(optax.ema(0.9), RATE), made(SGD, lr=0.1, momentum=0.9), "momentum-average"
    ),
    "Nesterov in JAX": (
        optax.sgd(0.1, momentum=0.9, nesterov=True), made(SGD, lr=0.1, momentum=0.9), "nesterov"
    ),
    "Nesterov in PyTorch": (
        optax.sgd(0.1, momentum=0.9), made(SGD, lr=0.1, momentum=0.9, nesterov=True), "nesterov"
    ),
    "rate inside the momentum": (
        optax.chain(
            optax.scale_by_learning_rate(optax.exponential_decay(0.1, 1, 0.8)), TRACE
        ),
        scheduled(SGD, falling(0.8), lr=0.1, momentum=0.9), "momentum-learning-rate",
    ),
    "accumulator at 1": (
        optax.rmsprop(0.01, decay=0.99, initial_scale=1.0, eps_in_sqrt=False),
        made(RMSprop, lr=0.01), "accumulator-initial-value",
    ),
    "centered": (
        optax.rmsprop(0.1, decay=0.99, eps_in_sqrt=False, centered=True), made(RMSprop, lr=0.1),
        "rmsprop-centered",
    ),
    "AMSGrad": (optax.amsgrad(0.1), made(Adam, lr=0.1, amsgrad=True), "amsgrad-order"),
    "NAdam": (optax.nadam(0.1), made(NAdam, lr=0.1), "nadam-schedule"),
    "lost minus": (
        optax.chain(optax.scale_by_adam(), optax.scale(0.1)), made(Adam, lr=0.1), "update-sign"
    ),
    "maximize": (
        chain_sgd(optax.add_decayed_weights(0.1)),
        made(SGD, lr=0.1, weight_decay=0.1, maximize=True), "update-sign",
    ),
    "schedule a step ahead": (
        optax.sgd(lambda count: 0.2 * (1 - (count + 1) / 40)),
        scheduled(
            SGD,
            lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: 1 - t / 40),
            lr=0.2,
        ),
        "schedule-offset",
    ),
    "1e-6 of the norm": (chain_sgd(CLIP), hooked(SGD, by_norm(1.0), lr=0.1), "gradient-clipping"),
    "clipping forgotten": (
        optax.adam(0.1), hooked(Adam, by_norm(5.0), lr=0.1), "gradient-clipping"
    ),
    "clipped in JAX alone": (
        chain_sgd(CLIP, momentum=0.9), made(SGD, lr=0.1, momentum=0.9), "gradient-clipping"
    ),
    "each parameter's norm": (
        chain_sgd(CLIP), hooked(SGD, by_norm_of_each(1.0), lr=0.1), "gradient-clipping"
    ),
    "averaged over 4": (
        optax.MultiSteps(optax.adam(0.1), 4).gradient_transformation(), made(Adam, lr=0.1),
        "gradient-accumulation",
    ),
    "averaged and summed": (
        optax.MultiSteps(optax.sgd(0.1), 2).gradient_transformation(), every_second,
        "gradient-accumulation",
    ),
    "not cleared in PyTorch": (optax.sgd(0.1), made(NeverCleared, lr=0.1), "gradient-not-cleared"),
    "not cleared in JAX": (
        chain_sgd(summed(), momentum=0.9), made(SGD, lr=0.1, momentum=0.9), "gradient-not-cleared"
    ),
}  # fmt: skip
"""Name: (transformation, factory, id of the cause)."""

TWO_FAULTS = {
    "RMSProp's defaults": (
        optax.rmsprop(0.01), made(RMSprop, lr=0.01),
        {"epsilon-inside-root", "optimizer-hyperparameter"},
    ),
    "Nesterov and decay": (
        chain_sgd(optax.add_decayed_weights(1e-4), momentum=0.9, nesterov=True),
        made(SGD, lr=0.1, momentum=0.9), {"nesterov", "optimizer-hyperparameter"},
    ),
    "clipping and coupling": (
        optax.chain(CLIP, optax.adamw(0.01, weight_decay=0.1)),
        made(Adam, lr=0.01, weight_decay=0.1), {"gradient-clipping", "weight-decay-coupled"},
    ),
    "AMSGrad and rate": (
        optax.amsgrad(0.3), made(Adam, lr=0.1, amsgrad=True),
        {"amsgrad-order", "optimizer-hyperparameter"},
    ),
    "Adagrad's defaults": (
        optax.adagrad(0.1), made(Adagrad, lr=0.1),
        {"epsilon-inside-root", "accumulator-initial-value"},
    ),
    "sign and mask": (
        optax.chain(
            optax.scale_by_adam(),
            optax.add_decayed_weights(0.1, mask=kernels),
            optax.scale(0.01),
        ),
        made(AdamW, lr=0.01, weight_decay=0.1), {"update-sign", "weight-decay-mask"},
    ),
}  # fmt: skip
"""Name: (transformation, factory, ids of the causes)."""
