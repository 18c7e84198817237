"""Parameters and running statistics between the two frameworks: the only transposes.

    jaxnn                              PyTorch
    kernel (in, out)                   weight (out, in)
    scale, bias                        weight, bias
    mean, var, count                   running_mean, running_var, num_batches_tracked
    mean, std (of normalize_images)    mean, std

A network of `jaxnn` is a tuple of layers, so its place `2` in place `1` is PyTorch's `1.2`.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxnn.typing import Layer, Params, State

StateDict = Mapping[str, torch.Tensor]

PARAMETERS = {"kernel": "weight", "scale": "weight", "bias": "bias"}
STATISTICS = {"mean": "running_mean", "var": "running_var", "count": "num_batches_tracked"}
PIXELS = {"mean": "mean", "std": "std"}


def to_torch(params: Params, state: State) -> dict[str, torch.Tensor]:
    """Parameters and state of a `jaxnn` model as the `state_dict` of its twin.

    Args:
      params: as `model.init` gives them, or a tree of that shape, such as gradients.
      state: likewise; `()` or `{}` where only parameters are wanted.

    Returns:
      Tensors by PyTorch's names, in the order in which PyTorch has them, of the arrays' dtypes.

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
      state_dict: tensors by name, as `module.state_dict()` gives them.
      model: the layer whose parameters they are to be.

    Returns:
      `(params, state)`, of the tensors' dtypes.

    Raises:
      ValueError: a tensor is missing, left over, or of another shape; both sides are listed.

    Example:
      >>> from jaxnn import layers
      >>> module = torch.nn.Linear(3, 2)
      >>> params, state = from_torch(module.state_dict(), layers.dense(3, 2))
      >>> params["kernel"].shape
      (3, 2)
    """
    floating = [tensor.dtype for tensor in state_dict.values() if tensor.is_floating_point()]
    dtype = to_array("", torch.zeros((), dtype=floating[0])).dtype if floating else jnp.float32
    params, state = model.init(jax.random.key(0), dtype)
    tensors = _by_twin_names(state_dict, to_torch(params, state))
    return _filled(params, tensors), _filled(state, tensors)


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
    return torch.tensor(array.T if name == "kernel" else array)


def to_array(name: str, tensor: torch.Tensor) -> jax.Array:
    """A tensor as an array of `jaxnn`'s layout; `name` is that of the array in its layer.

    Example:
      >>> to_array("kernel", torch.ones(2, 3)).shape
      (3, 2)
    """
    if tensor.dtype == torch.bfloat16:
        return to_array(name, tensor.float()).astype(jnp.bfloat16)
    array = tensor.detach().cpu().numpy()
    if name == "count":
        array = array.astype(np.int32)
    return jnp.array(array.T if name == "kernel" else array)


def _layers(params, state, prefix=""):
    """The prefix of each leaf layer, and its arrays as `(name, PyTorch's name, array)`."""
    if isinstance(params, tuple):
        for i, child in enumerate(params):
            yield from _layers(child, state[i] if state else (), f"{prefix}{i}.")
    elif leaves := [*_leaves(params, PARAMETERS), *_leaves(state or {}, _statistics(state))]:
        yield prefix, leaves


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


def _by_twin_names(state_dict, expected):
    """The tensors under the names of the twin, once their number and shapes are checked."""
    if state_dict.keys() == expected.keys():
        pairs = {name: name for name in expected}
    else:
        pairs = _matched_in_order(_modules(state_dict), _modules(expected))
    same_shape = pairs is not None and all(
        state_dict[name].shape == expected[twin_name].shape for twin_name, name in pairs.items()
    )
    if not same_shape:
        raise ValueError(
            "from_torch: the state_dict must hold the model's arrays in its order, transposed;"
            f" expected\n{_listed(expected)}\ngot\n{_listed(state_dict)}"
        )
    return expected | {twin_name: state_dict[name] for twin_name, name in pairs.items()}


def _modules(tensors: StateDict) -> list[dict[str, str]]:
    """For every module, the names of its tensors by their names in the module."""
    modules: dict[str, dict[str, str]] = {}
    for name in tensors:
        prefix, _, short = name.rpartition(".")
        modules.setdefault(prefix, {})[short] = name
    return list(modules.values())


def _matched_in_order(came, wanted):
    """PyTorch's name for each twin's name, or None where the modules are not the same."""
    is_pixels = lambda module: module.keys() == PIXELS.keys()
    if not any(map(is_pixels, came)):
        wanted = [module for module in wanted if not is_pixels(module)]
    if [module.keys() for module in came] != [module.keys() for module in wanted]:
        return None
    pairs = zip(wanted, came, strict=True)
    return {module[short]: other[short] for module, other in pairs for short in module}


def _listed(tensors):
    return "\n".join(f"  {name} {tuple(tensor.shape)}" for name, tensor in tensors.items())
