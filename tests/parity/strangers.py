"""Models as people write them, in four ways: nobody wrote them to be compared."""

import jax
import jax.numpy as jnp
import torch
from flax import linen, nnx
from torch import nn


class Perceptron(nn.Module):
    """Declared in another order than it is used in, with other names."""

    def __init__(self, norm=None, activation=torch.relu, rate=0.0, width=6):
        super().__init__()
        self.head = nn.Linear(width, 3)
        self.hidden = nn.Linear(5, width)
        self.norm = norm or nn.Identity()
        self.activation = activation
        self.drop = nn.Dropout(rate)

    def forward(self, x):
        return self.head(self.drop(self.activation(self.norm(self.hidden(x)))))


class LinenPerceptron(linen.Module):
    norm: str = ""
    activation: object = linen.relu
    rate: float = 0.0
    epsilon: float = 1e-5
    momentum: float = 0.9
    width: int = 6

    @linen.compact
    def __call__(self, x, train=False):
        x = linen.Dense(self.width)(x)
        if self.norm == "layer":
            x = linen.LayerNorm(epsilon=self.epsilon)(x)
        if self.norm == "batch":
            x = linen.BatchNorm(not train, momentum=self.momentum, epsilon=self.epsilon)(x)
        x = self.activation(x)
        x = linen.Dropout(self.rate, deterministic=not train)(x)
        return linen.Dense(3)(x)


class NnxPerceptron(nnx.Module):
    def __init__(self, norm=None, activation=nnx.relu, rate=0.0, width=6):
        rngs = nnx.Rngs(0)
        self.first = nnx.Linear(5, width, rngs=rngs)
        self.norm = norm
        self.activation = activation
        self.drop = nnx.Dropout(rate, rngs=rngs)
        self.last = nnx.Linear(width, 3, rngs=rngs)

    def __call__(self, x):
        x = self.first(x)
        x = self.norm(x) if self.norm else x
        return self.last(self.drop(self.activation(x)))


class Tower(nn.Module):
    """Residual blocks whose first dense layers are all square, and all alike."""

    def __init__(self, depth):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(5, 5) for _ in range(depth))

    def forward(self, x):
        for block in self.blocks:
            x = x + torch.tanh(block(x))
        return x


class LinenTower(linen.Module):
    depth: int

    @linen.compact
    def __call__(self, x):
        for _ in range(self.depth):
            x = x + jnp.tanh(linen.Dense(5)(x))
        return x


class NnxTower(nnx.Module):
    def __init__(self, depth):
        self.blocks = nnx.List([nnx.Linear(5, 5, rngs=nnx.Rngs(i)) for i in range(depth)])

    def __call__(self, x):
        for block in self.blocks:
            x = x + jnp.tanh(block(x))
        return x


class Convolutions(nn.Module):
    """Images come with channels last, as they do in Flax."""

    def __init__(self, padding=1, order=(0, 2, 3, 1)):
        super().__init__()
        self.one = nn.Conv2d(2, 4, 3, padding=padding)
        self.two = nn.Linear(4 * 36, 3)
        self.order = order

    def forward(self, x):
        x = torch.relu(self.one(x.permute(0, 3, 1, 2)))
        return self.two(x.permute(self.order).flatten(1))


class LinenConvolutions(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.relu(linen.Conv(4, (3, 3), padding=1)(x))
        return linen.Dense(3)(x.reshape(x.shape[0], -1))


class HandWritten(nn.Module):
    """Parameters of its own, in the layout of mathematics."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.matrix = nn.Parameter(torch.randn(5, 3, generator=generator))
        self.offset = nn.Parameter(torch.randn(3, generator=generator))

    def forward(self, x):
        return torch.tanh(x @ self.matrix + self.offset)


def affine(params, x):
    return jnp.tanh(x @ params["w"] + jnp.broadcast_to(params["b"], (len(x), 3)))


def two_layers(params, x):
    """Parameters as a list of pairs, as in JAX's own tutorials."""
    for i, (w, b) in enumerate(params):
        x = x @ w + jnp.broadcast_to(b, (len(x), len(b)))
        x = jax.nn.relu(x) if i == 0 else x
    return x
