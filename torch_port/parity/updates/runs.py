"""Both optimisers fed the same parameters and gradients, step by step, in both precisions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch

from torch_port.parity.sides.jaxprs import findings
from torch_port.parity.sides.side import Precision

Leaves = list[np.ndarray]
TorchFactory = Callable[[list[torch.nn.Parameter]], Any]


QUICKLY = {"xla_backend_optimization_level": 0}
"""Few steps are taken: compiling takes longer than they do."""


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
    """A transformation of JAX that is compiled once for each precision.

    Args:
      transformation: of Optax or `jaxnn`.
      structure: of its parameters as a tree.
    """

    def __init__(self, transformation: Any, structure: Any):
        self.transformation, self.structure = transformation, structure
        self.compiled = jax.jit(transformation.update, compiler_options=QUICKLY)

    def begun(self, params: Leaves, precision: Precision = "float32") -> "JaxSteps":
        """The optimiser before its first step."""
        return JaxSteps(self, params, precision)

    def run(self, fed: Fed, precision: Precision) -> list[Leaves]:
        """The updates of each step."""
        steps = self.begun(fed.params[0], precision)
        return [steps.updates(p, g) for p, g in zip(fed.params, fed.gradients, strict=True)]

    def path(self, params: Leaves, gradients: list[Leaves]) -> list[Leaves]:
        """The parameters before each step, as they go in float32."""
        steps, found = self.begun(params), [params]
        for g in gradients[:-1]:
            found.append(steps.after(found[-1], g))
        return found

    def float32_inside(self, fed: Fed) -> set[str]:
        """What a float64 run casts to float32 or holds in it."""
        with in_precision("float64"):
            params, gradients = (self.tree(x[0], "float64") for x in (fed.params, fed.gradients))
            state = self.transformation.init(params)
            closed = jax.make_jaxpr(self.transformation.update)(gradients, state, params)
            held = {
                "keeps its state in float32"
                for x in jax.tree.leaves(state)
                if jnp.issubdtype(jnp.result_type(x), jnp.floating) and x.dtype != jnp.float64
            }
        return {*findings(closed.jaxpr, closed.consts), *held}

    def tree(self, leaves: Leaves, precision: Precision) -> Any:
        """Parameters or gradients as the transformation wants them."""
        arrays = [jnp.asarray(leaf.astype(precision)) for leaf in leaves]
        return jax.tree.unflatten(self.structure, arrays)


class JaxSteps:
    """A transformation of JAX with its state, in one precision."""

    def __init__(self, of: JaxUpdates, params: Leaves, precision: Precision):
        self.of = of
        self.precision: Precision = precision
        with in_precision(precision):
            self.state = of.transformation.init(of.tree(params, precision))

    def updates(self, params: Leaves, gradients: Leaves) -> Leaves:
        """What the next step adds to the parameters."""
        with in_precision(self.precision):
            trees = [self.of.tree(leaves, self.precision) for leaves in (gradients, params)]
            try:
                updates, self.state = self.of.compiled(trees[0], self.state, trees[1])
            except TypeError as error:
                raise ValueError(
                    "the transformation cannot be run: it needs more than gradients, state and "
                    f"parameters: {error}"
                ) from error
        leaves = jax.tree.leaves(updates)
        shapes = [jnp.shape(u) for u in leaves], [p.shape for p in params]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"the transformation: updates of shapes {shapes[1]} expected, as the parameters "
                f"have, got {shapes[0]}"
            )
        return [np.asarray(u) for u in leaves]

    def after(self, params: Leaves, gradients: Leaves) -> Leaves:
        """The parameters after the next step."""
        updates = self.updates(params, gradients)
        return [p + u.astype(p.dtype) for p, u in zip(params, updates, strict=True)]


class TorchSteps:
    """An optimiser of PyTorch with its state, in one precision; its scalars are of it, too.

    Args:
      factory: which makes it.
      fed: for the order and the layout of its parameters.
      params: in JAX's order and layout.
      precision: of all.
    """

    def __init__(self, factory: TorchFactory, fed: Fed, params: Leaves, precision: Precision):
        self.fed, self.taken = fed, 0
        self.precision: Precision = precision
        with _torch_precision(precision):
            arrays = self._to_torch(params)
            tensors = {i: torch.nn.Parameter(torch.from_numpy(arrays[i])) for i in fed.order}
            made = factory([*tensors.values()])
        self.optimizer, *self.schedulers = made if isinstance(made, tuple) else (made,)
        _require_optimizer(self.optimizer, [*tensors.values()])
        self.tensors = [tensors[i] for i in range(len(fed.leaves))]

    def after(self, params: Leaves, gradients: Leaves) -> Leaves:
        """The parameters after the next step.

        As in a training, the gradient is added to what has not been cleared.
        """
        self.optimizer.zero_grad()
        given = zip(self.tensors, *map(self._to_torch, (params, gradients)), strict=True)
        with torch.no_grad():
            for tensor, p, g in given:
                tensor.copy_(torch.from_numpy(p))
                g = torch.from_numpy(g)
                tensor.grad = g if tensor.grad is None else tensor.grad + g
        with _torch_precision(self.precision):
            self._step()
        found = zip(self.fed.leaves, self.tensors, strict=True)
        return [leaf.to_jax(tensor.detach().numpy().copy()) for leaf, tensor in found]

    def rates(self) -> list[float]:
        """The learning rate of each parameter now; 0 of one that is in no group."""
        groups = self.optimizer.param_groups
        of = {id(p): group["lr"] for group in groups for p in group["params"]}
        return [float(of.get(id(tensor), 0.0)) for tensor in self.tensors]

    def _step(self) -> None:
        self.taken += 1
        try:
            self.optimizer.step()
            for scheduler in self.schedulers:
                scheduler.step()
        except (RuntimeError, TypeError) as error:
            raise ValueError(
                f"torch_factory: {type(self.optimizer).__name__} cannot be read: it does not take "
                f"step {self.taken} with plain gradients: {error}"
            ) from error

    def _to_torch(self, leaves: Leaves) -> Leaves:
        """Copies, which PyTorch may change in place."""
        turned = zip(self.fed.leaves, leaves, strict=True)
        return [np.array(leaf.to_torch(x), self.precision, order="C") for leaf, x in turned]


def run_torch(factory: TorchFactory, fed: Fed, precision: Precision) -> TorchRun:
    """PyTorch's updates of each step."""
    steps = TorchSteps(factory, fed, fed.params[0], precision)
    found, rates = [], [steps.rates()]
    for params, gradients in zip(fed.params, fed.gradients, strict=True):
        after = steps.after(params, gradients)
        before = [p.astype(precision) for p in params]
        found.append([a - b for a, b in zip(after, before, strict=True)])
        rates.append(steps.rates())
    return TorchRun(found, rates, steps.optimizer, steps.tensors)


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
