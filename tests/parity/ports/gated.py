"""Embeddings, RMS norm and gated feed-forward layers."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn
from torch.nn import functional

from tests.parity.ports.functions import exact_gelu
from tests.parity.ports.port import Pair, Port, wrong
from tests.parity.right_pairs import lively


class Gated(nn.Module):
    """Embedding, RMS norm, SwiGLU, as today's language models have them."""

    def __init__(self, width=6, hidden=10):
        super().__init__()
        self.embed = nn.Embedding(9, width)
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.final = nn.RMSNorm(width, eps=1e-6)

    def forward(self, tokens):
        x = self.embed(tokens)
        y = self.norm(x)
        x = x + self.down(functional.silu(self.gate(y)) * self.up(y))
        return self.final(x)


class Embed(nnx.Module):
    """By hand: Flax's own is cast to float32 wherever it is used."""

    def __init__(self, size, width, padding, rngs):
        self.embedding = nnx.Param(0.1 * jax.random.normal(rngs.params(), (size, width)))
        self.padding = padding

    def __call__(self, tokens):
        rows = self.embedding[tokens]
        if self.padding is None:
            return rows
        return jnp.where((tokens == self.padding)[..., None], jax.lax.stop_gradient(rows), rows)


class RMSNorm(nnx.Module):
    """By hand, as Flax's own computes the same."""

    def __init__(self, width, epsilon, axis=-1, has_scale=True):
        self.scale = nnx.Param(jnp.ones(width)) if has_scale else None
        self.epsilon, self.axis = epsilon, axis

    def __call__(self, x):
        mean_square = jnp.mean(x * x, axis=self.axis, keepdims=True)
        y = x * jax.lax.rsqrt(mean_square + self.epsilon)
        return y if self.scale is None else y * self.scale[...]


class NnxGated(nnx.Module):
    def __init__(self, epsilons, activation, exchanged, axis, has_scale, padding, rngs):
        dense = lambda n, m: nnx.Linear(n, m, use_bias=False, rngs=rngs)
        self.embed = Embed(9, 6, padding, rngs)
        self.norm = RMSNorm(6, epsilons[0], axis, has_scale)
        self.gate, self.up, self.down = dense(6, 10), dense(6, 10), dense(10, 6)
        self.final = RMSNorm(6, epsilons[1])
        self.activation, self.exchanged = activation, exchanged

    def __call__(self, tokens):
        x = self.embed(tokens)
        y = self.norm(x)
        gate, up = (self.up, self.gate) if self.exchanged else (self.gate, self.up)
        x = x + self.down(self.activation(gate(y)) * up(y))
        return self.final(x)


def swiglu_and_rms_norm_in_nnx(
    *, seed=0, scale=1.0, epsilons=(1e-5, 1e-6), activation=nnx.silu, exchanged=False, axis=-1,
    has_scale=True, padding=None,
) -> Pair:  # fmt: skip
    theirs = lively(Gated())
    with torch.no_grad():
        theirs.embed.weight.mul_(scale)
    ours = NnxGated(epsilons, activation, exchanged, axis, has_scale, padding, nnx.Rngs(seed))
    return ours, theirs, np.array([[1, 2, 6, 8], [0, 0, 3, 5]]), {"seed": seed}


def rms_epsilons(place, position, *values):
    pair = lambda e: (e, 1e-6) if position == 0 else (1e-5, e)
    return tuple(
        m
        for e in values
        for m in wrong("normalization-epsilon", place, "epsilons", pair(e), constant=e)
    )


GATED = Port(
    swiglu_and_rms_norm_in_nnx,
    (
        *rms_epsilons("layer norm", 0, 1e-6, 1e-8, 3e-6, 1e-3),
        *rms_epsilons("layer final", 1, 1e-5, 1e-8, 1e-12),
        *wrong("activation-different", "layer down", "activation", nnx.gelu, exact_gelu),
        *wrong("activation-different", "layer down", "activation", nnx.sigmoid, nnx.relu),
        *wrong("activation-missing", "layer down", "activation", lambda x: x),
        *wrong("parameters-permuted", "layer down", "exchanged", True),
        *wrong("normalization-axis", "layer norm", "axis", 1, (1, 2)),
        *wrong("scale-missing", "layer norm", "has_scale", False),
        *wrong("embedding-padding", "parameter gradient embed/embedding", "padding", 0),
    ),
)

PORTS = (GATED,)
