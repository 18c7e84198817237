"""Recurrent cells: the order of their gates, their biases, where the reset gate stands."""

from collections.abc import Iterator
from itertools import permutations

import torch
from torch.nn import functional

from torch_port.parity.catalogue.changes import (
    instead,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call


def _gates(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "chunk" and call["sizes"] in (3, 4):
        count = call["sizes"]
        for order in [*permutations(range(count))][1:]:
            turn = lambda c, o=order: tuple(c()[i] for i in o)
            yield instead(call, turn, f"the gates in the order {order}")
    count = {"lstm_cell": 4, "gru_cell": 3, "lstm": 4, "gru": 3}.get(call.name)
    for order in [*permutations(range(count))][1:] if count else ():
        yield instead(call, _with_gates(order), f"the gates in the order {order}")


def _with_gates(order: tuple[int, ...]):
    def turned(tensor):
        if not isinstance(tensor, torch.Tensor) or tensor.shape[0] % len(order):
            return tensor
        blocks = tensor.chunk(len(order))
        return torch.cat([blocks[i] for i in order])

    def change(call: Call):
        if call.name in ("lstm", "gru"):
            return call(params=[turned(p) for p in call["params"]])
        names = ("w_ih", "w_hh", "b_ih", "b_hh")
        return call(**{name: turned(call[name]) for name in names})

    return change


def _double_bias(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name not in ("gru_cell", "lstm_cell") or not isinstance(call["b_ih"], torch.Tensor):
        return
    for argument in ("b_ih", "b_hh"):
        zeros = lambda c, a=argument: c(**{a: torch.zeros_like(c[a])})
        yield instead(call, zeros, f"no {argument}")
    both = lambda c: c["b_ih"] + c["b_hh"]
    none = lambda c: torch.zeros_like(c["b_ih"])
    yield instead(call, lambda c: c(b_ih=none(c), b_hh=both(c)), "both biases on the hidden side")
    yield instead(call, lambda c: c(b_ih=both(c), b_hh=none(c)), "both biases on the input side")


def _reset_before(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "gru_cell":
        yield instead(call, _gru_of_cho, "the reset gate applied before the product")


def _gru_of_cho(call: Call) -> torch.Tensor:
    x, h = call["input"], call["hx"]
    zeros = torch.zeros(3 * h.shape[-1]).to(x)
    b_ih, b_hh = (zeros if call[b] is None else call[b] for b in ("b_ih", "b_hh"))
    w_r, w_z, w_n = call["w_hh"].chunk(3)
    b_r, b_z, b_n = b_hh.chunk(3)
    i_r, i_z, i_n = functional.linear(x, call["w_ih"], b_ih).chunk(3, -1)
    r = torch.sigmoid(i_r + h @ w_r.T + b_r)
    z = torch.sigmoid(i_z + h @ w_z.T + b_z)
    n = torch.tanh(i_n + (r * h) @ w_n.T + b_n)
    return (1 - z) * n + z * h


ENTRIES = (
    Entry(
        "recurrent-double-bias",
        "the biases of a recurrent cell are put together otherwise",
        "PyTorch's cells have b_ih and b_hh. Their sum is what counts, but in a GRU's candidate "
        "gate the reset gate multiplies b_hh alone.",
        "keep both biases of the candidate gate apart (the hidden one inside the reset)",
        "put the sum into one of the two and zeros into the other, as the JAX cell does",
        "PyTorch documentation, torch.nn.GRUCell; Flax documentation, flax.linen.GRUCell",
        "program",
        _double_bias,
    ),
    Entry(
        "gru-reset-order",
        "the reset gate stands before the product on one side",
        "PyTorch, cuDNN and Flax compute r * (W h + b); Cho et al. (2014) W (r * h) + b.",
        "apply the reset gate after the product: n = tanh(W x + r * (U h + b))",
        "write the cell by hand with the reset gate inside the product",
        "Cho et al. (2014), section 2.3; PyTorch documentation, torch.nn.GRU",
        "program",
        _reset_before,
    ),
    Entry(
        "lstm-gate-order",
        "the gates stand in another order",
        "PyTorch stacks an LSTM's gates as i, f, g, o in one matrix; Flax has one matrix for each, "
        "Keras i, f, c, o and others i, g, f, o.",
        "permute the blocks of the kernel to i, f, g, o when copying it",
        "permute the blocks of weight_ih, weight_hh and the biases when copying them",
        "PyTorch documentation, torch.nn.LSTM; Flax documentation, flax.linen.LSTMCell",
        "program",
        _gates,
    ),
)
