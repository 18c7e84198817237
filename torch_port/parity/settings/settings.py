"""What can be read off both programs before anything runs: settings, initial values, precision."""

import copy
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import torch

from jaxnn.combinators import map_layers
from jaxnn.typing import Layer
from torch_port.parity.matching.matching import Matching
from torch_port.parity.report import Setting
from torch_port.parity.settings.attributes import (
    Attributes,
    Read,
    differs,
    of_flax,
    of_layer,
    of_torch,
    shown,
)
from torch_port.parity.settings.initial_values import identify
from torch_port.parity.sides.jax_side import is_flax
from torch_port.parity.sides.side import Name, Values

Shapes = Mapping[str, tuple[int, ...]]

CONSTANT = {"zeros", "ones"}
"""What `identify` answers of values that were not drawn."""


def settings_of(
    jax_program: Any,
    torch_program: Any,
    matching: Matching,
    inputs: list[np.ndarray],
    torch_inputs: list[np.ndarray] | None = None,
) -> tuple[Setting, ...]:
    """The settings of every pair of layers, and the flags of precision.

    Only what both sides mean differently is marked: Flax's momentum 0.9 weighs the old value and
    PyTorch's 0.1 the new one, which is the same. A function has no settings to be read.

    Args:
      jax_program: a `jaxnn` layer, a Flax module, or a function.
      torch_program: a module, which stays as it is, or a function.
      matching: which layer is which.
      inputs: with which modules are followed.
      torch_inputs: of PyTorch's, where its images lie otherwise; None if they do not.

    Returns:
      A row for each setting that either side has, layer by layer in order of use.
    """
    if not isinstance(torch_program, torch.nn.Module):
        return precision_settings()
    shapes = _input_shapes(torch_program, inputs if torch_inputs is None else torch_inputs)
    theirs = {
        path: of_torch(module, shapes.get(path, ()))
        for path, module in torch_program.named_modules()
    }
    layers = _layers(matching)
    twins = {path: shapes.get(other, ()) for path, other in layers.items()}
    ours = _attributes(jax_program, inputs, twins)
    rows = [
        setting
        for path, other in layers.items()
        for setting in _rows(_place(path, other), ours.get(path, {}), theirs.get(other, {}))
    ]
    return (*rows, *precision_settings())


def _layers(matching: Matching) -> dict[str, str]:
    """PyTorch's path for JAX's, each layer once however often it is called."""
    base = lambda path: path.partition("#")[0]
    found = {base(path): base(other) for path, other in matching.layers.items()}
    return found | {pair.jax.layer: pair.torch.layer for pair in matching.pairs}


def _attributes(program: Any, inputs: list[np.ndarray], twins: Shapes) -> dict[str, Attributes]:
    """Of every layer of the JAX side; `twins` has the shapes of PyTorch's inputs, by JAX's path."""
    if isinstance(program, Layer):
        found: dict[str, Attributes] = {}

        def note(path, leaf):
            found[path] = of_layer(leaf, twins.get(path, ()))
            return leaf

        map_layers(note, program)
        return found
    if not is_flax(program):
        return {}
    from torch_port.parity.settings.flax_attributes import flax_modules

    return {
        path: of_flax(module, type(module).__name__, twins.get(path, ())[2:])
        for path, module in flax_modules(program, inputs).items()
    }


def _input_shapes(module: torch.nn.Module, inputs: list[np.ndarray]) -> dict[str, tuple[int, ...]]:
    """The shape that each layer is given, by path."""
    module = copy.deepcopy(module).float().eval()
    found: dict[str, tuple[int, ...]] = {}

    def noting(path):
        def note(layer, given):
            shapes = [tuple(x.shape) for x in given if isinstance(x, torch.Tensor)]
            found.setdefault(path, shapes[0] if shapes else ())

        return note

    for path, layer in module.named_modules():
        layer.register_forward_pre_hook(noting(path))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        module(*(torch.from_numpy(np.array(x)) for x in inputs))
    return found


