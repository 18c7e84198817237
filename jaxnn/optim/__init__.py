"""Optimisers: pure functions of trees, each written from its equation, a drop-in for Optax's.

Beside `jaxnn.typing.GradientTransformation` there is nothing to learn: what one transformation of
a chain gives, the next one takes. State keeps the dtypes and shardings that `init` gave it.
"""

from jaxnn.optim.aliases import adagrad, adam, adamw, amsgrad, nadam, rmsprop, sgd
from jaxnn.optim.clipping import clip, clip_by_global_norm, global_norm
from jaxnn.optim.combine import chain, identity, masked
from jaxnn.optim.moments import scale_by_adam, scale_by_amsgrad
from jaxnn.optim.rms import scale_by_rms, scale_by_rss, scale_by_stddev
from jaxnn.optim.schedules import (
    constant_schedule,
    cosine_decay_schedule,
    exponential_decay,
    join_schedules,
    linear_schedule,
    piecewise_constant_schedule,
    warmup_cosine_decay_schedule,
)
from jaxnn.optim.transforms import (
    add_decayed_weights,
    apply_updates,
    scale,
    scale_by_learning_rate,
    scale_by_schedule,
    trace,
)

__all__ = [
    "adagrad",
    "adam",
    "adamw",
    "add_decayed_weights",
    "amsgrad",
    "apply_updates",
    "chain",
    "clip",
    "clip_by_global_norm",
    "constant_schedule",
    "cosine_decay_schedule",
    "exponential_decay",
    "global_norm",
    "identity",
    "join_schedules",
    "linear_schedule",
    "masked",
    "nadam",
    "piecewise_constant_schedule",
    "rmsprop",
    "scale",
    "scale_by_adam",
    "scale_by_amsgrad",
    "scale_by_learning_rate",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_schedule",
    "scale_by_stddev",
    "sgd",
    "trace",
    "warmup_cosine_decay_schedule",
]
