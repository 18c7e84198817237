"""Pairs that compute the same: `name -> (jax_side, torch_side, inputs, settings of compare)`.

Each makes its pair anew, so that no test sees what another has changed.
"""

import jax.numpy as jnp
import numpy as np
import torch
from flax import linen, nnx
from torch import nn
from torch.nn import functional

from jaxnn import activations, layers, models
from tests.parity import strangers
from torch_port import layers as torch_layers
from torch_port import models as torch_models


def normal(*shape, scale=1.0, seed=0):
    return scale * np.random.default_rng(seed).standard_normal(shape, np.float32)


X = normal(8, 5)
IMAGES = np.random.default_rng(1).integers(0, 256, (4, 28, 28), np.uint8)


def lively(module):
    """The module with no parameter and no statistic at the 0 or 1 that it begins with."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point() and name not in ("mean", "std"):
                noise = 0.3 * torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype)
                tensor.add_(noise)
    return module


def twins(depth=1, norm=False, rate=0.0, train=False, scale=1.0):
    sizes = (5, *[6] * depth, 3)
    ours = models.mlp(sizes, batch_norm=norm, dropout=rate)
    theirs = torch_models.MLP(sizes, batch_norm=norm, dropout=rate)
    return ours, lively(theirs), normal(8, 5, scale=scale), {"train": train}


def activation(name):
    ours = layers.serial(layers.dense(5, 6), layers.activation(getattr(activations, name)))
    functions = {"leaky_relu": nn.LeakyReLU(), "softmax": nn.Softmax(-1), "gelu": nn.GELU()}
    theirs = functions.get(name) or torch_layers.Activation(getattr(functional, name))
    return ours, nn.Sequential(nn.Linear(5, 6), theirs), X, {}


def simple_nn(train):
    return models.simple_nn(), lively(torch_models.SimpleNN()), IMAGES, {"train": train}


def linen_pair(norm="", train=False, scale=1.0, rate=0.0, activation=(linen.relu, torch.relu)):
    norms = {"": None, "layer": nn.LayerNorm(6), "batch": nn.BatchNorm1d(6)}
    ours = strangers.LinenPerceptron(norm, activation[0], rate)
    theirs = lively(strangers.Perceptron(norms[norm], activation[1], rate))
    return ours, theirs, normal(8, 5, scale=scale), {"train": train}


def nnx_pair(norm="", train=False, scale=1.0, rate=0.0):
    norms = {"": None, "layer": nn.LayerNorm(6), "batch": nn.BatchNorm1d(6)}
    flax_norms = {
        "": lambda: None,
        "layer": lambda: nnx.LayerNorm(6, epsilon=1e-5, rngs=nnx.Rngs(0)),
        "batch": lambda: nnx.BatchNorm(6, momentum=0.9, rngs=nnx.Rngs(0)),
    }
    ours = strangers.NnxPerceptron(flax_norms[norm](), rate=rate)
    theirs = lively(strangers.Perceptron(norms[norm], rate=rate))
    return ours, theirs, normal(8, 5, scale=scale), {"train": train}


def with_params():
    ours = strangers.LinenPerceptron("layer")
    params = ours.init({"params": np.uint32([0, 1])}, jnp.asarray(X))["params"]
    return ours, strangers.Perceptron(nn.LayerNorm(6)), X, {"params": params}


def listed_params():
    pairs = [(normal(5, 6, seed=1), normal(6, seed=2)), (normal(6, 3, seed=3), normal(3, seed=4))]
    return strangers.two_layers, strangers.Perceptron(), X, {"params": pairs}


def named_params():
    params = {"w": normal(5, 3, seed=1), "b": normal(3, seed=2)}
    return strangers.affine, strangers.HandWritten(), X, {"params": params}


def embedding():
    ours = nnx.Embed(7, 4, rngs=nnx.Rngs(0))
    return ours, nn.Embedding(7, 4), np.array([[1, 2, 6], [0, 0, 3]]), {}


def convolutions():
    ours, theirs = strangers.LinenConvolutions(), strangers.Convolutions()
    return ours, theirs, normal(3, 6, 6, 2), {}


def branches(train=False):
    ours = layers.serial(
        layers.residual(layers.serial(layers.dense(5, 5), layers.layer_norm(5))),
        layers.branches(layers.dense(5, 3), layers.dense(5, 3), combine=sum),
    )
    theirs = nn.Sequential(
        torch_layers.Residual(nn.Sequential(nn.Linear(5, 5), nn.LayerNorm(5))),
        torch_layers.Branches(nn.Linear(5, 3), nn.Linear(5, 3), combine=sum),
    )
    return ours, lively(theirs), X, {"train": train}


def commuted():
    """Dropout and ReLU in another order: the outputs between them differ, the whole does not."""
    ours = layers.serial(
        layers.dense(5, 6), layers.dropout(0.5), layers.activation(activations.relu)
    )
    return ours, nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Dropout(0.5)), X, {"train": True}


def ill_conditioned():
    """The difference of values that nearly cancel."""
    x = np.float32(1e3) + normal(8, 5, scale=1e-2)
    return (
        lambda x: jnp.var(x, axis=-1),
        lambda x: torch.var(x, dim=-1, correction=0),
        x,
        {},
    )


def zero_gradient():
    """A dense bias before batch norm has the gradient 0, and rounding makes it noise."""
    return twins(depth=2, norm=True, train=True, scale=1e3)


def function(ours, theirs, *inputs):
    return lambda: (ours, theirs, tuple(inputs), {})


POSITIVE = np.abs(X) + np.float32(0.1)
LABELS = np.random.default_rng(2).integers(0, 5, 8)

RIGHT_PAIRS = {
    **{
        f"twins, depth {depth}, norm {norm}, dropout {rate}, train {train}": (
            lambda depth=depth, norm=norm, rate=rate, train=train: twins(depth, norm, rate, train)
        )
        for depth, norm, rate, train in [
            (0, False, 0.0, False),
            (1, False, 0.0, False),
            (1, True, 0.5, False),
            (1, True, 0.5, True),
            (6, False, 0.0, False),
            (6, True, 0.1, True),
        ]
    },
    **{
        f"twins, inputs times {scale}": lambda s=scale: twins(2, True, 0.2, True, s)
        for scale in (1e-3, 1e3)
    },
    **{
        f"activation {name}": lambda name=name: activation(name)
        for name in ["relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "softmax", "tanh"]
    },
    "uint8 images": lambda: simple_nn(False),
    "uint8 images in training": lambda: simple_nn(True),
    "residuals and branches": branches,
    "commuted layers": commuted,
    "nearly cancelling values": ill_conditioned,
    "a gradient that is noise": zero_gradient,
    **{
        f"linen {norm} norm, train {train}": lambda n=norm, t=train: linen_pair(n, t, rate=0.5)
        for norm in ("", "layer", "batch")
        for train in ((False,) if norm == "batch" else (False, True))
    },
    **{
        f"linen, inputs times {scale}": lambda s=scale: linen_pair("layer", scale=s)
        for scale in (1e-3, 1e3)
    },
    "linen with gelu": lambda: linen_pair(
        activation=(lambda x: linen.gelu(x, approximate=False), functional.gelu)
    ),
    "linen to PyTorch": with_params,
    **{
        f"nnx {norm} norm, train {train}": lambda n=norm, t=train: nnx_pair(n, t, rate=0.5)
        for norm in ("", "layer", "batch")
        for train in ((False,) if norm == "batch" else (False, True))
    },
    "linen tower": lambda: (strangers.LinenTower(3), strangers.Tower(3), X, {}),
    "nnx tower": lambda: (strangers.NnxTower(3), strangers.Tower(3), X, {}),
    "convolutions": convolutions,
    "embedding": embedding,
    "parameters in a list": listed_params,
    "parameters in a dictionary": named_params,
    "softmax": function(lambda x: jnp.exp(x) / jnp.exp(x).sum(-1, keepdims=True),
                        lambda x: x.softmax(-1), X),
    "two inputs": function(lambda x, y: x @ y.T, lambda x, y: x @ y.T, X, normal(4, 5, seed=3)),
    "several outputs": function(lambda x: (jnp.sin(x), x.sum()), lambda x: (x.sin(), x.sum()), X),
    "logarithms": function(jnp.log, torch.log, POSITIVE),
    "integer input": function(
        lambda x, y: -jnp.take_along_axis(x - jnp.log(jnp.exp(x).sum(1, keepdims=True)),
                                          y[:, None], 1).mean(),
        functional.cross_entropy, X, LABELS),
}  # fmt: skip