def _rows(place: str, ours: Attributes, theirs: Attributes) -> list[Setting]:
    rows = [
        Setting(
            place,
            name,
            shown(ours, name),
            shown(theirs, name),
            differs(ours.get(name), theirs.get(name)),
        )
        for name in {**ours, **theirs}
    ]
    return [row for row in rows if row.name != "function" or row.differs]


def _place(path: str, other: str) -> str:
    return f"{path or 'the module itself'} | {other or 'the module itself'}"


def precision_settings() -> tuple[Setting, ...]:
    """The flags of both frameworks that decide in which precision products are computed.

    They differ where JAX runs on an accelerator, whose default is less than float32.

    Example:
      >>> [setting.name for setting in precision_settings()]
      ['matmul precision', 'convolution precision', 'float64']
    """
    default = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    exact = jax.default_backend() == "cpu" or default in ("float32", "highest")
    ours = Read(default, "highest" if exact else "reduced")
    products = torch.get_float32_matmul_precision()
    theirs = Read(products, "highest" if products == "highest" else "reduced")
    tf32 = torch.backends.cudnn.allow_tf32
    convolutions = Read(f"cudnn.allow_tf32={tf32}")
    if not torch.cuda.is_available():
        convolutions = convolutions._replace(meaning="highest")
    wide = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    place = "the whole program"
    dtype = str(torch.get_default_dtype()).removeprefix("torch.")
    return (
        Setting(place, "matmul precision", ours.shown, theirs.shown, differs(ours, theirs)),
        Setting(
            place,
            "convolution precision",
            ours.shown,
            convolutions.shown,
            differs(ours, convolutions),
        ),
        Setting(
            place,
            "float64",
            f"jax_enable_x64={wide}",
            f"default dtype {dtype}",
            not wide and dtype == "float64",
        ),
    )


def initial_settings(ours: Values, theirs: Values, matching: Matching) -> tuple[Setting, ...]:
    """How the parameters that each side came with look drawn, before one is copied to the other.

    Args:
      ours: of the JAX side.
      theirs: of the PyTorch side.
      matching: which parameter is which.

    Returns:
      A row for each pair of parameters; it differs if the two answers exclude each other.
    """
    kernels = {
        pair.jax.layer: np.shape(ours.params[pair.jax])
        for pair in matching.pairs
        if pair.jax in ours.params and np.ndim(ours.params[pair.jax]) > 1
    }
    rows = []
    for pair in matching.pairs:
        if pair.jax not in ours.params or pair.torch not in theirs.params:
            continue
        fans = _fans(pair.jax, kernels.get(pair.jax.layer, np.shape(ours.params[pair.jax])))
        drawn = (
            identify(ours.params[pair.jax], *fans),
            identify(pair.to_jax(theirs.params[pair.torch]), *fans),
        )
        place = _place(pair.jax.layer, pair.torch.layer)
        rows.append(Setting(place, f"initial {pair.jax.short}", *drawn, _drawn_apart(*drawn)))
    return tuple(rows)


def _drawn_apart(ours: str, theirs: str) -> bool:
    """Whether two answers of `identify` exclude each other."""
    if ours == theirs or "unknown" in (ours, theirs):
        return False
    if "several" in (ours, theirs):
        return bool(CONSTANT.intersection((ours, theirs)))
    return not {*ours.split(" or ")} & {*theirs.split(" or ")}


def _fans(name: Name, shape: tuple[int, ...]) -> tuple[int, int]:
    """Of a kernel (..., in, out), or of an embedding (names, features)."""
    if name.short == "embedding":
        return shape[-1], shape[0]
    if len(shape) < 2:
        return max((1, *shape)), max((1, *shape))
    window = int(np.prod(shape[:-2]))
    return window * shape[-2], window * shape[-1]
