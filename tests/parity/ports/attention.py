"""Attention written out, with causal masks and with padding."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import linen
from torch import nn
from torch.nn import functional

from tests.parity.ports.functions import exact_gelu
from tests.parity.ports.port import Pair, Port, constants, wrong
from tests.parity.right_pairs import lively, normal

OUTPUT = "output output"


class Block(nn.Module):
    """A pre-norm transformer block with causal attention of two heads."""

    def __init__(self, width=8, heads=2):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def attend(self, x):
        n, t, d = x.shape
        split = lambda y: y.view(n, t, self.heads, d // self.heads).transpose(1, 2)
        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = q @ k.transpose(-2, -1) / math.sqrt(d // self.heads)
        may_not = torch.triu(torch.ones(t, t, dtype=torch.bool), diagonal=1)
        weights = functional.softmax(scores.masked_fill(may_not, float("-inf")), dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, t, d))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


def causal(t):
    return jnp.tril(jnp.ones((t, t), bool))


def none_masked(t):
    return jnp.ones((t, t), bool)


def one_ahead(t):
    return jnp.tril(jnp.ones((t, t), bool), k=1)


def layer_norm(p, x, epsilon, axis=-1):
    mean, variance = jnp.mean(x, axis, keepdims=True), jnp.var(x, axis, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + epsilon) * p["scale"] + p["bias"]


def block(
    params, x, *, epsilons, divisor, mask, axis, activation, transposed, swapped, without_bias,
    norm_axis,
):  # fmt: skip
    def dense(name, x):
        w = params[name]["w"].T if name == transposed else params[name]["w"]
        return x @ w if name == without_bias else x @ w + params[name]["b"]

    def attend(x):
        n, t, d = x.shape
        q, k, v = (
            dense(swapped.get(name, name), x).reshape(n, t, 2, d // 2)
            for name in ("query", "key", "value")
        )
        scores = jnp.einsum("nqhd,nkhd->nhqk", q, k) / divisor
        weights = jax.nn.softmax(jnp.where(mask(t), scores, -jnp.inf), axis=axis)
        return dense("proj", jnp.einsum("nhqk,nkhd->nqhd", weights, v).reshape(n, t, d))

    x = x + attend(layer_norm(params["norm1"], x, epsilons[0], norm_axis))
    hidden = activation(dense("up", layer_norm(params["norm2"], x, epsilons[1])))
    return x + dense("down", hidden)


def transformer_block_of_functions(
    *, seed=0, scale=1.0, epsilons=(1e-5, 1e-5), divisor=2.0, mask=causal, axis=-1,
    activation=exact_gelu, transposed="", swapped=None, without_bias="", norm_axis=-1,
) -> Pair:  # fmt: skip
    def ours(params, x):
        return block(
            params, x, epsilons=epsilons, divisor=divisor, mask=mask, axis=axis,
            activation=activation, transposed=transposed, swapped=swapped or {},
            without_bias=without_bias, norm_axis=norm_axis,
        )  # fmt: skip

    draws = iter(range(100))
    drawn = lambda *shape: normal(*shape, scale=0.5, seed=[seed, next(draws)])
    dense = lambda n, m: {"w": drawn(n, m), "b": drawn(m)}
    norm = lambda: {"scale": 1 + drawn(8), "bias": drawn(8)}
    params = {name: dense(8, 8) for name in ("query", "key", "value", "proj")}
    params |= {"norm1": norm(), "norm2": norm(), "up": dense(8, 16), "down": dense(16, 8)}
    x = normal(2, 5, 8, scale=scale, seed=seed)
    return ours, Block(), x, {"params": params, "seed": seed}


def each(cause, setting, *names):
    """One mutant for each module of a function without layers."""
    return tuple(m for name in names for m in wrong(cause, OUTPUT, setting, name, module=name))


def block_epsilons(module, position, *values):
    pair = lambda e: (e, 1e-5) if position == 0 else (1e-5, e)
    return tuple(
        mutant
        for e in values
        for mutant in wrong(
            "normalization-epsilon", OUTPUT, "epsilons", pair(e), module=module, constant=e
        )
    )


TRANSFORMER = Port(
    transformer_block_of_functions,
    (
        *block_epsilons("norm1", 0, 1e-6, 1e-3, 3e-6),
        *block_epsilons("norm2", 1, 1e-6, 1e-12, 1e-4),
        *constants("attention-scale", OUTPUT, "divisor", math.sqrt(8), 1.0, 4.0, module=""),
        *wrong("attention-mask", OUTPUT, "mask", none_masked, module=""),
        *wrong("attention-mask", OUTPUT, "mask", one_ahead, module=""),
        *wrong("softmax-axis", OUTPUT, "axis", 1, module=""),
        *wrong("gelu-approximation", OUTPUT, "activation", jax.nn.gelu, module=""),
        *wrong("activation-different", OUTPUT, "activation", jax.nn.relu, jax.nn.silu, module=""),
        *each("kernel-transposed", "transposed", "query", "key", "value", "proj"),
        *each("bias-missing", "without_bias", "query", "value", "proj", "up", "down"),
        *wrong(
            "parameters-permuted", OUTPUT, "swapped", {"query": "key", "key": "query"},
            module="query",
        ),
        *wrong(
            "parameters-permuted", OUTPUT, "swapped", {"key": "value", "value": "key"},
            module="key",
        ),
        *wrong("normalization-axis", OUTPUT, "norm_axis", 1, module="norm1"),
    ),
    scales=(1e-3, 1.0, 30.0),
)  # fmt: skip


class Encoder(nn.Module):
    """A post-norm encoder layer around PyTorch's own attention, with padding masked."""

    def __init__(self, width=8):
        super().__init__()
        self.embed = nn.Embedding(11, width)
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, 12)
        self.fc2 = nn.Linear(12, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)

    def forward(self, tokens):
        x = self.embed(tokens)
        keep = (tokens != 0)[:, None, :].expand(-1, tokens.shape[1], -1)
        y = functional.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x), keep)
        x = self.norm1(x + y)
        return self.norm2(x + self.fc2(functional.relu(self.fc1(x))))


