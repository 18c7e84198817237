"""PyTorch programs as sides: modules, followed by forward hooks, and functions of tensors."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from torch_port.parity.sides.locks import FREE, Lock
from torch_port.parity.sides.side import (
    Name,
    Output,
    Precision,
    Run,
    Side,
    Tape,
    Values,
    blamed,
    cast,
    cotangent,
)
from torch_port.parity.sides.torch_calls import Call, Edits, Follow
from torch_port.parity.sides.torch_precision import Float32Inside, in_precision


class Trace(NamedTuple):
    """The calls of a forward pass.

    Attributes:
      calls: in order.
      ends: how many calls were made when a layer gave its output, by path.
    """

    calls: list[Call]
    ends: dict[str, int]


@dataclass(frozen=True)
class TorchSide(Side):
    """A PyTorch program, which can also be locked to values and run with calls edited.

    Attributes:
      rerun: from values, a precision, a lock and edits to what is computed, and the calls; with
        False behind these the gradients are left out as 0.
    """

    rerun: Callable[..., tuple[Run, Trace]] = None  # type: ignore[assignment]


def torch_side(
    program: Any,
    inputs: list[np.ndarray],
    *,
    train: bool,
    seed: int,
    outputs: Sequence[Output] | None = None,
) -> TorchSide:
    """A side from a `torch.nn.Module` or a function of tensors.

    Args:
      program: a module, which is copied and stays as it is, or a function.
      inputs: with which it is followed once, for the order of use.
      train: whether a module trains.
      seed: of masks and cotangents.
      outputs: the order of the outputs, and how they lie; None leaves them as they come.
    """
    is_module = isinstance(program, torch.nn.Module)
    module = copy.deepcopy(program) if is_module else Function(program)
    module.train(train)
    values = Values(*_values(module), inputs)
    tape = Tape(seed)
    with torch.no_grad(), in_precision("float32"):
        plain = copy.deepcopy(module).float()
        came, order, _ = _follow(plain, _tensors(inputs, "float32"), tape)
    shapes = {name: tuple(y.shape) for name, y in came.items()}
    arranged = outputs or [Output(i, False) for i in range(len(came))]
    by_use = lambda arrays: {
        name: arrays[name]
        for layer in [*order, *(n.layer for n in arrays if n.layer not in order)]
        for name in arrays
        if name.layer == layer
    }
    values = Values(by_use(values.params), by_use(values.state), inputs)

    def rerun(values, precision, locked, edits, gradients=True):
        return _run(module, values, precision, seed, locked, edits, arranged, gradients)

    def run(values: Values, precision: Precision) -> Run:
        return rerun(values, precision, FREE, {})[0]

    def float32_inside(values: Values) -> list[str]:
        with Float32Inside() as found:
            run(values, "float64")
        casts = {"casts to float32"}
        return [*(found.found & casts or found.found)]

    def repeats(values: Values) -> bool:
        one, two = (run(values, "float32").outputs for _ in range(2))
        return all(map(_same, one, two))

    return TorchSide(
        "PyTorch", values, tape.kinds, run, float32_inside, outputs=shapes, repeats=repeats,
        rerun=rerun,
    )  # fmt: skip


class Function(torch.nn.Module):
    """A function of tensors as a module without parameters."""

    def __init__(self, function: Callable[..., Any]):
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)


def _values(module):
    """Parameters and buffers in float32 by name."""
    state_dict = module.state_dict()
    params = {key for key, _ in module.named_parameters()}
    named = lambda keys: {
        _name(key): cast(state_dict[key].detach().cpu().numpy().copy(), "float32")
        for key in keys
        if key in state_dict
    }
    return named([k for k in state_dict if k in params]), named(
        [k for k in state_dict if k not in params]
    )


def _name(key: str) -> Name:
    layer, _, short = key.rpartition(".")
    return Name(layer, short, ".")


def _same(one: np.ndarray, two: np.ndarray) -> bool:
    return np.array_equal(one, two, equal_nan=one.dtype.kind == "f")


def _tensors(inputs, precision):
    return [torch.from_numpy(np.array(cast(x, precision))) for x in inputs]


def _run(module, values, precision, seed, locked, edits, arranged, with_gradients):
    module = copy.deepcopy(module).to(getattr(torch, precision))
    with torch.no_grad():
        tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        for name, array in {**values.params, **values.state}.items():
            tensors[str(name)].copy_(torch.from_numpy(np.array(cast(array, precision))))
    inputs = [x.requires_grad_(x.is_floating_point()) for x in _tensors(values.inputs, precision)]
    params = {name: tensors[str(name)].requires_grad_() for name in values.params}
    lock = Lock(locked)
    tape = Tape(seed, lock.answer)
    with in_precision(precision), torch.random.fork_rng(devices=[]):
        before = torch.manual_seed(seed).get_state()
        # in-place operations may not change a leaf that asks for its gradient
        came, _, trace = _follow(module, [x.clone() for x in inputs], tape, edits)
        outputs = [[*came.values()][output.place] for output in arranged]
        if not torch.equal(before, torch.get_rng_state()):
            raise ValueError(
                "compare: the PyTorch side draws random numbers other than dropout's masks, which "
                "cannot be given to the other side; compare it with train=False, or take them in "
                "as an input"
            )
        floating = {i: x for i, x in enumerate(inputs) if x.is_floating_point()}
        lying = zip(outputs, arranged, strict=True) if with_gradients else ()
        turned = [y.movedim(1, -1) if output.turned else y for y, output in lying]
        gradients = _gradients(turned, [*params.values(), *floating.values()], seed)
    run = Run(
        {path: _array(output) for path, output in tape.outputs.items()},
        [_array(output) for output in outputs],
        {name: _array(tensors[str(name)]) for name in values.state},
        {place: _array(lock.arrived.get(place, 0 * y)) for place, y in lock.answered.items()},
        dict(zip(params, gradients, strict=False)),
        dict(zip(floating, gradients[len(params) :], strict=True)),
    )
    return run, trace


def _gradients(outputs, leaves, seed):
    """Of Σ cotangent · output; 0 of what the outputs do not depend on."""
    weighed = [
        (output * torch.from_numpy(cotangent(seed, i, output.shape)).to(output)).sum()
        for i, output in enumerate(outputs)
        if output.requires_grad
    ]
    if not weighed or not leaves:
        return [np.zeros(leaf.shape) for leaf in leaves]
    gradients = torch.autograd.grad(sum(weighed[1:], weighed[0]), leaves, allow_unused=True)
    pairs = zip(gradients, leaves, strict=True)
    return [np.zeros(leaf.shape) if g is None else _array(g) for g, leaf in pairs]


def _array(tensor):
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy().copy()


def _follow(module, inputs, tape, edits: Edits | None = None):
    """The outputs of a module by name, the layers with arrays in order of use, the calls."""
    order: list[str] = []
    hooks = []
    mode = Follow(_mask_of(tape), edits, dict(module.named_parameters()))
    ends: dict[str, int] = {}
    for path, layer in module.named_modules():
        holds = _holds(layer)
        hooks.append(layer.register_forward_pre_hook(_entering(order, mode, path, holds)))
        is_leaf = holds or not layer._modules
        hooks.append(layer.register_forward_hook(_leaving(tape, mode, ends, path, is_leaf)))
    try:
        with mode:
            given = [mode.answer("input", lambda input: input, (x,), {}) for x in inputs]
            mode.named.update({f"input {i}": x for i, x in enumerate(given)})
            with nullcontext() if edits else blamed("PyTorch", lambda: mode.paths[-1]):
                leaves, structure = tree_flatten(module(*given))
            leaves = [
                mode.answer("output", lambda input: input, (y,), {}) if torch.is_tensor(y) else y
                for y in leaves
            ]
            outputs = tree_unflatten(leaves, structure)
    finally:
        for hook in hooks:
            hook.remove()
    return dict(_named(outputs)), order, Trace(mode.calls, ends)


def _named(outputs: Any, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of an output by their keys, or the numbers of their places."""
    if isinstance(outputs, torch.Tensor):
        yield path, outputs
    elif isinstance(outputs, Mapping | tuple | list):
        keys = getattr(outputs, "_fields", range(len(outputs)))
        named = outputs.items() if isinstance(outputs, Mapping) else zip(keys, outputs, strict=True)
        for key, output in named:
            yield from _named(output, f"{path}/{key}" if path else str(key))


