"""Rows for what is drawn at random: both sides draw from one distribution, each its own numbers."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from jaxnn import data, initializers, layers
from torch_port import data as torch_data
from torch_port import initializers as torch_initializers
from torch_port import layers as torch_layers

IN, OUT = 300, 200

ONE_PIXEL = torch.zeros(20_000, 7, 7, dtype=torch.uint8)
ONE_PIXEL[:, 3, 3] = 1


class Draw(NamedTuple):
    """Numbers of both sides: `ours(key)` and `theirs(generator)`, arrays of any shape."""

    ours: Callable
    theirs: Callable


def initial(name, *settings, shape=(IN, OUT)):
    """An initialiser of each side; PyTorch's kernel is (out, in)."""
    ours, theirs = getattr(initializers, name), getattr(torch_initializers, name)
    if settings:
        ours, theirs = ours(*settings), theirs(*settings)
    return Draw(lambda key: ours(key, shape), lambda generator: theirs(generator, shape[::-1]))


def orthogonality(name):
    """How far the products of the columns (of a wide kernel, the rows) are from those of I."""
    ours, theirs = getattr(initializers, name), getattr(torch_initializers, name)
    products = lambda rows: np.round(np.asarray(rows @ rows.T), 4)
    return Draw(
        lambda key: products(ours(key, (OUT, IN))),
        lambda generator: products(theirs(generator, (IN, OUT)).T),
    )


STATISTICS = {
    "initializers.zeros": initial("zeros"),
    "initializers.constant": initial("constant", 0.5),
    "initializers.normal": initial("normal", 0.01),
    "initializers.truncated_normal": initial("truncated_normal", 0.01),
    "initializers.uniform": initial("uniform", 0.1),
    "initializers.lecun_normal": initial("lecun_normal"),
    "initializers.lecun_uniform": initial("lecun_uniform"),
    "initializers.glorot_normal": initial("glorot_normal"),
    "initializers.glorot_uniform": initial("glorot_uniform"),
    "initializers.he_normal": initial("he_normal"),
    "initializers.he_uniform": initial("he_uniform"),
    "initializers.orthogonal": initial("orthogonal"),
    "initializers.orthogonal products": orthogonality("orthogonal"),
    "initializers.torch_linear": initial("torch_linear"),
    "initializers.torch_linear_bias": initial("torch_linear_bias", 100, shape=(40_000,)),
    "layers.keep_mask": Draw(
        lambda key: layers.keep_mask(key, 0.3, (60_000,)),
        lambda generator: torch_layers.keep_mask(generator, 0.3, (60_000,)),
    ),
    "layers.dense": Draw(
        lambda key: layers.dense(IN, OUT).init(key)[0]["kernel"],
        lambda generator: torch_layers.Dense(IN, OUT, generator=generator).weight.detach(),
    ),
    "data.permutation": Draw(
        lambda key: data.permutation(key, 3, 50_000)[:20_000] / 50_000,
        lambda generator: (
            torch_data.permutation(generator.initial_seed(), 3, 50_000)[:20_000] / 50_000
        ),
    ),
    "data.shift_images": Draw(
        lambda key: data.shift_images(key, ONE_PIXEL.numpy(), 2).reshape(-1, 49).argmax(1),
        lambda generator: (
            torch_data.shift_images(generator, ONE_PIXEL, 2).reshape(-1, 49).argmax(1)
        ),
    ),
}
