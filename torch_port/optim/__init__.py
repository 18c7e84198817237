"""Optimisers: classes of `torch.optim`, and the transformations of `jaxnn.optim` in PyTorch.

A transformation is a pair of functions over lists of tensors, `GradientTransformation`; its state
has the names and fields of `jaxnn`'s, so that the two can be compared field by field.
"""

from torch_port.optim.aliases import SGD, Adagrad, Adam, AdamW, AMSGrad, NAdam, RMSprop
from torch_port.optim.clipping import clip, clip_by_global_norm, global_norm
from torch_port.optim.combine import chain, identity, masked
from torch_port.optim.moments import scale_by_adam, scale_by_amsgrad
from torch_port.optim.rms import scale_by_rms, scale_by_rss, scale_by_stddev
from torch_port.optim.schedules import (
    constant_schedule,
    cosine_decay_schedule,
    exponential_decay,
    join_schedules,
    linear_schedule,
    piecewise_constant_schedule,
    warmup_cosine_decay_schedule,
)
from torch_port.optim.transforms import (
    add_decayed_weights,
    apply_updates,
    scale,
    scale_by_learning_rate,
    scale_by_schedule,
    trace,
)

__all__ = [
    "SGD",
    "AMSGrad",
    "Adagrad",
    "Adam",
    "AdamW",
    "NAdam",
    "RMSprop",
    "add_decayed_weights",
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
    "piecewise_constant_schedule",
    "scale",
    "scale_by_adam",
    "scale_by_amsgrad",
    "scale_by_learning_rate",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_schedule",
    "scale_by_stddev",
    "trace",
    "warmup_cosine_decay_schedule",
]
