"""Multilayer perceptrons with each activation, in the four styles."""

import jax
import jax.numpy as jnp
from flax import linen
from torch import nn
from torch.nn import functional

from jaxnn import activations, layers
from tests.parity.ports.functions import exact_gelu
from tests.parity.ports.port import Pair, Port, wrong
from tests.parity.right_pairs import lively, normal


def relu_mlp(
    *, seed=0, scale=1.0, first=activations.relu, second=activations.relu, last=None,
    has_bias=(True, True, True),
) -> Pair:  # fmt: skip
    """Layers of `jaxnn`."""
    sizes = [(5, 6), (6, 7), (7, 3)]
    dense = [layers.dense(*s, use_bias=b) for s, b in zip(sizes, has_bias, strict=True)]
    acts = [[] if f is None else [layers.activation(f)] for f in (first, second, last)]
    ours = layers.serial(*[layer for d, a in zip(dense, acts, strict=True) for layer in (d, *a)])
    theirs = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 3))
    return ours, lively(theirs), normal(8, 5, scale=scale, seed=seed), {"seed": seed}


def tanh(x):
    return jnp.tanh(x)


def log_softmax(x):
    return jax.nn.log_softmax(x, axis=-1)


RELU = Port(
    relu_mlp,
    (
        *wrong("activation-different", "layer 1/gelu", "first", activations.gelu),
        *wrong("activation-different", "layer 1/silu", "first", activations.silu),
        *wrong("activation-different", "layer 1/tanh", "first", tanh),
        *wrong("activation-different", "layer 3/leaky_relu", "second", activations.leaky_relu),
        *wrong("activation-different", "layer 3/elu", "second", activations.elu),
        *wrong("activation-different", "layer 3/softplus", "second", activations.softplus),
        *wrong("activation-missing", "layer 1/dense", "first", None),
        *wrong("activation-missing", "layer 3/dense", "second", None),
        *wrong("activation-missing", "output output", "last", activations.relu, tanh),
        *wrong("activation-missing", "output output", "last", activations.sigmoid),
        *wrong("softmax-extra", "output output", "last", activations.softmax, log_softmax),
        *wrong("bias-missing", "layer 0/dense", "has_bias", (False, True, True)),
        *wrong("bias-missing", "layer 2/dense", "has_bias", (True, False, True)),
        *wrong("bias-missing", "layer 4/dense", "has_bias", (True, True, False)),
    ),
)


class GeluNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.hidden = nn.Linear(6, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = functional.gelu(self.inner(x))
        x = functional.gelu(self.hidden(x))
        return self.head(x)


def gelu_net(params, x, activation, kernel, order, has_bias):
    """A forward pass over a dictionary, as people write it."""

    def dense(name, x):
        layer = params[name]
        w = layer["w"].T if name == kernel else layer["w"]
        return x @ w + layer["b"] if name != has_bias else x @ w

    for name, function in zip(order, activation, strict=True):
        x = function(dense(name, x))
    return dense("head", x)


def gelu_mlp_of_functions(
    *, seed=0, scale=1.0, activation=(exact_gelu, exact_gelu), transposed="",
    order=("inner", "hidden"), without_bias="",
) -> Pair:  # fmt: skip
    def ours(params, x):
        return gelu_net(params, x, activation, transposed, order, without_bias)

    sizes = {"inner": (6, 6), "hidden": (6, 6), "head": (6, 3)}
    params = {
        name: {"w": normal(*shape, seed=seed + i), "b": normal(shape[1], seed=seed + 10 + i)}
        for i, (name, shape) in enumerate(sizes.items())
    }
    x = normal(8, 6, scale=scale, seed=seed)
    return ours, GeluNet(), x, {"params": params, "seed": seed}


def gelu_as(value, cause="gelu-approximation"):
    return (
        *wrong(cause, "output output", "activation", (value, exact_gelu), module=""),
        *wrong(cause, "output output", "activation", (exact_gelu, value), module=""),
    )


def in_module(cause, setting, *names):
    """One mutant for each module of a function without layers."""
    return tuple(
        mutant
        for name in names
        for mutant in wrong(cause, "output output", setting, name, module=name)
    )


GELU = Port(
    gelu_mlp_of_functions,
    (
        *gelu_as(jax.nn.gelu),
        *gelu_as(jax.nn.relu, "activation-different"),
        *gelu_as(jax.nn.silu, "activation-different"),
        *in_module("kernel-transposed", "transposed", "inner", "hidden"),
        *in_module("bias-missing", "without_bias", "inner", "hidden", "head"),
        *wrong(
            "parameters-permuted", "output output", "order", ("hidden", "inner"), module="inner"
        ),
    ),
)


class EluNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(5, 8)
        self.fc2 = nn.Linear(8, 8)
        self.fc3 = nn.Linear(8, 2)

    def forward(self, x):
        x = functional.elu(self.fc1(x))
        return self.fc3(functional.elu(self.fc2(x)))


class LinenEluNet(linen.Module):
    alpha: tuple[float, float] = (1.0, 1.0)
    activation: object = linen.elu
    last_bias: bool = True
    middle: object = linen.Dense

    @linen.compact
    def __call__(self, x):
        x = self.activation(linen.Dense(8, name="hidden_0")(x), self.alpha[0])
        x = self.activation(self.middle(8, name="hidden_1")(x), self.alpha[1])
        return linen.Dense(2, use_bias=self.last_bias, name="logits")(x)


class TransposedDense(linen.Module):
    """A dense layer whose kernel was copied without being transposed."""

    features: int

    @linen.compact
    def __call__(self, x):
        shape = (x.shape[-1], self.features)
        kernel = self.param("kernel", linen.initializers.lecun_normal(), shape)
        bias = self.param("bias", linen.initializers.zeros, shape[1:])
        return x @ kernel.T + bias


def elu_mlp_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    x = normal(8, 5, scale=scale, seed=seed)
    return LinenEluNet(**settings), EluNet(), x, {"seed": seed}


def relu_of(x, alpha):
    return linen.relu(x)


def selu_of(x, alpha):
    return jax.nn.selu(x)


def elu_in(place, position, *alphas):
    pair = lambda alpha: (alpha, 1.0) if position == 0 else (1.0, alpha)
    return tuple(
        mutant
        for alpha in alphas
        for mutant in wrong("elu-alpha", place, "alpha", pair(alpha), constant=alpha)
    )


ELU = Port(
    elu_mlp_in_linen,
    (
        # functions within a linen module are no layers: the fault shows behind the next dense
        *elu_in("layer hidden_1", 0, 0.5, 0.9, 1.5, 1.6733),
        *elu_in("layer logits", 1, 0.5, 2.0, 1.01),
        *wrong("activation-different", "layer hidden_1", "activation", selu_of, relu_of),
        *wrong("bias-missing", "layer logits", "last_bias", False),
        *wrong("kernel-transposed", "layer hidden_1", "middle", TransposedDense),
    ),
)


PORTS = (RELU, GELU, ELU)