def _holds(layer: torch.nn.Module) -> bool:
    """Whether a module has arrays of its own."""
    return bool(layer._parameters or layer._buffers)


def _entering(order, mode, path, holds):
    def enter(layer, inputs):
        mode.paths.append(path)
        if holds and path not in order:
            order.append(path)

    return enter


def _leaving(tape, mode, ends, path, is_leaf):
    def leave(layer, inputs, output):
        kind = layer._get_name().lower().replace("_", "")
        if is_leaf and torch.is_tensor(output) and len(inputs) == 1 and not _holds(layer):
            # as one call, whatever it is made of
            output = mode.answer(f"module {kind}", lambda input: output, inputs, {})
        mode.paths.pop()
        leaves, structure = tree_flatten(output)
        places = [i for i, y in enumerate(leaves) if isinstance(y, torch.Tensor)]
        if not is_leaf or not places:
            return output
        with torch._C.DisableTorchFunction():
            # cloned: what follows may change it in place
            seen = leaves[places[0]].detach().clone()
            answer = tape.record(path, kind, leaves[places[0]])
            place = next(reversed(tape.outputs))
            tape.outputs[place], ends[place] = seen, len(mode.calls)
        leaves[places[0]] = answer
        return tree_unflatten(leaves, structure)

    return leave


def _mask_of(tape: Tape) -> Callable[[torch.Size, float], torch.Tensor]:
    """The tape's masks; a dropout of rate 0 asks for none."""
    return lambda shape, rate: (
        torch.from_numpy(tape.mask(shape, rate)) if rate else torch.ones(shape, dtype=torch.bool)
    )
