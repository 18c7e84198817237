"""Combinators: modules made of modules, and what can be asked of the tree that they form.

Children are numbered, so that `jaxnn`'s path `2/dense` is PyTorch's `2` and its parameters are
`2.weight`, `2.bias`. What `jaxnn` takes as the arguments `train` and `key` is here the module's own
mode and PyTorch's global generator.
"""

import copy
import re
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from torch_port.checks import require_module

Serial = nn.Sequential
"""One module after the other: y = module_n(… module_1(x))."""


class Residual(nn.Sequential):
    """A module and a path around it: y = x + layer(x).

    Args:
      layer: from a shape to the same shape.

    Raises:
      ValueError: in `forward`, if the layer changes the shape, which `+` might broadcast.

    Example:
      >>> import torch
      >>> Residual(nn.Linear(3, 3))(torch.ones(5, 3)).shape
      torch.Size([5, 3])
    """

    def __init__(self, layer: nn.Module):
        super().__init__(layer)

    def forward(self, input: Tensor) -> Tensor:
        output = super().forward(input)
        if (output.shape, output.dtype) != (input.shape, input.dtype):
            raise ValueError(
                f"residual: its layer must keep {input.dtype} of shape {tuple(input.shape)}, "
                f"gave {output.dtype} of {tuple(output.shape)}"
            )
        return input + output


class Branches(nn.ModuleList):
    """Modules side by side on the same input: y = combine([layer_1(x), …, layer_n(x)]).

    Args:
      *layers: the children.
      combine: from the list of their outputs to one tensor, such as `sum` or a concatenation.

    Raises:
      ValueError: without layers.

    Example:
      >>> import torch
      >>> Branches(nn.Linear(3, 2), nn.Linear(3, 2), combine=sum)(torch.ones(5, 3)).shape
      torch.Size([5, 2])
    """

    def __init__(self, *layers: nn.Module, combine: Callable[[list[Tensor]], Tensor]):
        if not layers:
            raise ValueError("branches: expected at least one layer, got none")
        super().__init__(layers)
        self.combine = combine

    def forward(self, x: Tensor) -> Tensor:
        return self.combine([layer(x) for layer in self])


def map_layers(
    function: Callable[[str, nn.Module], nn.Module], model: nn.Module, path: str = ""
) -> nn.Module:
    """Rebuilds a network with `function(path, leaf)` in the place of every leaf.

    The network itself stays as it is; leaves that the function gives back are shared with it.

    Args:
      function: from the path of a leaf, such as `"3/batch_norm"`, and the leaf to a module.
      model: a leaf or a module with children.
      path: what stands before the paths.

    Example:
      >>> model = Serial(nn.Linear(4, 3), nn.Dropout(0.5))
      >>> map_layers(lambda path, leaf: Serial() if path == "1/dropout" else leaf, model)
      Sequential(
        (0): Linear(in_features=4, out_features=3, bias=True)
        (1): Sequential()
      )
    """
    require_module(model, "map_layers: model")
    if _is_leaf(model):
        return function(path + _name(model), model)
    rebuilt = copy.copy(model)
    rebuilt._modules = model._modules | {
        name: map_layers(function, child, f"{path}{name}/")
        for name, child in model._modules.items()
        if child is not None
    }
    return rebuilt


def intermediates(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The output of every leaf module, in the order in which they are computed.

    Args:
      model: a module, in the mode in which it is to be seen.
      x: its input.

    Returns:
      A dictionary from the path of each leaf, such as `"3/batch_norm"`, to its output.

    Example:
      >>> import torch
      >>> list(intermediates(Serial(nn.Linear(4, 3), nn.Dropout(0.5)), torch.ones(5, 4)))
      ['0/linear', '1/dropout']
    """
    outputs = {}
    paths = defaultdict(list)  # a module that stands in two places has two

    def note(path, leaf):
        paths[leaf].append(path)
        return leaf

    def record(leaf, inputs, output):
        path = paths[leaf].pop(0)
        paths[leaf].append(path)
        outputs[path] = output

    map_layers(note, model)
    hooks = [leaf.register_forward_hook(record) for leaf in paths]
    try:
        model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return outputs


class LayerSummary(NamedTuple):
    """One leaf module in a `summary`: its path, the shapes of its parameters, their number."""

    path: str
    shapes: dict[str, tuple[int, ...]]
    parameters: int


class Summary(tuple[LayerSummary, ...]):
    """The leaf modules of a network as a table; `str` draws it."""

    @property
    def parameters(self) -> int:
        """How many numbers training changes."""
        return sum(row.parameters for row in self)

    def __str__(self) -> str:
        rows = [
            (path, "  ".join(f"{name} {shape}" for name, shape in shapes.items()), f"{count:,}")
            for path, shapes, count in self
        ]
        rows = [("layer", "shapes", "parameters"), *rows, ("total", "", f"{self.parameters:,}")]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        return "\n".join(lines)


def summary(model: nn.Module) -> Summary:
    """A table of the leaf modules of a network: path, shapes of the parameters, their number.

    Args:
      model: a module; nothing is computed.

    Returns:
      A tuple of rows `(path, shapes, parameters)` that prints as a table.

    Example:
      >>> print(summary(Serial(nn.Linear(784, 10), nn.Dropout(0.5))))
      layer      shapes                       parameters
      0/linear   weight (10, 784)  bias (10,)      7,850
      1/dropout                                        0
      total                                        7,850
    """
    rows = []

    def measure(path, leaf):
        shapes = {name: tuple(parameter.shape) for name, parameter in leaf.named_parameters()}
        rows.append(LayerSummary(path, shapes, sum(p.numel() for p in leaf.parameters())))
        return leaf

    map_layers(measure, model)
    return Summary(rows)


def _is_leaf(module: nn.Module) -> bool:
    return not module._modules and not isinstance(module, nn.Sequential)


def _name(leaf: nn.Module) -> str:
    """`batch_norm` for a `BatchNorm`, as `jaxnn` names its layers."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", leaf._get_name()).lower()
