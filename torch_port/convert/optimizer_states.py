"""The states of optimisers of `torch.optim`, and back: a training begun here goes on there.

Parameters are lists, in the order and the layout that they have in the optimiser.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import torch

from jaxnn.typing import OptState
from torch_port.convert.optimizers import kind_of, optimizer
from torch_port.convert.parameters import to_array, to_tensor

MOMENTS = {"count": "step", "mu": "exp_avg", "nu": "exp_avg_sq"}
NAMES = {
    torch.optim.SGD: {"trace": "momentum_buffer"},
    torch.optim.RMSprop: {
        "count": "step",
        "mu": "grad_avg",
        "nu": "square_avg",
        "trace": "momentum_buffer",
    },
    torch.optim.Adagrad: {"count": "step", "sum_of_squares": "sum"},
    torch.optim.Adam: MOMENTS | {"nu_max": "max_exp_avg_sq"},
    torch.optim.NAdam: MOMENTS,
}
"""What PyTorch calls the fields of a state, where it does not call them the same."""


def optimizer_state(torch_optimizer: torch.optim.Optimizer, params: Sequence[Any]) -> OptState:
    """The state of `optimizer(torch_optimizer)` after the steps that the optimiser has taken.

    Args:
      torch_optimizer: as in `optimizer`; one that has not stepped gives the initial state.
      params: a list of the optimiser's parameters as arrays, in its order and layout.

    Returns:
      The state, each moment a list like `params`, of their dtypes.

    Raises:
      ValueError: as `optimizer`; if the parameters are not of the optimiser's shapes; or if they
        have taken different numbers of steps, which PyTorch counts for each.

    Example:
      >>> x = torch.nn.Parameter(torch.zeros(2))
      >>> adam = torch.optim.Adam([x], lr=0.1, betas=(0.5, 0.999))
      >>> x.grad = torch.tensor([1.0, -4.0])
      >>> adam.step()
      >>> state, _ = optimizer_state(adam, [jnp.zeros(2)])
      >>> int(state.count), state.mu
      (1, [Array([ 0.5, -2. ], dtype=float32)])
    """
    tensors = [p for _, p in _places(torch_optimizer)]
    expected, shapes = [tuple(p.shape) for p in tensors], [jnp.shape(p) for p in params]
    if shapes != expected:
        raise ValueError(f"optimizer_state: params of shapes {expected} expected, got {shapes}")
    kept = [torch_optimizer.state.get(p, {}) for p in tensors]

    def converted(field: str, initial: Any) -> Any:
        name = _name(torch_optimizer, field)
        if isinstance(initial, list):
            return [_array(of_p.get(name), x) for of_p, x in zip(kept, initial, strict=True)]
        if field == "started":
            return _common(field, [jnp.asarray(bool(of_p)) for of_p in kept])
        return _common(field, [_array(of_p.get(name), initial) for of_p in kept])

    return tuple(
        member._replace(**{field: converted(field, x) for field, x in member._asdict().items()})
        for member in optimizer(torch_optimizer).init(list(params))
    )


def load_optimizer_state(torch_optimizer: torch.optim.Optimizer, opt_state: OptState) -> None:
    """Puts a state of `optimizer(torch_optimizer)` into the optimiser, which goes on from there.

    Args:
      torch_optimizer: as in `optimizer`.
      opt_state: the state, over a list of parameters in the optimiser's order and layout.

    Raises:
      ValueError: as `optimizer`; or if the state is that of another transformation, or of
        parameters of other shapes.

    Example:
      >>> adam = torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
      >>> state, rest = optimizer_state(adam, [jnp.zeros(2)])
      >>> load_optimizer_state(adam, (state._replace(count=jnp.asarray(7)), rest))
      >>> adam.state_dict()["state"][0]["step"]
      tensor(7.)
    """
    places = _places(torch_optimizer)
    initial = optimizer(torch_optimizer).init([jnp.zeros(p.shape) for _, p in places])
    shapes, expected = jax.tree.map(jnp.shape, opt_state), jax.tree.map(jnp.shape, initial)
    if shapes != expected or jax.tree.structure(opt_state) != jax.tree.structure(initial):
        raise ValueError(
            f"load_optimizer_state: a state of shapes {expected} expected, got {shapes}"
        )
    fields = {field: x for member in opt_state for field, x in member._asdict().items()}
    if not fields.pop("started", True):
        fields = {}  # a momentum of zeros would have PyTorch damp the first gradient too
    for i, (group, p) in enumerate(places):
        torch_optimizer.state.pop(p, None)
        for field, x in fields.items():
            of_each = isinstance(x, list)
            value = _moment(field, x[i], group, p) if of_each else _number(x, group, p)
            torch_optimizer.state[p][_name(torch_optimizer, field)] = value


def _places(torch_optimizer: torch.optim.Optimizer) -> list[tuple[dict[str, Any], torch.Tensor]]:
    """Each parameter with its group, in order."""
    return [(group, p) for group in torch_optimizer.param_groups for p in group["params"]]


def _name(torch_optimizer: torch.optim.Optimizer, field: str) -> str:
    return NAMES.get(kind_of(torch_optimizer), {}).get(field, field)


def _array(value: Any, initial: jax.Array) -> jax.Array:
    """What PyTorch keeps, in the dtype of the initial value, which it has before the first step."""
    if value is None:
        return initial
    array = to_array("", value) if isinstance(value, torch.Tensor) else jnp.asarray(value)
    return array.astype(initial.dtype)


def _common(field: str, values: list[jax.Array]) -> jax.Array:
    """The one value that all parameters have."""
    if any(value != values[0] for value in values):
        raise ValueError(
            f"optimizer_state: the same {field} for all parameters expected, got "
            f"{[value.item() for value in values]}; some had no gradient at some steps"
        )
    return values[0]


def _moment(field: str, array: Any, group: dict[str, Any], p: torch.Tensor) -> torch.Tensor:
    dtype = group.get("mu_dtype") if field == "mu" else None
    return to_tensor("", array).to(p.device, dtype or p.dtype)


def _number(array: Any, group: dict[str, Any], p: torch.Tensor) -> Any:
    """A count as PyTorch keeps it: a tensor on the CPU, unless its kernels read it."""
    if "capturable" not in group and "fused" not in group:
        return int(array)
    on_device = group.get("capturable") or group.get("fused")
    return torch.tensor(float(array), device=p.device if on_device else "cpu")
