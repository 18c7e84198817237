"""A model and its loss as one program: a side whose only output is the mean loss of a batch."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import torch

from torch_port.parity.sides.jax_side import Program
from torch_port.parity.sides.side import Tape

OUTPUTS = "model outputs"
"""The place at which the model ends and the loss begins."""


def jax_training(program: Program, loss: Callable[..., Any]) -> Program:
    """A program of a model's inputs and of labels, whose output is the loss.

    Args:
      program: the model.
      loss: of its outputs and of labels, one number or one for each example.
    """

    def apply(params: Any, state: Any, inputs: list[Any], tape: Tape) -> tuple[Any, Any]:
        outputs, state = program.apply(params, state, inputs[:-1], tape)
        leaves, structure = jax.tree.flatten(outputs)
        leaves[0] = tape.record(OUTPUTS, "outputs", leaves[0])
        labels = jax.lax.stop_gradient(inputs[-1])
        return jnp.mean(loss(structure.unflatten(leaves), labels)), state

    return replace(program, apply=apply)


def torch_training(
    module: torch.nn.Module, loss: Callable[..., Any], one_hot: bool
) -> torch.nn.Module:
    """A copy of a module that takes labels as well and gives the loss.

    Args:
      module: the model.
      loss: of its outputs and of labels, one number or one for each example.
      one_hot: whether the labels that come are, though the loss takes integers.
    """
    kind = type(module)

    def forward(self, *inputs):
        labels = inputs[-1].argmax(-1) if one_hot else inputs[-1].detach()
        end = self._modules.pop(OUTPUTS)  # no layer of the model: a Sequential would call it
        try:
            outputs = kind.forward(self, *inputs[:-1])
        finally:
            self._modules[OUTPUTS] = end
        return torch.mean(loss(end(outputs), labels))

    copied = copy.deepcopy(module)
    copied.__class__ = type(kind.__name__, (kind,), {"forward": forward})
    copied._modules[OUTPUTS] = Outputs()
    return copied


class Outputs(torch.nn.Module):
    """The place at which a model ends."""

    def forward(self, outputs: Any) -> Any:
        return outputs
