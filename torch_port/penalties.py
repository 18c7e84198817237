"""Penalties on the size of parameters, to be added to a loss with a factor of one's own.

PyTorch calls both a dense layer's kernel and a normalisation's scale `weight`: the one has two axes
or more, the other has one.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from torch_port.checks import require_module


def l1(model: nn.Module, names: tuple[str, ...] = ("kernel",)) -> Tensor:
    """L1 penalty: Σ |w| over the parameters of the given names; its slope at 0 is 0.

    Args:
      model: a module.
      names: which parameters count, of "kernel", "scale", "bias": kernels only unless told
        otherwise.

    Raises:
      ValueError: if no parameter has one of the names.

    Example:
      >>> model = nn.Linear(2, 1)
      >>> model.load_state_dict({"weight": torch.tensor([[1.0, -2.0]]), "bias": torch.ones(1)})
      <All keys matched successfully>
      >>> l1(model).item(), l1(model, ("kernel", "bias")).item()
      (3.0, 4.0)
    """
    return _penalty("l1", magnitude, model, names)


def l2(model: nn.Module, names: tuple[str, ...] = ("kernel",)) -> Tensor:
    """L2 penalty: Σ w² over the parameters of the given names.

    A penalty of λ/2 · Σ w² is what `weight_decay=λ` does in PyTorch's `SGD` and `Adam`; that decays
    every parameter that the optimiser is given, biases and scales too.

    Args:
      model: a module.
      names: which parameters count, of "kernel", "scale", "bias": kernels only unless told
        otherwise.

    Raises:
      ValueError: if no parameter has one of the names.

    Example:
      >>> model = nn.Linear(2, 1)
      >>> model.load_state_dict({"weight": torch.tensor([[1.0, -2.0]]), "bias": torch.ones(1)})
      <All keys matched successfully>
      >>> l2(model).item()
      5.0
    """
    return _penalty("l2", torch.square, model, names)


def magnitude(x: Tensor) -> Tensor:
    """The absolute value |x|: PyTorch's `abs`, whose slope at 0 is 0.

    Args:
      x: of any shape.

    Example:
      >>> x = torch.zeros((), requires_grad=True)
      >>> torch.autograd.grad(magnitude(x), x)
      (tensor(0.),)
    """
    return torch.abs(x)


def mask_by_name(model: nn.Module, names: tuple[str, ...] = ("kernel",)) -> list[bool]:
    """Which parameters have one of the names, as an optimiser's `mask` for weight decay wants it.

    Args:
      model: a module.
      names: of "kernel", "scale", "bias".

    Returns:
      A boolean for each of `model.parameters()`.

    Example:
      >>> mask_by_name(nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)))
      [True, False, False, False]
    """
    require_module(model, "mask_by_name: model")
    return [_role(name, parameter) in names for name, parameter in model.named_parameters()]


def _role(name: str, parameter: Tensor) -> str:
    """The name that the parameter has in `jaxnn`."""
    name = name.rpartition(".")[-1]
    if name == "weight":
        return "kernel" if parameter.ndim >= 2 else "scale"
    return name


def _penalty(
    place: str, term: Callable[[Tensor], Tensor], model: nn.Module, names: tuple[str, ...]
) -> Tensor:
    require_module(model, f"{place}: model")
    chosen = zip(model.parameters(), mask_by_name(model, names), strict=True)
    terms = [term(parameter).sum() for parameter, named in chosen if named]
    if not terms:
        raise ValueError(f"{place}: names must hold that of a parameter, got {names!r}")
    return torch.stack(terms).sum()
