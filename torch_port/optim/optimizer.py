"""A `torch.optim.Optimizer` that runs a transformation of this package."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_port.optim.combine import GradientTransformation
from torch_port.optim.leaves import require_number
from torch_port.optim.transforms import apply_updates


class TransformationOptimizer(torch.optim.Optimizer):
    """Runs a transformation on each parameter that has a gradient.

    The settings of a parameter group are those of the class, `learning_rate` under PyTorch's name
    "lr". The state of a parameter holds the fields of the transformation's: `count`, `mu`, ...
    """

    transformation: Callable[..., GradientTransformation]
    """Of a subclass: `transformation(lr, **settings)`, a chain that treats each tensor alone."""

    def __init__(self, params: Any, learning_rate: float | Tensor, **settings: Any):
        require_constant(type(self).__name__, learning_rate)
        super().__init__(params, {"lr": learning_rate, **settings})
        for group in self.param_groups:
            self._transformation_of(group)  # raises for settings out of range

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; `closure`, if given, computes the loss anew, which is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            transformation = self._transformation_of(group)
            for p in group["params"]:
                if p.grad is not None:
                    state = _unpack(self.state[p], transformation, p)
                    updates, state = transformation.update([p.grad], state, [p])
                    apply_updates([p], updates)
                    self.state[p].update(_pack(state))
        return loss

    def _transformation_of(self, group: dict[str, Any]) -> GradientTransformation:
        names = self.defaults.keys() - {"differentiable"}  # which PyTorch adds to what it copies
        return self.transformation(**{name: group[name] for name in names})


def require_constant(name: str, learning_rate: Any) -> None:
    """Raises a `TypeError` unless it is a number: a schedule is given to PyTorch elsewhere."""
    if callable(learning_rate):
        raise TypeError(
            f"{name}: a learning rate expected, got {learning_rate!r}; a schedule is given with "
            f"torch.optim.lr_scheduler.LambdaLR({name}(params, 1.0), schedule)"
        )
    require_number(f"{name}: learning_rate", learning_rate)


def _pack(state: Iterable[NamedTuple]) -> dict[str, Any]:
    """The fields of a chain's state as PyTorch keeps them, for one parameter."""
    fields = {name: value for member in state for name, value in member._asdict().items()}
    return {name: x[0] if isinstance(x, list) else x for name, x in fields.items()}


def _unpack(
    fields: dict[str, Any], transformation: GradientTransformation, p: Tensor
) -> tuple[NamedTuple, ...]:
    """The state of the chain, with the values that `_pack` has kept."""
    if not fields:
        return transformation.init([p])
    kept = lambda name, x: [fields[name]] if isinstance(x, list) else fields[name]
    return tuple(
        member._replace(**{name: kept(name, x) for name, x in member._asdict().items()})
        for member in transformation.init([])
    )
