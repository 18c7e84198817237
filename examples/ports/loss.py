"""A classifier's loss, ported from PyTorch to Optax; it falls, and is another loss."""

import numpy as np
import optax
from torch import nn

torch_side = nn.CrossEntropyLoss(label_smoothing=0.1)


def jax_side(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).sum()


generator = np.random.default_rng(0)
inputs = (3 * generator.standard_normal((32, 10), np.float32), generator.integers(0, 10, 32))