class LinenEncoder(linen.Module):
    """The forward pass of `Encoder`, with its names."""

    epsilons: tuple = (1e-6, 1e-6)
    divisor: float = math.sqrt(8)
    polarity: bool = True
    masked: bool = True
    axis: int = -1
    activation: object = linen.relu
    order: tuple = ("q", "k", "v")
    has_bias: tuple = (True, True, True, True)

    def setup(self):
        self.embed = linen.Embed(11, 8)
        query, key, up, down = self.has_bias
        self.q = linen.Dense(8, use_bias=query)
        self.k, self.v = linen.Dense(8, use_bias=key), linen.Dense(8)
        self.fc1, self.fc2 = linen.Dense(12, use_bias=up), linen.Dense(8, use_bias=down)
        self.norm1 = linen.LayerNorm(self.epsilons[0])
        self.norm2 = linen.LayerNorm(self.epsilons[1])

    def __call__(self, tokens):
        x = self.embed(tokens)
        q, k, v = (getattr(self, name)(x) for name in self.order)
        scores = q @ jnp.swapaxes(k, 1, 2) / self.divisor
        if self.masked:
            keep = jnp.equal(tokens != 0, self.polarity)[:, None, :]
            scores = jnp.where(keep, scores, -jnp.inf)
        x = self.norm1(x + jax.nn.softmax(scores, self.axis) @ v)
        return self.norm2(x + self.fc2(self.activation(self.fc1(x))))


TOKENS = np.array([[1, 5, 7, 0, 0], [2, 3, 0, 9, 10], [4, 0, 6, 8, 0]])


def attention_with_padding_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    theirs = lively(Encoder())
    with torch.no_grad():
        theirs.embed.weight.mul_(scale)
    return LinenEncoder(**settings), theirs, TOKENS, {"seed": seed}


ENCODER = Port(
    attention_with_padding_in_linen,
    (
        *wrong("normalization-epsilon", "layer norm1", "epsilons", (1e-5, 1e-6), constant=1e-5),
        *wrong("normalization-epsilon", "layer norm1", "epsilons", (1e-12, 1e-6), constant=1e-12),
        *wrong("normalization-epsilon", "layer norm2", "epsilons", (1e-6, 1e-5), constant=1e-5),
        *wrong("normalization-epsilon", "layer norm2", "epsilons", (1e-6, 3e-7), constant=3e-7),
        *wrong("attention-scale", "layer norm1", "divisor", 1.0, 8.0, 2.0),
        *wrong("attention-mask", "layer norm1", "polarity", False),
        *wrong("attention-mask", "layer norm1", "masked", False),
        *wrong("activation-different", "layer fc2", "activation", exact_gelu, linen.silu),
        *wrong("activation-missing", "layer fc2", "activation", lambda x: x),
        *wrong("parameters-permuted", "layer norm1", "order", ("k", "q", "v")),
        *wrong("bias-missing", "layer q", "has_bias", (False, True, True, True)),
        *wrong("bias-missing", "layer fc1", "has_bias", (True, True, False, True)),
        *wrong("bias-missing", "layer fc2", "has_bias", (True, True, True, False)),
    ),
)


PORTS = (TRANSFORMER, ENCODER)
