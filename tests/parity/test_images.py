"""Images lie channels last in JAX and channels first in PyTorch; either way may be given."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen, nnx
from torch import nn

from tests.parity.right_pairs import lively, normal
from torch_port import parity

LAST = normal(2, 6, 5, 3)
FIRST = np.moveaxis(LAST, -1, 1)


class LinenNet(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.relu(linen.Conv(4, (3, 3), padding=1)(x))
        x = linen.GroupNorm(2, epsilon=1e-5)(x)
        return linen.Conv(2, (1, 1))(x)


class NnxNet(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.one = nnx.Conv(3, 4, (3, 3), padding=1, rngs=rngs)
        self.norm = nnx.GroupNorm(4, 2, epsilon=1e-5, rngs=rngs)
        self.two = nnx.Conv(4, 2, (1, 1), rngs=rngs)

    def __call__(self, x):
        return self.two(self.norm(nnx.relu(self.one(x))))


def torch_net():
    return lively(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.GroupNorm(2, 4), nn.Conv2d(4, 2, 1)
        )
    )


@pytest.mark.parametrize(
    ("ours", "images"),
    [(LinenNet, LAST), (LinenNet, torch.from_numpy(FIRST)), (NnxNet, LAST), (NnxNet, FIRST)],
)
def test_images_are_turned_for_the_side_that_wants_them_otherwise(ours, images):
    report = parity.compare(ours(), torch_net(), images)
    assert report.verdict == "rounding", str(report)
    compared = [str(difference) for difference in report.differences]
    assert "output output | output" in compared
    assert "input gradient input 0 | input 0" in compared
    assert sum(d.kind == "layer" for d in report.differences) == 3
    assert "the images lie channels last for JAX and channels first for PyTorch" in report.notes


def test_a_fault_between_images_is_found_in_its_layer():
    theirs = torch_net()
    theirs[2].eps = 1e-3
    report = parity.compare(LinenNet(), theirs, LAST)
    assert report.verdict == "semantic"
    assert report.first.jax_path == "GroupNorm_0"


def test_images_made_of_vectors_are_turned_for_the_comparison():
    class Generator(linen.Module):
        @linen.compact
        def __call__(self, x):
            x = linen.Dense(4)(x)
            return jnp.tanh(linen.ConvTranspose(3, (3, 2), padding="VALID")(x[:, None, None, :]))

    class TorchGenerator(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense, self.up = nn.Linear(5, 4), nn.ConvTranspose2d(4, 3, (3, 2))

        def forward(self, x):
            return torch.tanh(self.up(self.dense(x)[:, :, None, None]))

    report = parity.compare(Generator(), lively(TorchGenerator()), normal(2, 5))
    assert report.verdict == "rounding", str(report)


def test_images_that_fit_nowhere_are_refused_as_they_came():
    with pytest.raises(ValueError, match="JAX side raised ValueError in its layer 'one'"):
        parity.compare(NnxNet(), torch_net(), normal(2, 6, 5, 7))


def test_a_layer_whose_images_have_another_size_is_where_the_fault_is():
    theirs = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    class Port(linen.Module):
        @linen.compact
        def __call__(self, x):
            return linen.Conv(4, (3, 3), padding="VALID")(x).mean((1, 2))

    report = parity.compare(
        Port(), theirs, np.float32(np.arange(2 * 6 * 5 * 3).reshape(2, 3, 6, 5))
    )
    assert report.first.jax_path == "Conv_0"
    assert "the shapes are" in report.first.judgement.note
    assert [cause.id for cause in report.faults[0].causes] == ["conv-padding-same"]
    assert report.faults[0].difference.jax_path == "Conv_0"
