"""Wrong ports as people make them: `name -> (jax_side, torch_side, inputs, settings, where)`.

`where` is the kind of the first difference, and its path on the JAX side.
"""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn
from torch.nn import functional

from jaxnn import activations, layers
from tests.parity import strangers
from tests.parity.right_pairs import IMAGES, POSITIVE, X, lively, normal


def dense_around(layer, ours, norm=None):
    """A network of `jaxnn` and one of PyTorch with another layer in the middle."""
    model = layers.serial(layers.dense(5, 6), ours, layers.dense(6, 3))
    return model, lively(nn.Sequential(nn.Linear(5, 6), layer, nn.Linear(6, 3)))


def in_the_middle(layer, ours, path, kind="layer", train=False, inputs=X):
    return lambda: (*dense_around(layer(), ours), inputs, {"train": train}, (kind, path))


def activation(layer, function, name):
    return in_the_middle(layer, layers.activation(function), f"1/{name}")


def gelu(x):
    return activations.gelu(x, approximate=True)


def linen_fault(norm, where, *, train=False, scale=1.0, **settings):
    norms = {"": None, "layer": nn.LayerNorm(6), "batch": nn.BatchNorm1d(6)}

    def make():
        ours = strangers.LinenPerceptron(norm, **settings)
        theirs = lively(strangers.Perceptron(norms[norm]))
        return ours, theirs, normal(8, 5, scale=scale), {"train": train}, where

    return make


class Transposed(nn.Linear):
    """A square weight that should have been transposed."""

    def forward(self, x):
        return functional.linear(x, self.weight.T, self.bias)


def transposed():
    ours = layers.serial(layers.dense(5, 5), layers.activation(jnp.tanh), layers.dense(5, 5))
    theirs = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), Transposed(5, 5))
    return ours, theirs, X, {}, ("layer", "2/dense")


def bias_missing():
    ours = layers.serial(layers.dense(5, 6), layers.dense(6, 3, use_bias=False))
    return ours, nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 3)), X, {}, ("parameter", "")


def bias_missing_in_torch():
    ours = strangers.LinenPerceptron()
    theirs = strangers.Perceptron()
    theirs.hidden = nn.Linear(5, 6, bias=False)
    return ours, theirs, X, {}, ("parameter", "Dense_0/bias")


def flatten_order():
    theirs = strangers.Convolutions(order=(0, 1, 2, 3))  # channels first
    return strangers.LinenConvolutions(), theirs, normal(3, 6, 6, 2), {}, ("layer", "Dense_0")


def running_variance():
    ours = nnx.BatchNorm(5, momentum=0.9, rngs=nnx.Rngs(0))
    where = ("statistic", "var")
    return ours, lively(nn.BatchNorm1d(5)), X, {"train": True}, where


def dropout(torch_rate, rate):
    ours = layers.serial(layers.dense(5, 6), layers.dropout(rate), layers.dense(6, 3))
    theirs = nn.Sequential(nn.Linear(5, 6), nn.Dropout(torch_rate), nn.Linear(6, 3))
    return ours, theirs, X, {"train": True}, ("layer", "1/dropout")


def dropout_missing():
    ours = strangers.LinenPerceptron(rate=0.5)
    return ours, strangers.Perceptron(), X, {"train": True}, ("layer", "Dropout_0")


def pixels():
    ours = layers.serial(layers.normalize_images(0.5, 0.5), layers.flatten(), layers.dense(784, 3))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(784, 3)

        def forward(self, x):
            return self.out((x.to(self.out.weight.dtype) / 255).flatten(1))

    return ours, Net(), IMAGES, {}, ("layer", "2/dense")


def swapped():
    """Two layers of the same shape, used in the other order."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(5, 5), nn.Linear(5, 5)

        def forward(self, x):
            return torch.tanh(self.b(torch.relu(self.a(x))))

    ours = layers.serial(
        layers.dense(5, 5),
        layers.activation(jnp.tanh),
        layers.dense(5, 5),
        layers.activation(jax.nn.relu),
    )
    return ours, Net(), X, {}, ("layer", "2/dense")


def function(ours, theirs, *inputs, where=("output", "output")):
    return lambda: (ours, theirs, tuple(inputs), {}, where)


KINKS = np.float32([-1.0, 0.0, 2.0])

FAULTS = {
    "gelu by tanh": activation(nn.GELU, gelu, "gelu"),
    "layer norm's epsilon": linen_fault("layer", ("layer", "LayerNorm_0"), epsilon=1e-6),
    "epsilon 1.0001e-5": linen_fault("layer", ("layer", "LayerNorm_0"), epsilon=1.0001e-5),
    "epsilon at small inputs": linen_fault(
        "layer", ("layer", "LayerNorm_0"), epsilon=1e-6, scale=1e-3
    ),
    "epsilon at large inputs": linen_fault(
        "layer", ("layer", "LayerNorm_0"), epsilon=1e-6, scale=1e3
    ),
    "batch norm's momentum": linen_fault(
        "batch", ("statistic", "BatchNorm_0/mean"), train=True, momentum=0.99
    ),
    "batch norm's running variance": running_variance,
    "batch norm for layer norm": in_the_middle(
        lambda: nn.BatchNorm1d(6, affine=True, track_running_stats=False), layers.layer_norm(6),
        "1/layer_norm",
    ),
    "an activation forgotten": linen_fault("", ("layer", "Dropout_0"), activation=lambda x: x),
    "a square weight transposed": transposed,
    "a bias missing": bias_missing,
    "a bias missing in PyTorch": bias_missing_in_torch,
    "flatten order": flatten_order,
    "keep for drop": lambda: dropout(0.2, 0.8),
    "dropout missing": dropout_missing,
    "pixels not normalised": pixels,
    "layers swapped": swapped,
    "a constant one part in 1e7 off": function(
        lambda x: jnp.log(x) * (1 + 1e-7), torch.log, POSITIVE
    ),
    "arguments swapped": function(lambda x, y: x - y, lambda x, y: y - x, X, POSITIVE),
    "another shape": function(lambda x: x.sum(0), lambda x: x.sum(0, keepdim=True), X),
    "the gradient at a kink": function(
        jnp.abs, torch.abs, KINKS, where=("input gradient", "input 0")
    ),
    "the gradient stopped": function(
        lambda x: x * jax.lax.stop_gradient(x), lambda x: x * x, X,
        where=("input gradient", "input 0"),
    ),
    "not a number on one side": function(
        lambda x: x / jnp.linalg.norm(x), lambda x: functional.normalize(x, dim=0), 0 * KINKS
    ),
}  # fmt: skip
