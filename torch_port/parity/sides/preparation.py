"""Both sides made ready: what came is checked, images and outputs are put as either side wants."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from torch_port.parity.comparison import Sides, shared
from torch_port.parity.matching.matching import match
from torch_port.parity.matching.stacking import stacked
from torch_port.parity.sides.images import channels_first, channels_last
from torch_port.parity.sides.jax_side import jax_side
from torch_port.parity.sides.side import Output, Side, is_floating
from torch_port.parity.sides.torch_side import TorchSide, torch_side


class Task(NamedTuple):
    """What `compare` was asked."""

    jax: Any
    torch: Any
    params: Any
    train: bool
    seed: int
    mapping: Mapping[str, str] | None


def prepared(task: Task, inputs: Any) -> tuple[Sides, list[str]]:
    """Both sides with the same values, and what is to be said about it.

    Args:
      task: the programs.
      inputs: one array or tensor, or a tuple of them.

    Raises:
      TypeError: a side or an input is nothing that can be compared.
      ValueError: a side raises, the parameters do not match, or the outputs do not.
    """
    _check_programs(task)
    arrays = [_as_array(i, x) for i, x in enumerate(_as_tuple(inputs))]
    try:
        return _sides(task, arrays, arrays)
    except ValueError:
        if all(array.ndim < 3 for array in arrays):
            raise
        return _with_images_turned(task, arrays)


def _with_images_turned(task: Task, arrays: list[np.ndarray]) -> tuple[Sides, list[str]]:
    """The sides with the images turned for one of them, if that fits one alone.

    Raises:
      ValueError: as without.
    """
    turn = lambda to: [to(x) if x.ndim > 2 else x for x in arrays]
    found = []
    for given in ((arrays, turn(channels_first)), (turn(channels_last), arrays)):
        try:
            found.append(_sides(task, *given))
        except ValueError:
            continue
    if len(found) != 1:
        return _sides(task, arrays, arrays)
    (sides, notes), *_ = found
    return sides, [
        *notes,
        "the images lie channels last for JAX and channels first for PyTorch",
    ]


def _sides(task: Task, ours_inputs: list, theirs_inputs: list) -> tuple[Sides, list[str]]:
    settings = {"train": task.train, "seed": task.seed}
    ours = jax_side(task.jax, ours_inputs, params=task.params, **settings)
    theirs = torch_side(task.torch, theirs_inputs, **settings)
    outputs, about_outputs = _outputs(ours, theirs, images=ours_inputs is not theirs_inputs)
    if outputs != [Output(i, False) for i in range(len(outputs))]:
        theirs = torch_side(task.torch, theirs_inputs, **settings, outputs=outputs)
    ours, theirs, about_stacks = stacked(ours, theirs)
    matching = match(ours, theirs, task.mapping)
    return shared(ours, theirs, matching, task.params is not None), about_outputs + about_stacks


def _outputs(ours: Side, theirs: TorchSide, images: bool) -> tuple[list[Output], list[str]]:
    """PyTorch's outputs in JAX's order, by name where both have names.

    Raises:
      ValueError: there are none, or not as many, or others.
    """
    for side in (ours, theirs):
        shapes = [*side.outputs.values()]
        if not shapes:
            raise ValueError(f"compare: the {side.framework} side must return arrays, got none")
        if all(0 in shape for shape in shapes):
            raise ValueError(
                f"compare: the outputs of the {side.framework} side are empty, of shape "
                f"{shapes[0]}; there is nothing to compare"
            )
    names, other_names = [*ours.outputs], [*theirs.outputs]
    listed = f"JAX gives {_listed(ours)} and PyTorch {_listed(theirs)}"
    if len(names) != len(other_names):
        raise ValueError(f"compare: the number of outputs must be the same: {listed}")
    same = {*names} == {*other_names}
    if not same and len(names) > 1 and not _numbered(names) and not _numbered(other_names):
        raise ValueError(f"compare: the outputs must have the same names: {listed}")
    order = [other_names.index(name) for name in names] if same else [*range(len(names))]
    note = [] if same or len(names) == 1 else [f"outputs are taken in order: {listed}"]
    shapes = [*theirs.outputs.values()]
    pairs = zip(order, ours.outputs.values(), strict=True)
    return [Output(i, _is_image(shape, shapes[i], images)) for i, shape in pairs], note


def _numbered(names: list[str]) -> bool:
    return all(name.isdigit() for name in names)


def _is_image(shape: tuple[int, ...], other: tuple[int, ...], images: bool) -> bool:
    """Whether PyTorch's output is JAX's with channels first; if all axes are as long, as inputs."""
    if len(shape) < 3 or (shape[0], shape[-1], *shape[1:-1]) != other:
        return False
    return shape != other or images


def _listed(side: Side) -> str:
    each = ", ".join(f"{name} {shape}".strip() for name, shape in side.outputs.items())
    return f"{len(side.outputs)} ({each})"


def _as_tuple(inputs: Any) -> Sequence[Any]:
    if isinstance(inputs, Mapping | list):
        raise TypeError(
            "compare: inputs must be one array or tensor, or a tuple of them, in the order of the "
            f"arguments of both sides, got a {type(inputs).__name__}"
        )
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _as_array(place: int, x: Any) -> np.ndarray:
    """An input in float32, or as it is if it is of integers or booleans."""
    array = x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"compare: input {place} must be an array or tensor of numbers, got "
            f"{type(x).__name__} of dtype {array.dtype}"
        )
    return array.astype(np.float32) if is_floating(array) else array


def _check_programs(task: Task) -> None:
    """Raises if a side is of another kind than its place wants."""
    of_torch, of_jax = isinstance(task.jax, torch.nn.Module), _is_of_jax(task.torch)
    if of_torch or of_jax:
        came = task.jax if of_torch else task.torch
        raise TypeError(
            "compare: the JAX side comes first and the PyTorch side second, got a "
            f"{type(came).__name__} {'first' if of_torch else 'second'}"
        )
    for framework, program, wanted in (
        ("JAX", task.jax, "a jaxnn.Layer, a Flax module or a function of arrays"),
        ("PyTorch", task.torch, "a torch.nn.Module or a function of tensors"),
    ):
        if inspect.isclass(program):
            raise TypeError(
                f"compare: the {framework} side must be {wanted}, got the class "
                f"{program.__name__}; make an instance of it"
            )
        if not callable(program) and not _is_of_jax(program):
            raise TypeError(
                f"compare: the {framework} side must be {wanted}, got {type(program).__name__}"
            )


def _is_of_jax(program: Any) -> bool:
    kinds = {base.__module__.partition(".")[0] for base in type(program).__mro__}
    return bool(kinds & {"flax", "jaxnn"})
