"""PyTorch programs as sides: modules, followed by forward hooks, and functions of tensors."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from torch_port.convert.masks import MasksInstead
from torch_port.parity.sides import (
    Name,
    Precision,
    Run,
    Side,
    Tape,
    Values,
    cast,
    cotangent,
)


def torch_side(program: Any, inputs: list[np.ndarray], *, train: bool, seed: int) -> Side:
    """A side from a `torch.nn.Module` or a function of tensors.

    Args:
      program: a module, which is copied and stays as it is, or a function.
      inputs: with which it is followed once, for the order of use.
      train: whether a module trains.
      seed: of masks and cotangents.
    """
    is_module = isinstance(program, torch.nn.Module)
    module = copy.deepcopy(program) if is_module else Function(program)
    module.train(train)
    values = Values(*_values(module), inputs)
    tape = Tape(seed)
    with torch.no_grad(), _precision("float32"):
        order = _follow(copy.deepcopy(module).float(), _tensors(inputs, "float32"), tape)[1]
    by_use = lambda arrays: {
        name: arrays[name]
        for layer in [*order, *(n.layer for n in arrays if n.layer not in order)]
        for name in arrays
        if name.layer == layer
    }
    values = Values(by_use(values.params), by_use(values.state), inputs)

    def run(values: Values, precision: Precision) -> Run:
        return _run(module, values, precision, seed)

    def float32_inside(values: Values) -> list[str]:
        with _Float32Inside() as found:
            _run(module, values, "float64", seed)
        casts = {"casts to float32"}
        return [*(found.found & casts or found.found)]

    return Side("PyTorch", values, tape.kinds, run, float32_inside)


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


def _tensors(inputs, precision):
    return [torch.from_numpy(np.array(cast(x, precision))) for x in inputs]


def _run(module, values, precision, seed):
    module = copy.deepcopy(module).to(getattr(torch, precision))
    with torch.no_grad():
        tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        for name, array in {**values.params, **values.state}.items():
            tensors[str(name)].copy_(torch.from_numpy(np.array(cast(array, precision))))
    inputs = [x.requires_grad_(x.is_floating_point()) for x in _tensors(values.inputs, precision)]
    params = {name: tensors[str(name)].requires_grad_() for name in values.params}
    tape = Tape(seed)
    with _precision(precision), torch.random.fork_rng(devices=[]):
        before = torch.manual_seed(seed).get_state()
        # in-place operations may not change a leaf that asks for its gradient
        outputs, _ = _follow(module, [x.clone() for x in inputs], tape)
        if not torch.equal(before, torch.get_rng_state()):
            raise ValueError(
                "compare: the PyTorch side draws random numbers other than dropout's masks, which "
                "cannot be given to the other side; compare it with train=False, or take them in "
                "as an input"
            )
    floating = {i: x for i, x in enumerate(inputs) if x.is_floating_point()}
    gradients = _gradients(outputs, [*params.values(), *floating.values()], seed)
    return Run(
        {path: _array(output) for path, output in tape.outputs.items()},
        [_array(output) for output in outputs],
        {name: _array(tensors[str(name)]) for name in values.state},
        dict(zip(params, gradients, strict=False)),
        dict(zip(floating, gradients[len(params) :], strict=True)),
    )


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


def _follow(module, inputs, tape):
    """The outputs of a module, and the layers with arrays of their own in the order of use."""
    order: list[str] = []
    hooks = []
    for path, layer in module.named_modules():
        holds = bool(layer._parameters or layer._buffers)
        if holds:
            hooks.append(layer.register_forward_pre_hook(_noting(order, path)))
        if holds or not layer._modules:
            hooks.append(layer.register_forward_hook(_recording(tape, path)))
    try:
        with MasksInstead(_mask_of(tape)):
            outputs = module(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return [y for y in tree_leaves(outputs) if isinstance(y, torch.Tensor)], order


def _noting(order, path):
    def note(layer, inputs):
        if path not in order:
            order.append(path)

    return note


def _recording(tape, path):
    def record(layer, inputs, output):
        tensors = [y for y in tree_leaves(output) if isinstance(y, torch.Tensor)]
        if tensors:  # cloned: what follows may change it in place
            kind = layer._get_name().lower().replace("_", "")
            tape.record(path, kind, tensors[0].detach().clone())

    return record


def _mask_of(tape: Tape) -> Callable[[torch.Size, float], torch.Tensor]:
    """The tape's masks; a dropout of rate 0 asks for none."""
    return lambda shape, rate: (
        torch.from_numpy(tape.mask(shape, rate)) if rate else torch.ones(shape, dtype=torch.bool)
    )


@contextmanager
def _precision(precision: Precision) -> Iterator[None]:
    """The dtype of the tensors that a program makes itself."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, precision))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class _Float32Inside(TorchDispatchMode):
    """Watches a float64 run for what is cast to, or held in, less."""

    def __init__(self):
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        came = {x.dtype for x in tree_leaves(args) if isinstance(x, torch.Tensor)}
        gave = {x.dtype for x in tree_leaves(result) if isinstance(x, torch.Tensor)}
        less = {torch.float32, torch.float16, torch.bfloat16}
        if "_to_copy" in str(func) and torch.float64 in came and gave & less:
            self.found.add("casts to float32")
        elif torch.float64 in came and came & less:
            self.found.add("holds a constant in float32")
        return result
