"""JAX programs as sides: `jaxnn` layers and functions here, Flax modules in files of their own.

Each becomes a program `(params, state, inputs, tape) -> (outputs, state)`; how it is run in a
precision, differentiated, and searched for float32 is the same for all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey

from jaxnn.combinators import map_layers
from jaxnn.layers import apply_mask
from jaxnn.typing import Layer
from torch_port.parity.sides.jaxprs import float32_in_trace, traces_repeat
from torch_port.parity.sides.side import (
    Name,
    Precision,
    Run,
    Side,
    Tape,
    Values,
    blamed,
    cast,
    cotangent,
)


@dataclass(frozen=True)
class Program:
    """A JAX program as a pure function.

    Attributes:
      apply: `(params, state, inputs, tape) -> (outputs, state)`.
      params: as the program wants them.
      state: likewise.
      name: from the keys that lead to an array to its name.
      ordered: whether the parameters' order, or that of the tape, is that of their use.
      kind: what the whole is, where it is one layer.
    """

    apply: Callable[..., tuple[Any, Any]]
    params: Any
    state: Any
    name: Callable[[tuple[str, ...]], Name]
    ordered: bool = True
    kind: str = ""


def jax_side(
    program: Any, inputs: list[np.ndarray], *, params: Any, train: bool, seed: int
) -> Side:
    """A side from a `jaxnn` layer, a Flax module, or a function of arrays.

    Args:
      program: which of these it is, is found out.
      inputs: with which it is followed once, for the order of use.
      params: of the program; None draws or takes its own.
      train: whether it trains.
      seed: of parameters, masks and cotangents.
    """
    with blamed("JAX", lambda: ""):
        made = jax_program(program, inputs, params=params, train=train, seed=seed)
    return side_of(made, inputs, seed)


def jax_program(
    program: Any, inputs: list[np.ndarray], *, params: Any, train: bool, seed: int
) -> Program:
    """Likewise, before it is followed."""
    if isinstance(program, Layer):
        return _from_layer(program, params, train, seed)
    if not is_flax(program):
        return _from_function(program, params)
    from torch_port.parity.sides.flax_side import flax_program

    return flax_program(program, inputs, params=params, train=train, seed=seed)


def is_flax(program: Any) -> bool:
    return any(base.__module__.partition(".")[0] == "flax" for base in type(program).__mro__)


def _from_layer(model: Layer, params: Any, train: bool, seed: int) -> Program:
    """`params` may be the parameters, or the pair `(params, state)` that `init` gives."""
    with jax.enable_x64(False):
        initial, state = model.init(jax.random.key(seed))
    if params is not None:
        same = jax.tree.structure(params) == jax.tree.structure(initial)
        initial, state = (params, state) if same else params
    places: dict[str, str] = {}

    def note(path, leaf):
        places[path.removesuffix(leaf.name)] = path
        return leaf

    map_layers(note, model)

    def name(keys):
        place = "".join(f"{key}/" for key in keys[:-1])
        return Name(places[place], keys[-1])

    def apply(params, state, inputs, tape):
        followed = map_layers(lambda path, leaf: _followed(path, leaf, tape), model)
        return followed.apply(params, state, *inputs, key=jax.random.key(seed), train=train)

    return Program(apply, initial, state, name)


def _followed(path: str, leaf: Layer, tape: Tape) -> Layer:
    """A leaf that writes its output on the tape and, if it drops, takes its mask from there."""

    def apply(params, state, x, *, key=None, train=False):
        with tape.within(path):
            if leaf.name == "dropout" and train:
                rate = leaf.settings["rate"]
                y = apply_mask(x, jnp.asarray(tape.mask(x.shape, rate)), rate) if rate else x
            else:
                y, state = leaf.apply(params, state, x, key=key, train=train)
        return tape.record(path, leaf.name.replace("_", ""), y), state

    return replace(leaf, apply=apply)


def _from_function(function: Callable[..., Any], params: Any) -> Program:
    """A function of arrays, or with parameters of `(params, *inputs)`."""

    def apply(params, state, inputs, tape):
        return (function(*inputs) if params is None else function(params, *inputs)), state

    name = lambda keys: Name("/".join(keys[:-1]), keys[-1])
    is_mapping = lambda node: isinstance(node, dict)
    has_mapping = any(map(is_mapping, jax.tree.leaves(params, is_leaf=is_mapping)))
    return Program(apply, params, (), name, ordered=not has_mapping)


def side_of(program: Program, inputs: list[np.ndarray], seed: int) -> Side:
    """The side that runs a program."""
    params, params_names = named(program.params, program.name)
    state, state_names = named(program.state, program.name)
    params_tree, state_tree = map(jax.tree.structure, (program.params, program.state))
    to_trees = lambda params, state: (
        params_tree.unflatten([params[name] for name in params_names]),
        state_tree.unflatten([state[name] for name in state_names]),
    )

    outputs_shapes: dict[str, tuple[int, ...]] = {}

    def followed(params, state, inputs, tape):
        outputs, state = program.apply(*to_trees(params, state), inputs, tape)
        outputs_shapes.update(_shapes_by_name(outputs))
        return jax.tree.leaves(outputs), dict(zip(state_names, jax.tree.leaves(state), strict=True))

    def run(values: Values, precision: Precision) -> Run:
        with blamed("JAX", lambda: ""), _precision(precision):
            return runner(_cast(values, precision))

    def float32_inside(values: Values) -> list[str]:
        with _precision("float64"):
            return float32_in_trace(followed, _cast(values, "float64"), seed)

    def repeats(values: Values) -> bool:
        with _precision("float32"):
            return traces_repeat(followed, _cast(values, "float32"), seed)

    values = Values(params, state, inputs)
    with _precision("float32"):
        tape = _traced(followed, _cast(values, "float32"), seed)
    shapes = {
        place: jnp.shape(output)
        for place, output in tape.outputs.items()
        if jnp.issubdtype(output.dtype, jnp.floating)
    }
    runner = _runner(followed, shapes, seed)
    order = tape.order
    place = lambda name: order.index(name.layer) if name.layer in order else len(order)
    by_use = lambda arrays: {name: arrays[name] for name in sorted(arrays, key=place)}
    values = Values(by_use(params), by_use(state), inputs)
    return Side(
        "JAX", values, tape.kinds, run, float32_inside, program.ordered, program.kind,
        outputs_shapes, repeats,
    )  # fmt: skip


def _shapes_by_name(outputs: Any) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree_util.tree_leaves_with_path(outputs)
    return {"/".join(map(_key, path)): jnp.shape(leaf) for path, leaf in leaves}


def named(tree: Any, name: Callable[..., Name]) -> tuple[dict[Name, np.ndarray], list[Name]]:
    """The arrays of a tree in float32 by name, and the names in the tree's order."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    names = [name(tuple(map(_key, path))) for path, _ in leaves]
    arrays = [cast(np.asarray(leaf), "float32") for _, leaf in leaves]
    return dict(zip(names, arrays, strict=True)), names


