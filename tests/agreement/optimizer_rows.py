"""Rows of the table of agreement for transformations, optimisers and schedules."""

from functools import partial

import numpy as np

from jaxnn import optim
from tests.agreement.harness import (
    observe_optimizer,
    observe_transformation,
    observe_values,
    pairs,
)
from torch_port import optim as torch_optim

OPTIMIZERS = {}

# Optimisers: twelve steps on gradients that change; transformations in the same words.


def transformation_row(build):
    return lambda dtype, scale: observe_transformation(
        build(optim), build(torch_optim), dtype, scale
    )


def optimizer_row(ours, theirs):
    return partial(observe_optimizer, ours, theirs)


def falling(side):
    return side.exponential_decay(0.1, 5, 0.5)


OPTIMIZERS |= {
    f"optim.{name}": transformation_row(build)
    for name, build in {
        "identity": lambda o: o.identity(),
        "scale": lambda o: o.scale(0.3),
        "scale_by_learning_rate": lambda o: o.scale_by_learning_rate(0.1),
        "scale_by_learning_rate upwards": lambda o: o.scale_by_learning_rate(0.1, flip_sign=False),
        "scale_by_learning_rate schedule": lambda o: o.scale_by_learning_rate(falling(o)),
        "scale_by_schedule": lambda o: o.scale_by_schedule(falling(o)),
        "trace": lambda o: o.trace(0.9),
        "trace nesterov": lambda o: o.trace(0.9, nesterov=True),
        "scale_by_rms": lambda o: o.scale_by_rms(),
        "scale_by_rms settings": lambda o: o.scale_by_rms(0.8, 1e-4, 0.1),
        "scale_by_rms outside": lambda o: o.scale_by_rms(eps_in_sqrt=False),
        "scale_by_rms bias-corrected": lambda o: o.scale_by_rms(bias_correction=True),
        "scale_by_stddev": lambda o: o.scale_by_stddev(eps=1e-3),
        "scale_by_stddev bias-corrected": lambda o: o.scale_by_stddev(
            eps=1e-3, bias_correction=True
        ),
        "scale_by_rss": lambda o: o.scale_by_rss(),
        "scale_by_rss settings": lambda o: o.scale_by_rss(0.0, 1e-4),
        "scale_by_adam": lambda o: o.scale_by_adam(),
        "scale_by_adam settings": lambda o: o.scale_by_adam(0.8, 0.95, 1e-4, 1e-6),
        "scale_by_adam nesterov": lambda o: o.scale_by_adam(nesterov=True),
        "scale_by_amsgrad": lambda o: o.scale_by_amsgrad(),
        "add_decayed_weights": lambda o: o.add_decayed_weights(0.1),
        "add_decayed_weights masked": lambda o: o.add_decayed_weights(
            0.1, [True, False, False, True]
        ),
        "clip": lambda o: o.clip(0.5),
        "clip_by_global_norm": lambda o: o.clip_by_global_norm(1.0),
        "clip_by_global_norm loose": lambda o: o.clip_by_global_norm(1e3),
        "chain": lambda o: o.chain(
            o.clip_by_global_norm(1.0), o.scale_by_adam(), o.add_decayed_weights(0.1), o.scale(-0.1)
        ),
        "masked": lambda o: o.masked(o.trace(0.9), [True, False, True, False]),
    }.items()
} | {
    "optim.global_norm": partial(
        observe_values,
        "update",
        lambda *x: optim.global_norm(list(x)),
        lambda *x: torch_optim.global_norm(list(x)),
        lambda rng: ([rng.normal(size=s) for s in shapes] for shapes in [[(3, 5), (5,)], [()]]),
    ),
    "optim.apply_updates": partial(
        observe_values,
        "update",
        lambda p, u: optim.apply_updates([p], [u]),
        lambda p, u: torch_optim.apply_updates([p], [u]),
        lambda rng: ([rng.normal(size=s), rng.normal(size=s)] for s in [(3, 5), ()]),
    ),
}

OPTIMIZERS |= {
    f"optim.{name}": optimizer_row(
        getattr(optim, name.split()[0])(*settings, **options),
        lambda params, c=torch_class, s=settings, o=options: c(params, *s, **o),
    )
    for name, torch_class, settings, options in [
        ("sgd", torch_optim.SGD, [0.1], {}),
        ("sgd momentum", torch_optim.SGD, [0.1, 0.9], {}),
        ("sgd nesterov", torch_optim.SGD, [0.1, 0.9, True], {}),
        ("rmsprop", torch_optim.RMSprop, [0.01], {}),
        ("rmsprop outside", torch_optim.RMSprop, [0.01], {"eps_in_sqrt": False}),
        ("rmsprop centred", torch_optim.RMSprop, [0.01], {"centered": True, "momentum": 0.9}),
        ("adagrad", torch_optim.Adagrad, [0.1], {}),
        ("adam", torch_optim.Adam, [0.01], {}),
        ("adam settings", torch_optim.Adam, [0.01], {"b1": 0.8, "b2": 0.95, "eps": 1e-4}),
        ("adamw", torch_optim.AdamW, [0.01], {}),
        ("adamw settings", torch_optim.AdamW, [0.01], {"weight_decay": 0.1}),
        ("amsgrad", torch_optim.AMSGrad, [0.01], {}),
        ("nadam", torch_optim.NAdam, [0.01], {}),
    ]
}


def schedule_row(build):
    """The learning rate of the first forty steps; a schedule has no gradients."""

    def row(dtype, scale):
        ours, theirs = build(optim), build(torch_optim)
        at = lambda step: np.asarray(ours(step), dtype)
        steps = range(40)
        expected = {f"step {i}": np.asarray(theirs(i), dtype) for i in steps}
        yield from pairs("schedule", {f"step {i}": at(i) for i in steps}, expected)

    return row


OPTIMIZERS |= {
    f"optim.{name}": schedule_row(build)
    for name, build in {
        "constant_schedule": lambda o: o.constant_schedule(0.1),
        "linear_schedule": lambda o: o.linear_schedule(0.1, 0.01, 20, 5),
        "exponential_decay": falling,
        "exponential_decay staircase": lambda o: o.exponential_decay(0.1, 5, 0.5, 3, True, 0.02),
        "cosine_decay_schedule": lambda o: o.cosine_decay_schedule(0.1, 30, 0.1, 2.0),
        "warmup_cosine_decay_schedule": lambda o: o.warmup_cosine_decay_schedule(
            0.0, 0.1, 10, 35, 0.01
        ),
        "piecewise_constant_schedule": lambda o: o.piecewise_constant_schedule(
            0.1, {5: 0.5, 20: 0.1}
        ),
        "join_schedules": lambda o: o.join_schedules([o.constant_schedule(0.1), falling(o)], [7]),
    }.items()
}
