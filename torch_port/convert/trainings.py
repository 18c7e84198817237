"""A training in the middle, handed to the other framework: parameters, statistics, optimiser."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import jax
import torch

from jaxnn.typing import Layer, OptState, Params, State
from torch_port.convert.optimizer_states import load_optimizer_state, optimizer_state
from torch_port.convert.parameters import (
    from_torch,
    matched_names,
    to_array,
    to_tensor,
    to_torch,
)


def training_from_torch(
    module: torch.nn.Module, torch_optimizer: torch.optim.Optimizer, model: Layer
) -> tuple[Params, State, OptState]:
    """What a PyTorch training has come to, for `optimizer(torch_optimizer)` to go on from.

    Args:
      module: the module that is trained.
      torch_optimizer: over all of its parameters, in any order.
      model: the module's twin in `jaxnn`.

    Returns:
      `(params, state, opt_state)`; each moment is a tree like `params`.

    Raises:
      ValueError: as `from_torch` and `optimizer_state`; or if the optimiser is over other
        parameters.

    Example:
      >>> from jaxnn import layers
      >>> module = torch.nn.Linear(3, 2)
      >>> adam = torch.optim.Adam(module.parameters())
      >>> module(torch.ones(1, 3)).sum().backward()
      >>> adam.step()
      >>> _, _, (adam_state, _) = training_from_torch(module, adam, layers.dense(3, 2))
      >>> adam_state.mu["kernel"].shape, int(adam_state.count)
      ((3, 2), 1)
    """
    names = _parameter_names("training_from_torch", module, torch_optimizer)
    state_dict = module.state_dict()

    def to_tree(moments: list[Any]) -> Params:
        tensors = [to_tensor("", moment) for moment in moments]
        named = OrderedDict(state_dict) | dict(zip(names, tensors, strict=True))
        return from_torch(named, model)[0]

    arrays = [to_array("", state_dict[name]) for name in names]
    is_moment = lambda part: isinstance(part, list)
    opt_state = _map(is_moment, to_tree, optimizer_state(torch_optimizer, arrays))
    return *from_torch(state_dict, model), opt_state


def training_to_torch(
    params: Params,
    state: State,
    opt_state: OptState,
    module: torch.nn.Module,
    torch_optimizer: torch.optim.Optimizer,
) -> None:
    """Puts what a training in `jaxnn` has come to into a module and its optimiser.

    Args:
      params: of the model.
      state: of the model.
      opt_state: of `optimizer(torch_optimizer)`.
      module: the model's twin.
      torch_optimizer: over all of its parameters, in any order.

    Raises:
      ValueError: as `from_torch` and `load_optimizer_state`; or if the optimiser is over other
        parameters.

    Example:
      >>> from jaxnn import layers
      >>> module = torch.nn.Linear(3, 2)
      >>> adam = torch.optim.Adam(module.parameters())
      >>> taken = training_from_torch(module, adam, layers.dense(3, 2))
      >>> training_to_torch(*taken, module, adam)
    """
    tensors = to_torch(params, state)
    pairs = matched_names(module.state_dict(), tensors)
    twins = {name: twin for twin, name in pairs.items()}
    names = _parameter_names("training_to_torch", module, torch_optimizer)

    def to_list(moments: Params) -> list[Any]:
        named = to_torch(moments, ())
        return [to_array("", named[twins[name]]) for name in names]

    is_moment = lambda part: jax.tree.structure(part) == jax.tree.structure(params)
    load_optimizer_state(torch_optimizer, _map(is_moment, to_list, opt_state))
    module.load_state_dict({name: tensors[twin] for twin, name in pairs.items()}, strict=False)


def _parameter_names(
    place: str, module: torch.nn.Module, torch_optimizer: torch.optim.Optimizer
) -> list[str]:
    """The names of the optimiser's parameters, in its order; raises unless they are all."""
    names = {id(p): name for name, p in module.named_parameters()}
    held = [id(p) for group in torch_optimizer.param_groups for p in group["params"]]
    if {*held} != names.keys():
        raise ValueError(
            f"{place}: torch_optimizer must be over the {len(names)} parameters of the module, "
            f"got {len({*held} & names.keys())} of them and {len({*held} - names.keys())} others"
        )
    return [names[p] for p in held]


def _map(
    is_part: Callable[[Any], bool], function: Callable[[Any], Any], opt_state: OptState
) -> OptState:
    """The state with each of those parts mapped."""
    return jax.tree.map(lambda x: function(x) if is_part(x) else x, opt_state, is_leaf=is_part)
