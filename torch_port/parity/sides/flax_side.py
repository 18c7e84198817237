"""Flax modules as JAX programs: linen, followed by interception, and nnx, by its module graph."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

from jaxnn.layers import apply_mask
from torch_port.parity.sides.jax_side import Program
from torch_port.parity.sides.side import Name, Tape

MODES = {
    "train": True,
    "training": True,
    "is_training": True,
    "deterministic": False,
    "use_running_average": False,
}
"""How a module's `__call__` may be told that it trains."""

CELLS = (linen.RNNCellBase, nnx.RNNCellBase)

WHOLES = (*CELLS, linen.MultiHeadDotProductAttention, nnx.MultiHeadAttention)
"""Modules that are one layer in PyTorch, though Flax puts them together from several."""


def flax_program(
    module: Any, inputs: list[np.ndarray], *, params: Any, train: bool, seed: int
) -> Program:
    """A linen or nnx module as a program.

    Args:
      module: of either kind.
      inputs: for the initial parameters of a linen module.
      params: of a linen module, or all its variables; None draws them.
      train: whether it trains, told by whichever of `MODES` its `__call__` takes.
      seed: of initial parameters.
    """
    if isinstance(module, nnx.Module):
        return _from_nnx(module, train)
    return _from_linen(module, inputs, params, train, seed)


def mode_arguments(call: Callable[..., Any], train: bool) -> dict[str, bool]:
    taken = inspect.signature(call).parameters
    return {name: value == train for name, value in MODES.items() if name in taken}


def _name(keys: tuple[str, ...]) -> Name:
    return Name("/".join(keys[:-1]), keys[-1])


def _from_linen(module, inputs, params, train, seed) -> Program:
    modes = mode_arguments(module.__call__, train)
    with jax.enable_x64(False):
        # compiled as a whole: one operation after another would be compiled one by one
        variables = jax.jit(partial(module.init, **modes))(
            {"params": jax.random.key(seed), "dropout": jax.random.key(seed)},
            *map(jnp.asarray, inputs),
        )
    if params is not None:
        variables = {**variables, **(params if "params" in params else {"params": params})}
    state = {name: tree for name, tree in variables.items() if name != "params"}

    def apply(params, state, inputs, tape):
        follow = linen.intercept_methods(_following(tape))
        with follow, _carries():
            outputs, changed = module.apply(
                {"params": params, **state}, *inputs, **modes, mutable=[*state]
            )
        return outputs, {**state, **changed}

    collections = {*state}
    in_state = lambda keys: _name(keys[1:] if keys[0] in collections else keys)
    return Program(apply, variables.get("params", {}), state, in_state, kind=kind_of(module))


def _following(tape: Tape):
    """An interceptor that writes the outputs of leaf modules on the tape, and gives masks."""
    calls = 0
    running: list[str] = []
    outside = _trace()

    def intercept(call, args, kwargs, context):
        nonlocal calls
        module, path = context.module, "/".join(context.module.path)
        # a subclass may call the method of its base: one layer all the same
        if context.method_name != "__call__" or path in running:
            return call(*args, **kwargs)
        running.append(path)
        calls += _trace() == outside
        before = calls
        with tape.within(path):
            if isinstance(module, linen.Dropout):
                output = _dropped(module, tape, *args, **kwargs)
            else:
                output = call(*args, **kwargs)
        running.pop()
        holds = any(
            not isinstance(value, dict) for value in module.variables.get("params", {}).values()
        )
        is_layer = calls == before or holds or isinstance(module, WHOLES)
        return recorded(tape, path, module, output, outside) if path and is_layer else output

    return intercept


@contextmanager
def _carries() -> Iterator[None]:
    """While the context lasts, cells begin with what they carry in the precision of the run."""
    kinds = [kind for base in CELLS for kind in base.__subclasses__()]
    kinds = [kind for kind in kinds if "initialize_carry" in vars(kind)]
    originals = {kind: kind.initialize_carry for kind in kinds}
    for kind, initialize in originals.items():
        setattr(kind, "initialize_carry", _in_precision(initialize))  # noqa: B010
    try:
        yield
    finally:
        for kind, initialize in originals.items():
            setattr(kind, "initialize_carry", initialize)  # noqa: B010


