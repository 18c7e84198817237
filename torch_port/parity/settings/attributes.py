"""The settings of one layer, under one name for both frameworks, each with what it means.

Two settings differ if their meanings do: 0.9 as Flax's momentum and 0.1 as PyTorch's are the same.
"""

import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import torch
from torch import nn

from jaxnn.typing import Layer
from torch_port.parity.matching.alignment import plain_kind


class Read(NamedTuple):
    """A setting of one side.

    Attributes:
      shown: as its owner writes it.
      meaning: what is compared; None where it is not known.
    """

    shown: Any
    meaning: Any = None


Attributes = dict[str, Read]

ACTIVATIONS = {
    *("relu", "gelu", "elu", "selu", "celu", "leakyrelu", "silu", "tanh", "sigmoid", "softplus"),
    *("softmax", "logsoftmax", "relu6", "mish", "hardtanh", "softsign"),
}
OTHER_NAMES = {"swish": "silu", "hardswish": "hardsilu"}

TORCH_NAMES = {
    "epsilon": "eps",
    "rate": "p",
    "negative_slope": "negative_slope",
    "alpha": "alpha",
    "num_groups": "num_groups",
    "num_heads": "num_heads",
}
FLAX_NAMES = ("epsilon", "rate", "num_groups", "num_heads", "use_bias", "use_scale")
FUNCTION_NAMES = ("negative_slope", "alpha", "approximate")


