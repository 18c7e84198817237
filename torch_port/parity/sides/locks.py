"""Layers of PyTorch that go on with given values, and the gradients that arrive there."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch


class Locked(NamedTuple):
    """What layers go on with instead of what they computed: values of the other side.

    Attributes:
      outputs: by path, in PyTorch's layout.
      cotangents: the gradients by these, likewise.
    """

    outputs: Mapping[str, np.ndarray]
    cotangents: Mapping[str, np.ndarray]


FREE = Locked({}, {})


class Lock:
    """Answers the outputs of layers, and notes the gradients that arrive there.

    Layers go on with what they computed, or with what they are locked to; then the gradient that
    goes on behind them is that which they are locked to, too.
    """

    def __init__(self, locked: Locked):
        self.locked = locked
        self.answered: dict[str, torch.Tensor] = {}
        self.arrived: dict[str, torch.Tensor] = {}

    def answer(self, place: str, output: Any) -> Any:
        if not torch.is_tensor(output) or not output.is_floating_point():
            return output
        self.answered[place] = output.detach()
        to_tensor = lambda array: torch.from_numpy(np.array(array)).to(output)
        given = self.locked.outputs.get(place)
        cotangent = self.locked.cotangents.get(place)
        if given is not None and given.shape != tuple(output.shape):
            given = None
        value = output.detach() if given is None else to_tensor(given)
        forced = None if given is None or cotangent is None else to_tensor(cotangent)
        return _Answer.apply(output, value, forced, lambda g: self.arrived.update({place: g}))


class _Answer(torch.autograd.Function):
    """`value` in place of `output`, and its gradient noted and replaced."""

    @staticmethod
    def forward(ctx, output, value, cotangent, note):
        ctx.cotangent, ctx.note = cotangent, note
        return value.clone()

    @staticmethod
    def backward(ctx, *gradients):
        ctx.note(gradients[0])
        return (gradients[0] if ctx.cotangent is None else ctx.cotangent), None, None, None
