"""Parameters and running statistics between the two frameworks: the only transposes.

    jaxnn                              PyTorch
    kernel (in, out)                   weight (out, in)
    kernel (space, in, out)            weight (out, in, space)
    scale, bias                        weight, bias
    mean, var, count                   running_mean, running_var, num_batches_tracked
    mean, std (of normalize_images)    mean, std

A network of `jaxnn` is a tuple of layers, so its place `2` in place `1` is PyTorch's `1.2`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxnn.typing import Layer, Params, State
from torch_port.checks import require_tensor

StateDict = Mapping[str, torch.Tensor]

PARAMETERS = {"kernel": "weight", "scale": "weight", "bias": "bias"}
STATISTICS = {"mean": "running_mean", "var": "running_var", "count": "num_batches_tracked"}
PIXELS = {"mean": "mean", "std": "std"}


def to_torch(params: Params, state: State) -> dict[str, torch.Tensor]:
    """Parameters and state of a `jaxnn` model as the `state_dict` of its twin.

    Args:
      params: as `model.init` gives them, or a tree of that shape, such as gradients; `()` where
        only the state is wanted.
      state: as `model.init` gives it; `()` where only the parameters are wanted.

    Returns:
      Tensors by PyTorch's names, in the order in which PyTorch has them, of the arrays' dtypes.

    Raises:
      ValueError: a layer holds an array of another name than those of `jaxnn`'s layers.

    Example:
      >>> from jaxnn import layers
      >>> model = layers.serial(layers.flatten(), layers.dense(3, 2))
      >>> state_dict = to_torch(*model.init(jax.random.key(0)))
      >>> {name: tuple(tensor.shape) for name, tensor in state_dict.items()}
      {'1.weight': (2, 3), '1.bias': (2,)}
    """
    return {
        f"{prefix}{torch_name}": to_tensor(name, array)
        for prefix, leaves in _layers(params, state)
        for name, torch_name, array in leaves
    }


def from_torch(state_dict: StateDict, model: Layer) -> tuple[Params, State]:
    """Parameters and state of a `jaxnn` model from the `state_dict` of a PyTorch module.

    Names that are those of the model's twin are taken as they are. Others, such as `fc1.weight`,
    are matched in the order of the modules, and every shape is checked. What PyTorch does not keep
    (`normalize_images`' mean and std) is then what `model.init` gives.

    Args:
      state_dict: tensors by name, as `module.state_dict()` gives them. A plain dict, as it is read
        from a file, has lost the order of the modules, which must then differ in their shapes.
      model: the layer whose parameters they are to be.

    Returns:
      `(params, state)`, of the tensors' dtypes.

    Raises:
      TypeError: there are no tensors by name, or the model is no `Layer`.
      ValueError: a tensor is missing, left over, of another shape, or may be one of several; both
        sides are listed.

    Example:
      >>> from jaxnn import layers
      >>> module = torch.nn.Linear(3, 2)
      >>> params, state = from_torch(module.state_dict(), layers.dense(3, 2))
      >>> params["kernel"].shape
      (3, 2)
    """
    _require_tensors(state_dict)
    if not isinstance(model, Layer):
        raise TypeError(f"from_torch: model must be a Layer, got {type(model).__name__}")
    floating = [tensor.dtype for tensor in state_dict.values() if tensor.is_floating_point()]
    dtype = to_array("", torch.zeros((), dtype=floating[0])).dtype if floating else jnp.float32
    params, state = model.init(jax.random.key(0), dtype)
    expected = to_torch(params, state)
    pairs = matched_names(state_dict, expected)
    tensors = expected | {twin: state_dict[name] for twin, name in pairs.items()}
    return _filled(params, tensors), _filled(state, tensors)


def matched_names(state_dict: StateDict, expected: StateDict) -> dict[str, str]:
    """A module's name for each of the twin's names, once number and shapes are checked.

    Example:
      >>> expected = {"0.weight": torch.zeros(3, 2), "0.bias": torch.zeros(3)}
      >>> matched_names(torch.nn.ModuleDict({"fc": torch.nn.Linear(2, 3)}).state_dict(), expected)
      {'0.weight': 'fc.weight', '0.bias': 'fc.bias'}
    """
    if state_dict.keys() == expected.keys():
        pairs = {name: name for name in expected}
    else:
        pairs = _matched(state_dict, expected)
    if any(state_dict[name].shape != expected[twin].shape for twin, name in pairs.items()):
        raise _misfit("every shape must be the model's, kernels transposed", state_dict, expected)
    return pairs


def to_tensor(name: str, array: Any) -> torch.Tensor:
    """An array as a tensor of PyTorch's layout; `name` is that of the array in its layer.

    Example:
      >>> to_tensor("kernel", jnp.ones((3, 2))).shape
      torch.Size([2, 3])
    """
    array = np.asarray(array)
    if name == "count":
        array = array.astype(np.int64)
    if array.dtype == jnp.bfloat16:  # which NumPy does not know
        return to_tensor(name, array.astype(np.float32)).bfloat16()
    return torch.tensor(np.moveaxis(array, (-1, -2), (0, 1)) if name == "kernel" else array)


def to_array(name: str, tensor: torch.Tensor) -> jax.Array:
    """A tensor as an array of `jaxnn`'s layout; `name` is that of the array in its layer.

    Example:
      >>> to_array("kernel", torch.ones(2, 3)).shape
      (3, 2)
    """
    require_tensor("to_array", "tensor", tensor)
    if tensor.dtype == torch.bfloat16:
        return to_array(name, tensor.float()).astype(jnp.bfloat16)
    array = tensor.detach().cpu().numpy()
    if name == "count":
        array = array.astype(np.int32)
    return jnp.array(np.moveaxis(array, (0, 1), (-1, -2)) if name == "kernel" else array)


def _layers(params, state, prefix=""):
    """The prefix of each leaf layer, and its arrays as `(name, PyTorch's name, array)`."""
    if isinstance(params, tuple) and isinstance(state, tuple):
        for i in range(max(len(params), len(state))):
            child_params = params[i] if params else ()
            child_state = state[i] if state else ()
            yield from _layers(child_params, child_state, f"{prefix}{i}.")
    else:
        _require_names(prefix, params, PARAMETERS)
        _require_names(prefix, state, _statistics(state))
        if leaves := [*_leaves(params, PARAMETERS), *_leaves(state, _statistics(state))]:
            yield prefix, leaves


def _require_names(prefix, arrays, names):
    """Raises for what would be left out: arrays by other names, trees of other frameworks."""
    is_leaf = isinstance(arrays, Mapping) or (isinstance(arrays, tuple) and not arrays)
    if not is_leaf or not names.keys() >= {*arrays}:
        came = [*arrays] if isinstance(arrays, Mapping) else type(arrays).__name__
        raise ValueError(
            f"to_torch: layer {prefix.rstrip('.')!r} must hold arrays of the names {[*names]}, "
            f"got {came}"
        )


def _require_tensors(state_dict):
    values = state_dict.values() if isinstance(state_dict, Mapping) else [state_dict]
    others = [value for value in values if not isinstance(value, torch.Tensor)]
    if others or not isinstance(state_dict, Mapping):
        raise TypeError(
            "from_torch: state_dict must be tensors by name, as module.state_dict() gives them, "
            f"got {type([*others, state_dict][0]).__name__}"
        )


def _statistics(state):
    return STATISTICS if "var" in state else PIXELS


def _leaves(arrays, names):
    return [(name, names[name], arrays[name]) for name in names if name in arrays]


def _filled(tree, tensors, prefix=""):
    """The tree with every array taken from the tensors."""
    if isinstance(tree, tuple):
        children = enumerate(tree)
        return tuple(_filled(child, tensors, f"{prefix}{i}.") for i, child in children)
    names = PARAMETERS if not {"mean", "var"} & tree.keys() else _statistics(tree)
    return {name: to_array(name, tensors[prefix + names[name]]) for name in tree}


def _matched(state_dict, expected):
    """PyTorch's name for each of the twin's names, module by module."""
    came, wanted = _modules(state_dict), _modules(expected)
    is_pixels = lambda module: module.keys() == PIXELS.keys()
    if not any(map(is_pixels, came)):
        wanted = [module for module in wanted if not is_pixels(module)]
    if not isinstance(state_dict, OrderedDict):  # a file has no order: shapes alone can tell
        key = lambda tensors: lambda m: sorted((k, *tensors[n].shape) for k, n in m.items())
        came, wanted = sorted(came, key=key(state_dict)), sorted(wanted, key=key(expected))
        signatures = [key(state_dict)(module) for module in came]
        if any(a == b for a, b in pairwise(signatures)):
            reason = (
                "modules of equal shapes have no order in a plain dict; load it into the module"
            )
            raise _misfit(f"{reason} and give module.state_dict()", state_dict, expected)
    if [module.keys() for module in came] != [module.keys() for module in wanted]:
        raise _misfit("the modules must be the model's layers in order", state_dict, expected)
    pairs = zip(wanted, came, strict=True)
    return {module[short]: other[short] for module, other in pairs for short in module}


def _modules(tensors: StateDict) -> list[dict[str, str]]:
    """For every module, the names of its tensors by their names in the module."""
    modules: dict[str, dict[str, str]] = {}
    for name in tensors:
        prefix, _, short = name.rpartition(".")
        modules.setdefault(prefix, {})[short] = name
    return list(modules.values())


def _misfit(reason, state_dict, expected):
    return ValueError(
        f"from_torch: {reason};\nexpected\n{_listed(expected)}\ngot\n{_listed(state_dict)}"
    )


def _listed(tensors):
    return "\n".join(f"  {name} {tuple(tensor.shape)}" for name, tensor in tensors.items())