def of_torch(module: nn.Module, shape: Sequence[int]) -> Attributes:
    """What a PyTorch module was made with.

    Args:
      module: a layer.
      shape: of its input.
    """
    named = {name: getattr(module, other, None) for name, other in TORCH_NAMES.items()}
    found = {name: Read(v, v) for name, v in named.items() if isinstance(v, int | float)}
    found["function"] = _function(type(module).__name__)
    weight = getattr(module, "weight", None)
    if hasattr(module, "bias"):
        # a recurrent module's is a flag
        found["use_bias"] = _same(module.bias is not None and module.bias is not False)
    if hasattr(module, "eps"):
        found["use_scale"] = _same(weight is not None)
    found |= _torch_norm(module)
    if isinstance(module, nn.GELU):
        found["approximate"] = Read(module.approximate, module.approximate == "tanh")
    if isinstance(module, nn.Softmax | nn.LogSoftmax) and module.dim is not None:
        found["axis"] = Read(module.dim, module.dim % len(shape) if shape else None)
    if isinstance(module, nn.modules.dropout._DropoutNd):
        whole = type(module) in (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
        found["broadcast_dims"] = Read("whole channels" if whole else "single values", whole)
    if isinstance(module, nn.modules.conv._ConvNd):
        found |= _torch_convolution(module, shape[2:])
    if weight is not None:
        name = str(weight.dtype).removeprefix("torch.")
        found |= {"dtype": Read(name, name), "param_dtype": Read(name, name)}
    return _known(module, found)


def of_flax(module: Any, kind: str, sizes: Sequence[int]) -> Attributes:
    """What a Flax module, linen or nnx, was made with.

    Args:
      module: a layer.
      kind: the name of its class.
      sizes: of the spatial axes of its input.
    """
    named = {name: getattr(module, name, None) for name in FLAX_NAMES}
    found = {name: Read(v, v) for name, v in named.items() if isinstance(v, int | float)}
    found["function"] = _function(kind)
    if not _is_of_a_framework(module):
        kind = ""  # its attributes need not be those of the class of that name
    if kind == "BatchNorm":
        # the weight of the old value
        found["momentum"] = Read(module.momentum, 1 - module.momentum)
    if hasattr(module, "use_fast_variance"):
        found["use_fast_variance"] = Read(module.use_fast_variance)
    if kind == "LayerNorm":
        axes = module.reduction_axes
        found["reduction_axes"] = Read(axes, 1 if isinstance(axes, int) else len(axes))
    if kind == "Dropout":
        found["broadcast_dims"] = Read(tuple(module.broadcast_dims), bool(module.broadcast_dims))
    if kind.startswith("Conv"):
        found |= _flax_convolution(module, kind, sizes)
    if hasattr(module, "param_dtype"):
        stored = jnp.dtype(module.param_dtype).name
        dtype = getattr(module, "dtype", None)
        computed = stored if dtype is None else jnp.dtype(dtype).name
        found |= {
            "dtype": Read(None if dtype is None else computed, computed),
            "param_dtype": Read(stored, stored),
        }
    if getattr(module, "precision", None) is not None:
        found["precision"] = Read(str(module.precision))
    return _known(module, found)


def of_layer(layer: Layer, shape: Sequence[int]) -> Attributes:
    """What a `jaxnn` layer was made with.

    Args:
      layer: a leaf.
      shape: of its input on the PyTorch side, whose number of axes is the same.
    """
    names = ("epsilon", "momentum", "rate", "use_bias")
    found = {name: _same(layer.settings[name]) for name in names if name in layer.settings}
    found["function"] = _function(layer.name)
    if layer.name == "dense":
        found.setdefault("use_bias", _same(True))
    if layer.name in ("batch_norm", "layer_norm"):
        found |= {"use_bias": _same(True), "use_scale": _same(True)}
    function = inspect.getclosurevars(layer.apply).nonlocals.get("function")
    return found | (_arguments(function, shape) if callable(function) else {})


def _arguments(function: Any, shape: Sequence[int]) -> Attributes:
    """The settings of an activation: defaults, or what `partial` has bound."""
    bound = function.keywords if isinstance(function, partial) else {}
    signature = inspect.signature(function).parameters
    values = {name: bound.get(name, p.default) for name, p in signature.items()}
    found = {name: _same(values[name]) for name in FUNCTION_NAMES if name in values}
    if isinstance(axis := values.get("axis"), int):
        found["axis"] = Read(axis, axis % len(shape) if shape else None)
    return found


def _same(value: Any) -> Read:
    """A setting that means what it shows."""
    return Read(value, value)


def _function(name: str) -> Read:
    kind = plain_kind(name.lower().replace("_", ""))
    kind = OTHER_NAMES.get(kind, kind)
    return Read(name, kind if kind in ACTIVATIONS else None)


def _known(module: Any, found: Attributes) -> Attributes:
    """Of a class that its user wrote it is not known what its attributes mean."""
    if _is_of_a_framework(module):
        return found
    return {name: Read(read.shown) for name, read in found.items()}


def _is_of_a_framework(module: Any) -> bool:
    return type(module).__module__.partition(".")[0] in ("torch", "flax")


def _torch_norm(module: Any) -> Attributes:
    """What stands apart in a normalisation; nothing of other layers."""
    found: Attributes = {}
    if isinstance(module, nn.RMSNorm) and module.eps is None:
        found["epsilon"] = Read(None, torch.finfo(torch.float32).eps)
    if isinstance(module, nn.modules.batchnorm._NormBase):
        momentum = module.momentum
        found["momentum"] = Read(momentum, "cumulative" if momentum is None else momentum)
    if isinstance(module, nn.LayerNorm):
        found["reduction_axes"] = Read(module.normalized_shape, len(module.normalized_shape))
    return found


def _torch_convolution(module: Any, sizes: Sequence[int]) -> Attributes:
    n = len(module.kernel_size)
    if isinstance(module.padding, str):
        padding = _pads(module.padding, module.kernel_size, module.stride, module.dilation, sizes)
    else:
        padding = tuple((p, p) for p in _each(module.padding, n))
    plain = module.padding_mode == "zeros" and not module.transposed
    return {
        "padding": Read(module.padding, padding if plain else None),
        "strides": _same(tuple(module.stride)),
        "dilation": _same(tuple(module.dilation)),
        "groups": _same(module.groups),
    }


def _flax_convolution(module: Any, kind: str, sizes: Sequence[int]) -> Attributes:
    kernel = module.kernel_size
    kernel = (kernel,) if isinstance(kernel, int) else tuple(kernel)
    strides = _each(module.strides or 1, len(kernel))
    dilation = _each(module.kernel_dilation or 1, len(kernel))
    padding = module.padding
    if isinstance(padding, str):
        pads = _pads(padding, kernel, strides, dilation, sizes)
    else:
        pads = tuple(
            (p, p) if isinstance(p, int) else tuple(p) for p in _each(padding, len(kernel))
        )
    found = {
        "padding": Read(padding, pads if kind == "Conv" else None),
        "strides": Read(module.strides, strides),
        "dilation": Read(module.kernel_dilation, dilation),
    }
    if hasattr(module, "feature_group_count"):
        found["groups"] = _same(module.feature_group_count)
    return found


def _pads(name: str, kernel, strides, dilation, sizes) -> tuple[tuple[int, int], ...] | None:
    """How much "SAME" or "VALID" pads each axis before and behind; None of other names."""
    if name.upper() == "VALID":
        return ((0, 0),) * len(kernel)
    if name.upper() != "SAME" or len(sizes) != len(kernel):
        return None
    totals = [
        max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        for size, k, s, d in zip(sizes, kernel, strides, dilation, strict=True)
    ]
    return tuple((total // 2, total - total // 2) for total in totals)


def _each(value: Any, n: int) -> tuple[Any, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def differs(ours: Read | None, theirs: Read | None) -> bool:
    """Whether both meanings are known, and not the same."""
    if ours is None or theirs is None or ours.meaning is None or theirs.meaning is None:
        return False
    return not _equal(ours.meaning, theirs.meaning)


def _equal(ours: Any, theirs: Any) -> bool:
    """Equality, which 1 − 0.9 has with 0.1."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-9 * abs(ours)
    return ours == theirs


def shown(attributes: Mapping[str, Read], name: str) -> Any:
    """How a side writes a setting; None where it has none."""
    return attributes[name].shown if name in attributes else None
