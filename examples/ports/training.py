"""A training, ported from PyTorch to Flax and Optax with the numbers copied as they stand."""

import numpy as np
import optax
import torch
from flax import linen
from torch import nn


class Port(linen.Module):
    @linen.compact
    def __call__(self, x, train=False):
        x = linen.Dense(32)(x)
        x = linen.BatchNorm(use_running_average=not train, momentum=0.1)(x)
        return linen.Dense(3)(linen.relu(x))


def cross_entropy(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


torch.manual_seed(0)
torch_side = nn.Sequential(
    nn.Linear(8, 32), nn.BatchNorm1d(32, momentum=0.1), nn.ReLU(), nn.Linear(32, 3)
)
jax_side = Port()
losses = cross_entropy, nn.functional.cross_entropy
optimizers = (
    optax.adamw(1e-3),
    lambda params: torch.optim.AdamW(params, lr=1e-3),
)

generator = np.random.default_rng(0)
batches = [
    (generator.standard_normal((64, 8), np.float32), generator.integers(0, 3, 64)) for _ in range(5)
]
