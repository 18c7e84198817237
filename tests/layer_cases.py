"""A row for every leaf layer, with the PyTorch module of the same meaning."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import pytest
import torch
from torch import nn

from jaxnn import activations, layers
from jaxnn.typing import Layer

KEY = jax.random.key(0)
MEAN, STD = [0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]


class Normalize(nn.Module):
    """torchvision's `Normalize`, for images whose channels are last."""

    def forward(self, x):
        mean, std = torch.tensor(MEAN, dtype=x.dtype), torch.tensor(STD, dtype=x.dtype)
        return x.sub(mean).div(std)


class OverBatchAndTime(nn.BatchNorm1d):
    """`BatchNorm1d` with features last, where PyTorch has them second."""

    def forward(self, x):
        return super().forward(x.movedim(-1, 1)).movedim(1, -1)


class Case(NamedTuple):
    """A layer, PyTorch's module, the sizes of an example, and whether training needs no key."""

    layer: Layer
    module: Callable[[], nn.Module]
    sizes: list[tuple[int, ...]]
    trains: bool = True


CASES = {
    "dense": Case(layers.dense(5, 3), lambda: nn.Linear(5, 3), [(5,), (2, 5)]),
    "dense without bias": Case(
        layers.dense(5, 3, use_bias=False), lambda: nn.Linear(5, 3, bias=False), [(5,), (2, 5)]
    ),
    "batch_norm": Case(layers.batch_norm(4), lambda: OverBatchAndTime(4), [(4,), (2, 4)]),
    "batch_norm with settings": Case(
        layers.batch_norm(4, momentum=0.3, epsilon=0.01),
        lambda: OverBatchAndTime(4, momentum=0.3, eps=0.01),
        [(4,)],
    ),
    "layer_norm": Case(layers.layer_norm(4), lambda: nn.LayerNorm(4), [(4,), (2, 4)]),
    "layer_norm with settings": Case(
        layers.layer_norm(4, epsilon=0.01), lambda: nn.LayerNorm(4, eps=0.01), [(4,)]
    ),
    "dropout": Case(layers.dropout(0.5), lambda: nn.Dropout(0.5), [(4,)], trains=False),
    "flatten": Case(layers.flatten(), nn.Flatten, [(4,), (2, 3, 4)]),
    "normalize_images": Case(layers.normalize_images(MEAN, STD), Normalize, [(2, 3, 4)]),
    "activation": Case(layers.activation(activations.gelu), nn.GELU, [(4,), (2, 4)]),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
