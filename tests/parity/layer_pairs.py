"""Layers as either framework has them, that compute the same from the same parameters.

`name -> (jax_side, torch_side, inputs, settings of compare)`, as in `right_pairs`.
"""

import jax
import torch
from flax import linen, nnx
from torch import nn

from tests.parity.right_pairs import X, lively, normal

IMAGES = normal(2, 6, 5, 3)
"""Batch, height, width, channels: no two alike."""


class ChannelsFirst(nn.Module):
    """A PyTorch layer that is given channels last, as Flax has them, and gives them back so."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.movedim(-1, 1)).movedim(1, -1)


class OneLinen(linen.Module):
    """A linen layer as a child, so that it has a path."""

    layer: linen.Module

    def __call__(self, x):
        return self.layer(x)


def on_images(ours, theirs, channels=3):
    return lambda: (ours(), lively(ChannelsFirst(theirs())), normal(2, 6, 5, channels), {})


def plain(ours, theirs, inputs=X):
    return lambda: (ours(), lively(theirs()), inputs, {})


def rngs():
    return nnx.Rngs(0)


def up(out, **settings):
    """A transposed convolution of linen as PyTorch pads it."""
    return linen.ConvTranspose(out, (3, 3), (2, 2), padding=((2, 2), (2, 2)), **settings)


def nnx_up(out, **settings):
    settings = {"padding": ((2, 2), (2, 2)), "strides": (2, 2), "rngs": rngs(), **settings}
    return nnx.ConvTranspose(3, out, (3, 3), **settings)


LAYER_PAIRS = {
    **{
        f"linen transposed convolution to {out}, {settings}": on_images(
            lambda out=out, settings=settings: OneLinen(up(out, **settings)),
            lambda out=out: nn.ConvTranspose2d(3, out, 3, 2),
        )
        for out in (3,)
        for settings in ({}, {"transpose_kernel": True})
    },
    "linen transposed convolution, alone": on_images(
        lambda: up(4), lambda: nn.ConvTranspose2d(3, 4, 3, 2)
    ),
    **{
        f"nnx transposed convolution to {out}, {settings}": on_images(
            lambda out=out, settings=settings: nnx_up(out, **settings),
            lambda out=out: nn.ConvTranspose2d(3, out, 3, 2),
        )
        for out in (4,)
        for settings in ({}, {"transpose_kernel": True})
    },
    "linen group norm": on_images(
        lambda: linen.GroupNorm(2, epsilon=1e-5), lambda: nn.GroupNorm(2, 4), 4
    ),
    "nnx group norm": on_images(
        lambda: nnx.GroupNorm(4, 2, epsilon=1e-5, rngs=rngs()), lambda: nn.GroupNorm(2, 4), 4
    ),
    "linen instance norm": on_images(
        lambda: linen.InstanceNorm(), lambda: nn.InstanceNorm2d(3, eps=1e-6, affine=True)
    ),
    "linen RMS norm": plain(lambda: linen.RMSNorm(), lambda: nn.RMSNorm(5, eps=1e-6)),
    "nnx RMS norm": plain(lambda: nnx.RMSNorm(5, rngs=rngs()), lambda: nn.RMSNorm(5, eps=1e-6)),
    "linen PReLU": plain(lambda: linen.PReLU(), lambda: nn.PReLU()),
    "nnx PReLU": plain(lambda: nnx.PReLU(), lambda: nn.PReLU()),
    "linen embedding": lambda: (
        linen.Embed(7, 4), nn.Embedding(7, 4), torch.tensor([[1, 2, 6], [0, 0, 3]]), {}
    ),
    "linen depthwise convolution": on_images(
        lambda: linen.Conv(6, (3, 3), feature_group_count=3, padding=1),
        lambda: nn.Conv2d(3, 6, 3, padding=1, groups=3),
    ),
}  # fmt: skip


class LinenCell(linen.Module):
    """Two steps of a cell."""

    cell: linen.RNNCellBase

    def __call__(self, x):
        carry = self.cell.initialize_carry(jax.random.key(0), x.shape)
        carry, _ = self.cell(carry, x)
        return self.cell(carry, x[::-1])[1]


class NnxCell(nnx.Module):
    def __init__(self, cell):
        self.cell = cell

    def __call__(self, x):
        carry = self.cell.initialize_carry(x.shape, nnx.Rngs(0))
        carry, _ = self.cell(carry, x)
        return self.cell(carry, x[::-1])[1]


class TorchCell(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x):
        carry = self.cell(x)
        carry = self.cell(x.flip(0), carry)
        return carry[0] if isinstance(carry, tuple) else carry


CELLS = {
    "linen LSTM cell": (lambda: LinenCell(linen.LSTMCell(4)), nn.LSTMCell),
    "nnx LSTM cell": (lambda: NnxCell(nnx.LSTMCell(5, 4, rngs=rngs())), nn.LSTMCell),
    "nnx LSTM cell, fused": (
        lambda: NnxCell(nnx.OptimizedLSTMCell(5, 4, rngs=rngs())),
        nn.LSTMCell,
    ),
    "linen GRU cell": (lambda: LinenCell(linen.GRUCell(4)), nn.GRUCell),
    "linen simple cell": (lambda: LinenCell(linen.SimpleCell(4)), nn.RNNCell),
}

LAYER_PAIRS |= {
    name: plain(ours, lambda cell=cell: TorchCell(cell(5, 4)))
    for name, (ours, cell) in CELLS.items()
}


class LinenSequence(linen.Module):
    """An embedding by a dense layer, two recurrences, and a head."""

    cells: tuple[linen.RNNCellBase, ...]

    @linen.compact
    def __call__(self, x):
        x = linen.Dense(5)(x)
        for cell in self.cells:
            x = linen.RNN(cell)(x)
        return linen.Dense(2)(x)


class NnxSequence(nnx.Module):
    def __init__(self, cells):
        self.first = nnx.Linear(5, 5, rngs=rngs())
        self.recurrences = nnx.List([nnx.RNN(cell) for cell in cells])
        self.last = nnx.Linear(4, 2, rngs=rngs())

    def __call__(self, x):
        x = self.first(x)
        for recurrence in self.recurrences:
            x = recurrence(x)
        return self.last(x)


class TorchSequence(nn.Module):
    def __init__(self, recurrence):
        super().__init__()
        self.first = nn.Linear(5, 5)
        self.recurrence = recurrence
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.recurrence(self.first(x))[0])


class TorchAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        x = self.norm(x)
        return self.attention(x, x, x, need_weights=False)[0]


class LinenAttention(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.MultiHeadDotProductAttention(2)(linen.LayerNorm(epsilon=1e-5)(x))


class NnxAttention(nnx.Module):
    def __init__(self):
        self.norm = nnx.LayerNorm(8, epsilon=1e-5, rngs=rngs())
        self.attention = nnx.MultiHeadAttention(2, 8, decode=False, rngs=rngs())

    def __call__(self, x):
        return self.attention(self.norm(x))


SEQUENCES, TOKENS = normal(3, 6, 5), normal(3, 6, 8)

LAYER_PAIRS |= {
    "linen LSTM": lambda: (
        LinenSequence((linen.LSTMCell(4),)),
        lively(TorchSequence(nn.LSTM(5, 4, batch_first=True))), SEQUENCES, {},
    ),
    "linen GRU of two layers": lambda: (
        LinenSequence((linen.GRUCell(4), linen.GRUCell(4))),
        lively(TorchSequence(nn.GRU(5, 4, 2, batch_first=True))), SEQUENCES, {},
    ),
    "nnx LSTM of two layers": lambda: (
        NnxSequence([nnx.LSTMCell(5, 4, rngs=rngs()), nnx.LSTMCell(4, 4, rngs=rngs())]),
        lively(TorchSequence(nn.LSTM(5, 4, 2, batch_first=True))), SEQUENCES, {},
    ),
    "linen attention": lambda: (LinenAttention(), lively(TorchAttention()), TOKENS, {}),
    "nnx attention": lambda: (NnxAttention(), lively(TorchAttention()), TOKENS, {}),
}  # fmt: skip