def _key(key: Any) -> str:
    match key:
        case SequenceKey(idx=index):
            return str(index)
        case DictKey(key=name) | FlattenedIndexKey(key=name) | GetAttrKey(name=name):
            return str(name)
    return str(key)


@contextmanager
def _precision(precision: Precision) -> Iterator[None]:
    """Float64 on or off; promotion is free, so that a float32 inside is found, not refused."""
    with jax.enable_x64(precision == "float64"), jax.numpy_dtype_promotion("standard"):
        yield


def _cast(values: Values, precision: Precision) -> Values:
    to_jax = lambda array: jnp.asarray(cast(array, precision))
    named = lambda arrays: {name: to_jax(array) for name, array in arrays.items()}
    return Values(named(values.params), named(values.state), [*map(to_jax, values.inputs)])


def _runner(
    followed: Callable[..., Any], shapes: dict[str, tuple[int, ...]], seed: int
) -> Callable[[Values], Run]:
    """What computes outputs and gradients, compiled once for each precision.

    The gradient by the output of a layer is that by a probe of zeros which is added to it.
    """
    paths: list[str] = []

    def compute(params, state, inputs):
        def function(params, differentiated, probes):
            add_probe = lambda place, y: y + probes[place].astype(y.dtype) if place in probes else y
            tape = Tape(seed, add_probe)
            given = [differentiated.get(i, x) for i, x in enumerate(inputs)]
            outputs, new_state = followed(params, state, given, tape)
            paths[:] = tape.outputs
            return _weighed(outputs, seed), (outputs, new_state, [*tape.outputs.values()])

        is_floating = lambda x: jnp.issubdtype(x.dtype, jnp.floating)
        differentiated = {i: x for i, x in enumerate(inputs) if is_floating(x)}
        probes = {place: jnp.zeros(shape) for place, shape in shapes.items()}
        gradients, computed = jax.grad(function, (0, 1, 2), has_aux=True)(
            params, differentiated, probes
        )
        return *computed, *gradients

    compiled = jax.jit(compute)

    def run(values: Values) -> Run:
        try:
            computed = compiled(*values)
        except jax.errors.ConcretizationTypeError:  # the program branches on values
            computed = compute(*values)
        outputs, state, layers, params, inputs, probes = jax.tree.map(_array, computed)
        return Run(dict(zip(paths, layers, strict=True)), outputs, state, probes, params, inputs)

    return run


def _traced(followed: Callable[..., Any], values: Values, seed: int) -> Tape:
    """The tape of a run without computing; of a program that branches on values, of a real run."""
    tape = Tape(seed)
    with blamed("JAX", lambda: tape.failed):
        try:
            jax.eval_shape(lambda values: followed(*values, tape)[0], values)
        except jax.errors.ConcretizationTypeError:
            tape = Tape(seed)
            followed(*values, tape)
    return tape


def _weighed(outputs: list[jax.Array], seed: int) -> jax.Array:
    """Σ cotangent · output, whose gradients are compared."""
    terms = [
        jnp.sum(y * jnp.asarray(cotangent(seed, i, y.shape), y.dtype))
        for i, y in enumerate(outputs)
        if jnp.issubdtype(y.dtype, jnp.floating)
    ]
    return sum(terms[1:], terms[0]) if terms else jnp.zeros(())


def _array(array: Any) -> np.ndarray:
    array = np.asarray(array)
    return array.astype(np.float32) if array.dtype == jnp.bfloat16 else array
