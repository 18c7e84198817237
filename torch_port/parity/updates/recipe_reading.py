"""What an optimiser of PyTorch is set to compute, read from its parameter groups."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from torch_port import optim as torch_optim
from torch_port.parity.updates.recipes import Number, Recipe


def recipe_of(
    optimizer: torch.optim.Optimizer,
    tensors: Sequence[torch.Tensor],
    rates: Sequence[Sequence[float]],
) -> Recipe | None:
    """The recipe that the settings of an optimiser say it follows; None for an unknown one.

    Args:
      optimizer: of `torch.optim` or `torch_port.optim`, or a subclass of one of theirs.
      tensors: its parameters, in the order in which gradients are fed.
      rates: the learning rate of each step for each parameter tensor.
    """
    kind = next((kind for kind in type(optimizer).__mro__ if kind in READERS), None)
    if kind is None:
        return None
    group_of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    groups = [group_of.get(id(p)) for p in tensors]
    read = [{} if group is None else READERS[kind](group) for group in groups]
    known = next(settings for settings in read if settings)
    return Recipe(
        rates=tuple(map(one_or_each, rates)),
        **{name: _common(name, [of_leaf or known for of_leaf in read]) for name in known},
    )


def one_or_each(numbers: Sequence[Any]) -> Number:
    """The one number that all share, or all of them."""
    return numbers[0] if len({*numbers}) == 1 else tuple(numbers)


def _common(name: str, read: Sequence[Mapping[str, Any]]) -> Any:
    return one_or_each([settings[name] for settings in read])


def _sgd(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "family": "sgd",
        "momentum": _number(group["momentum"]),
        "dampening": _number(group["dampening"]),
        "nesterov": bool(group["nesterov"]),
        **_around(group),
    }


def _rmsprop(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "family": "rmsprop",
        "beta2": _number(group["alpha"]),
        "eps": _number(group["eps"]),
        "centered": bool(group["centered"]),
        "momentum": _number(group["momentum"]),
        **_around(group),
    }


def _adagrad(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "family": "adagrad",
        "eps": _number(group["eps"]),
        "initial": _number(group["initial_accumulator_value"]),
        "rate_decay": _number(group["lr_decay"]),
        **_around(group),
    }


def _adam(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "family": "adam",
        "beta1": _number(group["betas"][0]),
        "beta2": _number(group["betas"][1]),
        "eps": _number(group["eps"]),
        "corrects_first": True,
        "corrects_second": True,
        "amsgrad": "raw" if group.get("amsgrad") else "",
        **_around(group),
        "decay_to": "update" if group.get("decoupled_weight_decay") else "gradient",
    }


def _nadam(group: Mapping[str, Any]) -> dict[str, Any]:
    psi = _number(group["momentum_decay"])
    return {**_adam(group), "looks_ahead": "schedule", "momentum_decay": psi}


def _around(group: Mapping[str, Any]) -> dict[str, Any]:
    sign = -1.0 if group["maximize"] else 1.0
    return {"gradient_sign": sign, "weight_decay": _number(group["weight_decay"])}


def _our_rmsprop(group: Mapping[str, Any]) -> dict[str, Any]:
    inside = group["eps_in_sqrt"]
    return {
        "family": "rmsprop",
        "beta2": _number(group["decay"]),
        "eps_root" if inside else "eps": _number(group["eps"]),
        "initial": _number(group["initial_scale"]),
        "centered": group["centered"],
        "corrects_second": group["bias_correction"],
        "momentum": _number(group["momentum"] or 0.0),
        "nesterov": group["nesterov"],
        "rate_inside": True,
    }


def _our_adagrad(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "family": "adagrad",
        "eps_root": _number(group["eps"]),
        "initial": _number(group["initial_accumulator_value"]),
    }


def _our_amsgrad(group: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_our_moments(group),
        "corrects_first": group["bias_correction_mu"],
        "corrects_second": group["bias_correction_nu"],
        "amsgrad": "corrected",
    }


def _our_nadam(group: Mapping[str, Any]) -> dict[str, Any]:
    ahead = "constant" if group["nesterov"] else ""
    return {**_our_moments(group), "looks_ahead": ahead}


def _our_moments(group: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {"beta1": "b1", "beta2": "b2", "eps": "eps", "eps_root": "eps_root"}
    read = {name: _number(group[theirs]) for name, theirs in numbers.items()}
    return {"family": "adam", **read, "corrects_first": True, "corrects_second": True}


def _number(setting: Any) -> float:
    return float(setting)


READERS: dict[type, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    torch.optim.SGD: _sgd,
    torch.optim.RMSprop: _rmsprop,
    torch.optim.Adagrad: _adagrad,
    torch.optim.Adam: _adam,  # and AdamW, its subclass with decoupled_weight_decay
    torch.optim.NAdam: _nadam,
    torch_optim.RMSprop: _our_rmsprop,
    torch_optim.Adagrad: _our_adagrad,
    torch_optim.AMSGrad: _our_amsgrad,
    torch_optim.NAdam: _our_nadam,
}
"""From the settings of a parameter group to the fields of a recipe."""
