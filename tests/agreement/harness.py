"""How both sides of a row are run on the same numbers, and what is looked at on the way.

Each `observe_*` runs one thing in `jaxnn` and its twin in `torch_port`, and yields what the two
computed, piece by piece: outputs, gradients, running statistics, updates, optimiser state. Inputs
are drawn in float64 and rounded to the dtype, so that both dtypes see the same numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.utils import _pytree as torch_tree

from jaxnn.typing import GradientTransformation, Layer
from torch_port import convert

KEY = jax.random.key(0)


class Observation(NamedTuple):
    """What both sides computed at one place.

    Attributes:
      place: where, in words: `"step 2: gradient of kernel"`.
      kind: the row of the table of tolerances that holds for it.
      ours: of `jaxnn`.
      theirs: of `torch_port`, in `jaxnn`'s layout.
      terms: the size of the numbers that were added up to it, where they may have cancelled.
    """

    place: str
    kind: str
    ours: np.ndarray
    theirs: np.ndarray
    terms: float = 0.0


def rounded(arrays: Sequence[np.ndarray], dtype: str) -> list[np.ndarray]:
    return [x.astype(dtype) if x.dtype.kind == "f" else x for x in map(np.asarray, arrays)]


def to_numpy(x: Any) -> np.ndarray:
    return x.detach().numpy().copy() if isinstance(x, torch.Tensor) else np.asarray(x)


def largest(arrays) -> float:
    return max((float(np.abs(x).max(initial=0)) for x in arrays), default=0.0)


def pairs(
    kind: str, ours: dict[str, Any], theirs: dict[str, Any], where: str = "", among: Sequence = ()
) -> Iterator[Observation]:
    """Observations of everything that both sides have by name; what one side lacks is an error.

    Their terms are as large as the largest of the numbers here and `among` those they came from.
    """
    assert ours.keys() == theirs.keys(), (ours.keys(), theirs.keys())
    theirs = {name: to_numpy(value) for name, value in theirs.items()}
    terms = largest([*theirs.values(), *map(to_numpy, among)])
    for name, value in ours.items():
        yield Observation(f"{where}{name}", kind, to_numpy(value), theirs[name], terms)


def observe_function(
    kind: str,
    ours: Callable,
    theirs: Callable,
    draw: Callable,
    dtype: str,
    scale: float,
    *,
    constant: Sequence[int] = (),
) -> Iterator[Observation]:
    """A function of arrays to one array: its output, and the gradient by each floating argument.

    `draw(rng)` gives a list of argument tuples: several sizes, and values of interest. The
    arguments in `constant` are not differentiated by.
    """
    rng = np.random.default_rng(0)
    for number, arguments in enumerate(draw(rng)):
        arguments = rounded(arguments, dtype)
        where = f"input {number}: "
        moving = {
            i: jnp.asarray(x)
            for i, x in enumerate(arguments)
            if x.dtype.kind == "f" and i not in constant
        }
        given = dict(enumerate(map(jnp.asarray, arguments)))
        output, pull = jax.vjp(lambda m, given=given: ours(*(given | m).values()), moving)
        cotangent = (scale * rng.normal(size=output.shape)).astype(dtype)
        (grads,) = pull(jnp.asarray(cotangent))

        tensors = [torch.tensor(x, requires_grad=i in moving) for i, x in enumerate(arguments)]
        result = theirs(*tensors)
        result.backward(torch.tensor(cotangent))
        yield from pairs(f"{kind} output", {"output": output}, {"output": result}, where, arguments)
        name = lambda i: f"gradient of argument {i}"
        yield from pairs(
            f"{kind} gradient",
            {name(i): g for i, g in grads.items()},
            {name(i): gradient_of(tensors[i]) for i in grads},
            where,
            [cotangent, *(cotangent * np.abs(x).max() for x in arguments)],
        )


def observe_values(
    kind: str, ours: Callable, theirs: Callable, draw: Callable, dtype: str, scale: float
) -> Iterator[Observation]:
    """A function of arrays to a tree of numbers that nobody differentiates."""
    for number, arguments in enumerate(draw(np.random.default_rng(0))):
        arguments = rounded(arguments, dtype)
        leaves = jax.tree.leaves(ours(*map(jnp.asarray, arguments)))
        results = torch_tree.tree_leaves(theirs(*map(torch.tensor, arguments)))
        named = lambda values: {f"output {i}": value for i, value in enumerate(values)}
        yield from pairs(kind, named(leaves), named(results), f"input {number}: ")


def gradient_of(tensor: torch.Tensor) -> torch.Tensor:
    """Its gradient, which PyTorch leaves out where the function does not depend on it."""
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad


def observe_layer(
    model: Layer, module: torch.nn.Module, batches: Callable, dtype: str, scale: float
) -> Iterator[Observation]:
    """A layer or network over several batches: all that a step computes, forwards and backwards.

    `batches(rng)` gives pairs of an input and whether it trains. Parameters are drawn anew, so that
    no scale is 1 and no bias 0; the dropout masks are those of `model`.
    """
    rng = np.random.default_rng(0)
    params, state = model.init(KEY, jnp.dtype(dtype))
    spread = lambda shape: 0.5 / np.sqrt(shape[0] if len(shape) == 2 else 1)
    noise = lambda shape: jnp.asarray(spread(shape) * rng.normal(size=shape), dtype)
    params = jax.tree.map(lambda p: p + noise(p.shape), params)
    module = module.to(getattr(torch, dtype))
    module.load_state_dict(convert.to_torch(params, state))
    for number, (x, train) in enumerate(batches(rng)):
        (x,) = rounded([x], dtype)
        key, where = jax.random.fold_in(KEY, number), f"batch {number}: "
        moving = {"x": jnp.asarray(x)} if x.dtype.kind == "f" else {}
        masks = convert.dropout_masks(model, params, state, x, key=key) if train else {}

        def run(params, moving, x=x, state=state, key=key, train=train):
            x = moving.get("x", jnp.asarray(x))
            return model.apply(params, state, x, key=key, train=train)

        output, pull, state = jax.vjp(run, params, moving, has_aux=True)
        cotangent = (scale * rng.normal(size=output.shape)).astype(dtype)
        grads, input_grads = pull(jnp.asarray(cotangent))

        module.train(train).zero_grad()
        tensor = torch.tensor(x, requires_grad=bool(moving))
        with convert.with_masks(module, masks) if train else nullcontext():
            result = module(tensor)
        if result.requires_grad:
            result.backward(torch.tensor(cotangent))

        yield from pairs("layer output", {"output": output}, {"output": result}, where, [x])
        ours = convert.to_torch(grads, ()) | input_grads
        theirs = {name: gradient_of(p) for name, p in module.named_parameters()}
        theirs |= {"x": gradient_of(tensor)} if moving else {}
        yield from pairs("layer gradient", ours, theirs, f"{where}gradient of ", [cotangent])
        yield from pairs(
            "running statistics", convert.to_torch((), state), dict(module.named_buffers()), where
        )


def observe_transformation(
    ours: GradientTransformation, theirs: Any, dtype: str, scale: float, steps: int = 12
) -> Iterator[Observation]:
    """A transformation: updates and state at every step, on gradients that change."""
    rng = np.random.default_rng(0)
    params = rounded([rng.normal(size=shape) for shape in SHAPES], dtype)
    tensors = [torch.tensor(p) for p in params]
    arrays = [jnp.asarray(p) for p in params]
    state, their_state = ours.init(arrays), theirs.init(tensors)
    for step in range(steps):
        grads = rounded([scale * rng.normal(size=shape) for shape in SHAPES], dtype)
        updates, state = ours.update([jnp.asarray(g) for g in grads], state, arrays)
        torch_grads = [torch.tensor(g) for g in grads]
        torch_updates, their_state = theirs.update(torch_grads, their_state, tensors)
        where = f"step {step}: "
        yield from pairs("update", indexed(updates), indexed(torch_updates), where)
        yield from pairs("optimiser state", by_path(state), by_path(their_state), where)
        arrays = [p + u for p, u in zip(arrays, updates, strict=True)]
        tensors = [p + u for p, u in zip(tensors, torch_updates, strict=True)]


def observe_optimizer(
    ours: GradientTransformation, theirs: Callable, dtype: str, scale: float, steps: int = 12
) -> Iterator[Observation]:
    """An optimiser class of the twin against a transformation: the change of the parameters."""
    rng = np.random.default_rng(0)
    params = rounded([rng.normal(size=shape) for shape in SHAPES], dtype)
    tensors = [torch.tensor(p, requires_grad=True) for p in params]
    arrays = [jnp.asarray(p) for p in params]
    optimizer, state = theirs(tensors), ours.init(arrays)
    for step in range(steps):
        grads = rounded([scale * rng.normal(size=shape) for shape in SHAPES], dtype)
        for tensor, g in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(g)
        optimizer.step()
        updates, state = ours.update([jnp.asarray(g) for g in grads], state, arrays)
        arrays = [p + u for p, u in zip(arrays, updates, strict=True)]
        moved = lambda now, start=params: {
            f"change of parameter {i}": to_numpy(p) - q
            for i, (p, q) in enumerate(zip(now, start, strict=True))
        }
        for observation in pairs("path", moved(arrays), moved(tensors), f"step {step}: "):
            yield observation._replace(terms=max(observation.terms, largest(params)))
        wanted = by_path(convert.optimizer_state(optimizer, [jnp.asarray(p) for p in params]))
        if wanted.keys() == by_path(state).keys():
            yield from pairs("optimiser state", by_path(state), wanted, f"step {step}: ")


SHAPES = [(3, 5), (5,), (), (1, 1)]
"""A matrix, a vector, a number, a matrix of one."""


def indexed(arrays) -> dict[str, Any]:
    return {f"update {i}": x for i, x in enumerate(arrays)}


def by_path(tree: Any) -> dict[str, Any]:
    """The arrays of a state by field and index."""
    is_leaf = lambda x: isinstance(x, torch.Tensor)
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=is_leaf)
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
