"""Layers as either framework has them, that compute the same from the same parameters.

`name -> (jax_side, torch_side, inputs, settings of compare)`, as in `right_pairs`.
"""

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
        for out in (3, 4)
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
        for out in (3, 4)
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