def _in_precision(initialize: Callable[..., Any]) -> Callable[..., Any]:
    def answered(*args, **kwargs):
        carry = initialize(*args, **kwargs)
        return jax.tree.map(lambda leaf: leaf.astype(jnp.result_type(float)), carry)

    return answered


def _trace() -> Any:
    """The transformation that now is traced: inside a scan no output can be taken out."""
    return jax.extend.core.get_opaque_trace_state(convention="flax")


def recorded(tape: Tape, path: str, module: Any, output: Any, outside: Any) -> Any:
    """The output of a module, its first array written on the tape and answered by it.

    That of a cell is its last: before it comes what it carries on.
    """
    if _trace() != outside:
        return output
    leaves, structure = jax.tree.flatten(output)
    seen = leaves[-1 if isinstance(module, CELLS) else 0]
    answer = tape.record(path, kind_of(module), seen)
    return structure.unflatten([answer if leaf is seen else leaf for leaf in leaves])


def kind_of(module: Any) -> str:
    """What a module is; a transposed convolution says how its kernel lies."""
    kind = type(module).__name__.lower()
    return f"{kind}, transpose_kernel" if getattr(module, "transpose_kernel", False) else kind


def _dropped(module, tape, inputs, deterministic=None, rng=None):
    deterministic = module.deterministic if deterministic is None else deterministic
    return inputs if deterministic else _masked(inputs, module, tape)


def _masked(inputs, module, tape):
    if module.rate == 0:
        return inputs
    shape = [1 if i in module.broadcast_dims else n for i, n in enumerate(inputs.shape)]
    mask = jnp.asarray(np.broadcast_to(tape.mask(shape, module.rate), inputs.shape))
    return apply_mask(inputs, mask, module.rate)


def _from_nnx(module, train) -> Program:
    module = nnx.clone(module)
    module.train() if train else module.eval()
    graph, params, statistics, rest = nnx.split(module, nnx.Param, nnx.BatchStat, ...)
    modes = mode_arguments(type(module).__call__, train)

    def apply(params_tree, state_tree, inputs, tape):
        merged = nnx.merge(
            graph, _replaced(params, params_tree), _replaced(statistics, state_tree), rest,
            copy=True,  # its counts of random draws change
        )  # fmt: skip
        paths = {id(child): path for path, child in nnx.iter_modules(merged)}
        with _followed(merged, paths, tape), _carries():
            outputs = merged(*inputs, **modes)
        return outputs, nnx.to_pure_dict(nnx.state(merged, nnx.BatchStat))

    return Program(
        apply, nnx.to_pure_dict(params), nnx.to_pure_dict(statistics), _name, kind=kind_of(module)
    )


def _replaced(state, tree):
    copy = jax.tree.map(lambda leaf: leaf, state)
    nnx.replace_by_pure_dict(copy, tree)
    return copy


@contextmanager
def _followed(module: nnx.Module, paths: dict[int, Any], tape: Tape) -> Iterator[None]:
    """While the context lasts, calls of the module's leaves are written on the tape.

    nnx has no hooks, so the classes of its children answer for them.
    """
    kinds = {type(child) for _, child in nnx.iter_modules(module) if callable(child)}
    kinds = {kind for kind in kinds if "__call__" in vars(kind)}
    originals = {kind: vars(kind)["__call__"] for kind in kinds}
    for kind, call in originals.items():
        setattr(kind, "__call__", _recording(call, paths, tape))  # noqa: B010
    try:
        yield
    finally:
        for kind, call in originals.items():
            setattr(kind, "__call__", call)  # noqa: B010


def _recording(call, paths, tape):
    outside = _trace()

    def answered(self, *args, **kwargs):
        path = "/".join(map(str, paths.get(id(self), ())))
        with tape.within(path):
            if isinstance(self, nnx.Dropout):
                kwargs.pop("rngs", None)
                deterministic = kwargs.get("deterministic")
                deterministic = self.deterministic if deterministic is None else deterministic
                output = args[0] if deterministic else _masked(args[0], self, tape)
            else:
                output = call(self, *args, **kwargs)
        children = [child for _, child in nnx.iter_modules(self) if child is not self]
        is_layer = isinstance(self, WHOLES) or not any(map(callable, children))
        return recorded(tape, path, self, output, outside) if path and is_layer else output

    return answered
