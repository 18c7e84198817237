"""Activations with constants of their own, and one of many in another's place."""

import jax
import jax.numpy as jnp
from flax import linen, nnx
from torch import nn
from torch.nn import functional

from tests.parity.ports.functions import identity
from tests.parity.ports.port import Pair, Port, wrong
from tests.parity.right_pairs import normal


class LeakyNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(6, 6) for _ in range(2))
        self.act = nn.LeakyReLU()
        self.out = nn.Linear(6, 2)

    def forward(self, x):
        for block in self.blocks:
            x = x + self.act(block(x))
        return self.out(x)


class NnxLeakyNet(nnx.Module):
    def __init__(self, activations, use_bias, rngs):
        self.blocks = nnx.List(
            [nnx.Linear(6, 6, use_bias=bias, rngs=rngs) for bias in use_bias[:2]]
        )
        self.activations = activations
        self.out = nnx.Linear(6, 2, use_bias=use_bias[2], rngs=rngs)

    def __call__(self, x):
        for block, activation in zip(self.blocks, self.activations, strict=True):
            x = x + activation(block(x))
        return self.out(x)


def leaky(slope):
    def leaky_relu(x):
        return nnx.leaky_relu(x, slope)

    return leaky_relu


def leaky_relu_residuals_in_nnx(
    *, seed=0, scale=1.0, slopes=(0.01, 0.01), other=None, use_bias=(True, True, True)
) -> Pair:
    functions = [leaky(slope) if other is None else other for slope in slopes]
    ours = NnxLeakyNet(functions, use_bias, nnx.Rngs(seed))
    return ours, LeakyNet(), normal(8, 6, scale=scale, seed=seed), {"seed": seed}


def slope_in(place, position, *slopes):
    pair = lambda slope: (slope, 0.01) if position == 0 else (0.01, slope)
    return tuple(
        mutant
        for slope in slopes
        for mutant in wrong("leaky-relu-slope", place, "slopes", pair(slope), constant=slope)
    )


LEAKY = Port(
    leaky_relu_residuals_in_nnx,
    (
        *slope_in("layer blocks/1", 0, 0.2, 0.3, 0.1, 0.011),
        *slope_in("layer out", 1, 0.2, 0.3, 0.05, 1 / 5.5),
        *wrong("activation-different", "layer blocks/1", "other", nnx.gelu, nnx.elu, nnx.silu),
        *wrong("bias-missing", "layer blocks/0", "use_bias", (False, True, True)),
        *wrong("bias-missing", "layer out", "use_bias", (True, True, False)),
    ),
)


class SoftplusNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Linear(5, 3)
        self.deviation = nn.Linear(5, 3)

    def forward(self, x):
        return self.mean(x), functional.softplus(self.deviation(x))


def softplus_with_threshold(x):
    return jnp.where(x > 20, x, jax.nn.softplus(jnp.minimum(x, 20)))


class LinenSoftplusNet(linen.Module):
    positive: object = softplus_with_threshold
    first_bias: bool = True

    @linen.compact
    def __call__(self, x):
        mean = linen.Dense(3, use_bias=self.first_bias)(x)
        deviation = linen.Dense(3)(x)
        return mean, deviation if self.positive is None else self.positive(deviation)


def softplus_head_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    """The inputs are large enough for values above 20."""
    x = normal(64, 5, scale=30 * scale, seed=seed)
    return LinenSoftplusNet(**settings), SoftplusNet(), x, {"seed": seed}


SOFTPLUS = Port(
    softplus_head_in_linen,
    (
        *wrong("softplus-threshold", "output output 1", "positive", jax.nn.softplus),
        *wrong("activation-different", "output output 1", "positive", jax.nn.relu, jax.nn.elu),
        *wrong("activation-missing", "output output 1", "positive", None),
        *wrong("bias-missing", "layer Dense_0", "first_bias", False),
    ),
)


class MixedNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 5)
        self.b = nn.Linear(5, 5)
        self.c = nn.Linear(5, 5)
        self.out = nn.Linear(5, 4)

    def forward(self, x):
        x = functional.silu(self.a(x))
        x = self.b(x).tanh()
        x = functional.mish(self.c(x))
        return self.out(x).softmax(dim=-1)


class LinenMixedNet(linen.Module):
    """Called by the names that PyTorch has for its layers."""

    first: object = linen.silu
    second: object = jnp.tanh
    third: object = jax.nn.mish
    axis: int | None = -1
    order: tuple[str, str] = ("b", "c")

    def setup(self):
        self.a, self.b, self.c = linen.Dense(5), linen.Dense(5), linen.Dense(5)
        self.out = linen.Dense(4)

    def __call__(self, x):
        b, c = (getattr(self, name) for name in self.order)
        x = self.third(c(self.second(b(self.first(self.a(x))))))
        x = self.out(x)
        return x if self.axis is None else linen.softmax(x, axis=self.axis)


def silu_tanh_mish_softmax_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    return (
        LinenMixedNet(**settings),
        MixedNet(),
        normal(4, 4, scale=scale, seed=seed),
        {"seed": seed},
    )


MIXED = Port(
    silu_tanh_mish_softmax_in_linen,
    (
        *wrong("activation-different", "layer b", "first", jax.nn.relu, jax.nn.gelu),
        *wrong("activation-different", "layer b", "first", jax.nn.sigmoid, jax.nn.mish),
        *wrong("activation-different", "layer c", "second", jax.nn.hard_tanh, jax.nn.sigmoid),
        *wrong("activation-different", "layer out", "third", jax.nn.silu, jax.nn.softplus),
        *wrong("activation-missing", "layer b", "first", identity),
        *wrong("activation-missing", "layer c", "second", identity),
        *wrong("softmax-axis", "output output", "axis", 0),
        *wrong("softmax-extra", "output output", "axis", None),
        *wrong("parameters-permuted", "layer c", "order", ("c", "b")),
    ),
)

PORTS = (LEAKY, SOFTPLUS, MIXED)
