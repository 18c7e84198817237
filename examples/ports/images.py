"""A network for images, ported from PyTorch to Flax; two lines of it mean something else."""

import numpy as np
import torch
from flax import linen
from torch import nn


class Original(nn.Module):
    """A convolution and two dense layers, for images (batch, height, width, channels)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(6 * 4 * 4, 16)
        self.norm = nn.LayerNorm(16)
        self.fc2 = nn.Linear(16, 10)

    def forward(self, images):
        x = images.permute(0, 3, 1, 2)
        x = self.pool(self.conv(x).relu())
        x = self.norm(self.fc1(x.flatten(1))).relu()
        return self.fc2(x)


class Port(linen.Module):
    @linen.compact
    def __call__(self, images):
        x = linen.relu(linen.Conv(6, (3, 3), padding="SAME")(images))
        x = linen.max_pool(x, (2, 2), strides=(2, 2))
        x = x.reshape(x.shape[0], -1)
        x = linen.Dense(16)(x)
        x = linen.relu(linen.LayerNorm()(x))
        return linen.Dense(10)(x)


torch.manual_seed(0)
jax_side, torch_side = Port(), Original()
inputs = np.random.default_rng(0).standard_normal((4, 8, 8, 3), np.float32)
