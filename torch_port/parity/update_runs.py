"""Both optimisers fed the same parameters and gradients, step by step, in both precisions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch

from torch_port.parity.jaxprs import _findings
from torch_port.parity.sides import Precision

Leaves = list[np.ndarray]
TorchFactory = Callable[[list[torch.nn.Parameter]], Any]


class Leaf(NamedTuple):
    """One parameter: its path on both sides, and the way from one layout to the other."""

    jax_path: str
    torch_path: str
    to_torch: Callable[[np.ndarray], np.ndarray] = lambda array: array
    to_jax: Callable[[np.ndarray], np.ndarray] = lambda array: array


class Fed(NamedTuple):
    """What both optimisers are fed, in JAX's layout.

    Attributes:
      structure: of JAX's parameters as a tree.
      leaves: of that tree, in order.
      order: of them, the numbers in PyTorch's order.
      params: those before each step.
      gradients: those of each step.
    """

    structure: Any
    leaves: list[Leaf]
    order: list[int]
    params: list[Leaves]
    gradients: list[Leaves]


class TorchRun(NamedTuple):
    """What PyTorch's optimiser did.

    Attributes:
      updates: of each step, what it added to the parameters, in JAX's order and layout.
      rates: of each step and of one more, the learning rates of the parameters in JAX's order.
      optimizer: as the factory made it.
      tensors: its parameters, in JAX's order.
    """

    updates: list[Leaves]
    rates: list[list[float]]
    optimizer: torch.optim.Optimizer
    tensors: list[torch.nn.Parameter]


class JaxUpdates:
    """A transformation of JAX that is compiled once for each precision."""

    def __init__(self, transformation: Any, structure: Any):
        self.transformation, self.structure = transformation, structure
        self.compiled = jax.jit(transformation.update)

    def run(self, fed: Fed, precision: Precision) -> list[Leaves]:
        """The updates of each step."""
        with in_precision(precision):
            tree = lambda leaves: self._tree(leaves, precision)
            state = self.transformation.init(tree(fed.params[0]))
            found = []
            for params, gradients in zip(fed.params, fed.gradients, strict=True):
                updates, state = self.compiled(tree(gradients), state, tree(params))
                found.append(self._leaves(updates, params))
        return found

    def path(self, params: Leaves, gradients: list[Leaves]) -> list[Leaves]:
        """The parameters before each step, as they go in float32."""
        found = [params]
        with in_precision("float32"):
            tree = lambda leaves: self._tree(leaves, "float32")
            state = self.transformation.init(tree(params))
            for g in gradients[:-1]:
                updates, state = self.compiled(tree(g), state, tree(params))
                steps = self._leaves(updates, params)
                params = [p + u.astype(p.dtype) for p, u in zip(params, steps, strict=True)]
                found.append(params)
        return found

    def float32_inside(self, fed: Fed) -> set[str]:
        """What a float64 run casts to float32 or holds in it."""
        with in_precision("float64"):
            params, gradients = (self._tree(x[0], "float64") for x in (fed.params, fed.gradients))
            state = self.transformation.init(params)
            closed = jax.make_jaxpr(self.compiled)(gradients, state, params)
            held = {
                "keeps its state in float32"
                for x in jax.tree.leaves(state)
                if jnp.issubdtype(jnp.result_type(x), jnp.floating) and x.dtype != jnp.float64
            }
        return {*_findings(closed.jaxpr, closed.consts), *held}

    def _tree(self, leaves: Leaves, precision: Precision) -> Any:
        arrays = [jnp.asarray(leaf.astype(precision)) for leaf in leaves]
        return jax.tree.unflatten(self.structure, arrays)

    def _leaves(self, updates: Any, params: Leaves) -> Leaves:
        leaves = jax.tree.leaves(updates)
        shapes = [jnp.shape(u) for u in leaves], [p.shape for p in params]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"the transformation: updates of shapes {shapes[1]} expected, as the parameters "
                f"have, got {shapes[0]}"
            )
        return [np.asarray(u) for u in leaves]


def run_torch(factory: TorchFactory, fed: Fed, precision: Precision) -> TorchRun:
    """PyTorch's updates of each step; its scalars, too, are then of that precision."""
    with _torch_precision(precision):
        tensors = [
            torch.nn.Parameter(torch.from_numpy(_to_torch(fed, i, fed.params[0], precision)))
            for i in fed.order
        ]
        made = factory(tensors)
        optimizer, *schedulers = made if isinstance(made, tuple) else (made,)
        _require_optimizer(optimizer, tensors)
        place = {i: tensor for i, tensor in zip(fed.order, tensors, strict=True)}
        ordered = [place[i] for i in range(len(fed.leaves))]
        found, rates = [], [_rates(optimizer, ordered)]
        for t, (params, gradients) in enumerate(zip(fed.params, fed.gradients, strict=True)):
            before = [_to_torch(fed, i, params, precision) for i in range(len(ordered))]
            _feed(
                optimizer,
                ordered,
                before,
                [_to_torch(fed, i, gradients, precision) for i in range(len(ordered))],
            )
            _step(optimizer, schedulers, t)
            after = [tensor.detach().numpy() for tensor in ordered]
            steps = [a - b for a, b in zip(after, before, strict=True)]
            found.append([f.to_jax(step) for f, step in zip(fed.leaves, steps, strict=True)])
            rates.append(_rates(optimizer, ordered))
    return TorchRun(found, rates, optimizer, ordered)


def _to_torch(fed: Fed, i: int, leaves: Leaves, precision: Precision) -> np.ndarray:
    array = fed.leaves[i].to_torch(leaves[i])
    return np.array(array, precision, order="C")  # a copy: PyTorch changes it in place


def _feed(optimizer, tensors, params, gradients):
    """As a training does: the gradient is added to what has not been cleared."""
    optimizer.zero_grad()
    with torch.no_grad():
        for tensor, p, g in zip(tensors, params, gradients, strict=True):
            tensor.copy_(torch.from_numpy(p))
            g = torch.from_numpy(g)
            tensor.grad = g if tensor.grad is None else tensor.grad + g


def _step(optimizer, schedulers, t):
    try:
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"torch_factory: {type(optimizer).__name__} cannot be read: it does not take step "
            f"{t + 1} with plain gradients: {error}"
        ) from error


def _rates(optimizer, tensors) -> list[float]:
    of = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    return [float(of.get(id(tensor), 0.0)) for tensor in tensors]


def _require_optimizer(optimizer: Any, tensors: Sequence[torch.Tensor]) -> None:
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            "torch_factory: an optimizer of PyTorch, or a tuple of it and its schedulers, "
            f"expected, got {optimizer!r}"
        )
    given = {id(tensor) for tensor in tensors}
    held = [p for group in optimizer.param_groups for p in group["params"]]
    if not held or any(id(p) not in given for p in held):
        raise ValueError(
            "torch_factory: an optimizer over the parameters that it is given expected, got one "
            "over others"
        )


@contextmanager
def in_precision(precision: Precision) -> Iterator[None]:
    """Float64 on or off in JAX, with the promotion of dtypes and ranks that users have."""
    with (
        jax.enable_x64(precision == "float64"),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
    ):
        yield


@contextmanager
def _torch_precision(precision: Precision) -> Iterator[None]:
    usual = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, precision))
    try:
        yield
    finally:
        torch.set_default_dtype(usual)
