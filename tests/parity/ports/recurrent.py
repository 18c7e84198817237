"""Recurrent cells written by hand as functions, against PyTorch's own."""

import jax
import jax.numpy as jnp
import torch
from torch import nn

from tests.parity.ports.port import Pair, Port, wrong
from tests.parity.right_pairs import normal

OUTPUT = "output output"


class Lstm(nn.Module):
    """One cell over three steps, and a head on the last hidden state."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 5)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        h = c = torch.zeros(x.shape[0], 5).to(x)
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], (h, c))
        return self.head(h)


def recurrent_params(gates, seed):
    drawn = lambda number, *shape: normal(*shape, scale=0.5, seed=[seed, number])
    return {
        "cell": {
            "weight_ih": drawn(1, gates * 5, 4),
            "weight_hh": drawn(2, gates * 5, 5),
            "bias_ih": drawn(3, gates * 5),
            "bias_hh": drawn(4, gates * 5),
        },
        "head": {"w": drawn(5, 5, 2), "b": drawn(6, 2)},
    }


def lstm_of_functions(
    *, seed=0, scale=1.0, order="ifgo", biases=("bias_ih", "bias_hh"), candidate=jnp.tanh,
    head_bias=True,
) -> Pair:  # fmt: skip
    def step(p, x, h, c):
        gates = x @ p["weight_ih"].T + h @ p["weight_hh"].T + sum(p[name] for name in biases)
        gate = dict(zip(order, jnp.split(gates, 4, axis=-1), strict=True))
        i, f, o = (jax.nn.sigmoid(gate[name]) for name in "ifo")
        c = f * c + i * candidate(gate["g"])
        return o * jnp.tanh(c), c

    def ours(params, x):
        h = c = jnp.zeros((len(x), 5), x.dtype)
        for t in range(x.shape[1]):
            h, c = step(params["cell"], x[:, t], h, c)
        y = h @ params["head"]["w"]
        return y + params["head"]["b"] if head_bias else y

    x = normal(3, 3, 4, scale=scale, seed=seed)
    return ours, Lstm(), x, {"params": recurrent_params(4, seed), "seed": seed}


LSTM = Port(
    lstm_of_functions,
    (
        *wrong("lstm-gate-order", OUTPUT, "order", "ifog", "igfo", "fiog", module="cell"),
        *wrong(
            "recurrent-double-bias",
            OUTPUT,
            "biases",
            ("bias_hh",),
            ("bias_ih",),
            module="cell",
            also=("bias-missing",),
            reason="of two biases that are added, one is left out",
        ),
        *wrong("bias-missing", OUTPUT, "head_bias", False, module="head"),
    ),
)


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(4, 5)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 5).to(x)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.head(h)


def gru_of_functions(
    *, seed=0, scale=1.0, order="rzn", reset="after", summed="", head_bias=True
) -> Pair:
    def step(p, x, h):
        b_ih, b_hh = p["bias_ih"], p["bias_hh"]
        if summed:
            both, none = b_ih + b_hh, jnp.zeros_like(b_ih)
            b_ih, b_hh = (both, none) if summed == "input" else (none, both)
        from_x = jnp.split(x @ p["weight_ih"].T + b_ih, 3, axis=-1)
        from_h = jnp.split(h @ p["weight_hh"].T + b_hh, 3, axis=-1)
        kernel = jnp.split(p["weight_hh"], 3)[order.index("n")]
        bias = jnp.split(b_hh, 3)[order.index("n")]
        xs, hs = dict(zip(order, from_x, strict=True)), dict(zip(order, from_h, strict=True))
        r, z = jax.nn.sigmoid(xs["r"] + hs["r"]), jax.nn.sigmoid(xs["z"] + hs["z"])
        if reset == "after":
            n = jnp.tanh(xs["n"] + r * hs["n"])
        else:
            n = jnp.tanh(xs["n"] + (r * h) @ kernel.T + bias)
        return (1 - z) * n + z * h

    def ours(params, x):
        h = jnp.zeros((len(x), 5), x.dtype)
        for t in range(x.shape[1]):
            h = step(params["cell"], x[:, t], h)
        y = h @ params["head"]["w"]
        return y + params["head"]["b"] if head_bias else y

    x = normal(3, 3, 4, scale=scale, seed=seed)
    return ours, Gru(), x, {"params": recurrent_params(3, seed), "seed": seed}


GRU = Port(
    gru_of_functions,
    (
        *wrong("lstm-gate-order", OUTPUT, "order", "zrn", "nzr", module="cell"),
        *wrong("gru-reset-order", OUTPUT, "reset", "before", module="cell"),
        *wrong("recurrent-double-bias", OUTPUT, "summed", "input", "hidden", module="cell"),
        *wrong("bias-missing", OUTPUT, "head_bias", False, module="head"),
    ),
)

PORTS = (LSTM, GRU)
