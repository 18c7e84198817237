"""Parameters and layout: what is where in a kernel, and what a port forgot."""

from collections.abc import Iterator

import torch

from torch_port.parity.catalogue.changes import (
    CONVOLUTIONS,
    NORMS,
    TRANSPOSED,
    WITH_KERNEL,
    another,
    instead,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call


def _transposed(call: Call, context: Context) -> Iterator[Hypothesis]:
    argument = "other" if call.name in ("matmul", "bmm") else "weight"
    if call.name not in ("matmul", "bmm", *WITH_KERNEL):
        return
    kernel = call[argument]
    if kernel.ndim < 2:
        return
    pairs = [(0, 1), (2, 3)] if call.name in CONVOLUTIONS else [(-2, -1)]
    for first, second in pairs:
        if kernel.ndim > max(first, second) and kernel.shape[first] == kernel.shape[second]:
            turn = lambda c, a=first, b=second: c(**{argument: c[argument].transpose(a, b)})
            yield instead(call, turn, "the kernel transposed")


def _without_bias(call: Call, context: Context) -> Iterator[Hypothesis]:
    has_bias = call.name in {*WITH_KERNEL, *TRANSPOSED, *NORMS}
    if has_bias and isinstance(call["bias"], torch.Tensor):
        yield another(call, "no bias", bias=None)
    yield from _value_of_jax(call, context, "bias")
    if call.name == "add" and any(p.ndim == 1 for p in _parameters(call, context)):
        yield instead(call, lambda c: c["input"] + 0 * c["other"], "no bias")


def _parameters(call: Call, context: Context) -> list[torch.Tensor]:
    return [x for x in call.args if isinstance(x, torch.Tensor) and x.requires_grad and x.is_leaf]


def _value_of_jax(call: Call, context: Context, argument: str) -> Iterator[Hypothesis]:
    """The parameter that only JAX has at this layer."""
    layers = {other: path for path, other in context.sides.matching.layers.items()}
    if call.name not in {*WITH_KERNEL, *NORMS} or call[argument] is not None:
        return
    for name in context.sides.matching.jax_alone:
        array = context.sides.jax_values.params.get(name)
        if array is not None and array.ndim == 1 and name.layer == layers.get(call.path):
            put = lambda c, a=array: c(**{argument: torch.from_numpy(a).to(c["input"])})
            yield instead(call, put, f"JAX's {name}")


def _without_scale(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in NORMS and isinstance(call["weight"], torch.Tensor):
        # ones: the backward pass of a group norm with a bias and no weight fails
        ones = lambda c: c(weight=torch.ones_like(c["weight"]))
        yield instead(call, ones, "no scale")
    if call.name in NORMS:
        yield from _value_of_jax(call, context, "weight")


def _permuted(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name not in {"linear", "matmul", *CONVOLUTIONS, *NORMS}:
        return
    kernel = "other" if call.name == "matmul" else "weight"
    for other in context.calls[call.index + 1 :]:
        for arguments in ((kernel, "bias"), (kernel,), ("bias",)):
            swapped = {
                argument: (ours, theirs)
                for argument in arguments
                if (ours := _parameter(call, argument))
                and (theirs := _parameter(other, argument))
                and _shape(call, ours) == _shape(call, theirs)
            }
            differ = any(ours != theirs for ours, theirs in swapped.values())
            if other.name == call.name and len(swapped) == len(arguments) and differ:
                yield _exchanged(call, other, swapped)


def _exchanged(call: Call, other: Call, swapped: dict[str, tuple[str, str]]) -> Hypothesis:
    def put(side):
        return lambda c: c(**{a: c.named[n[side]] for a, n in swapped.items()})

    said = " and ".join(f"{ours} and {theirs}" for ours, theirs in swapped.values())
    return Hypothesis(call.index, put(1), f"{said} exchanged", also=((other.index, put(0)),))


def _parameter(call: Call, argument: str) -> str | None:
    """The name of the parameter or input that is an argument of a call."""
    tensor = call[argument]
    return next((name for name, value in call.named.items() if value is tensor), None)


def _shape(call: Call, name: str) -> torch.Size:
    return call.named[name].shape


def _flattened(call: Call, context: Context) -> Iterator[Hypothesis]:
    x = call["input"]
    if call.name not in ("flatten", "reshape", "view") or not 2 <= x.ndim <= 5:
        return
    if x.ndim == 2:
        yield instead(call, _into_images, "images read with their channels last")
        return
    last, first = lambda c: c["input"].movedim(1, -1), lambda c: c["input"].movedim(-1, 1)
    contiguous = lambda c, x: c(input=x.contiguous())
    yield instead(call, lambda c: contiguous(c, last(c)), "channels last when flattened")
    yield instead(call, lambda c: contiguous(c, first(c)), "channels first when flattened")
    if x.ndim == 4:
        turned = lambda c: c["input"].transpose(2, 3)
        yield instead(call, lambda c: contiguous(c, turned(c)), "rows and columns exchanged")


def _into_images(call: Call) -> torch.Tensor:
    """Rows read as images with channels last, which are then moved to where PyTorch has them."""
    examples, channels, *space = call().shape
    return call["input"].reshape(examples, *space, channels).movedim(-1, 1)


ENTRIES = (
    Entry(
        "bias-missing",
        "one side has a bias and the other has none",
        "PyTorch's layers have a bias unless told otherwise; ports of layers before a batch norm, "
        "and Flax modules with use_bias=False, have none. The difference is the same for every "
        "example.",
        "give the layer a bias (use_bias=True) and copy PyTorch's into it",
        "construct the layer with bias=False",
        "PyTorch documentation, torch.nn.Linear; Flax documentation, flax.linen.Dense",
        "program",
        _without_bias,
    ),
    Entry(
        "scale-missing",
        "one normalisation has a scale and the other has none",
        "elementwise_affine, affine and use_scale decide whether a normalisation has a weight for "
        "each channel. At its initial value 1 it cannot be seen; after training it can.",
        "give the normalisation a scale (use_scale=True) and copy PyTorch's weight into it",
        "construct the layer without its weight (elementwise_affine=False, affine=False)",
        "PyTorch documentation, torch.nn.LayerNorm; Flax documentation, flax.linen.LayerNorm",
        "program",
        _without_scale,
    ),
    Entry(
        "kernel-transposed",
        "the kernel is transposed",
        "torch.nn.Linear holds its weight as (out, in), Flax's Dense its kernel as (in, out). A "
        "square one fits either way, so that no shape error tells.",
        "transpose the kernel when copying it: kernel = weight.T",
        "transpose the weight when copying it: weight = kernel.T",
        "PyTorch documentation, torch.nn.Linear; Flax documentation, flax.linen.Dense",
        "program",
        _transposed,
    ),
    Entry(
        "parameters-permuted",
        "two layers of the same shape have each other's parameters",
        "Layers of equal shapes can be copied in the wrong order without an error; every "
        "statistic of the whole set of parameters agrees all the same.",
        "exchange the parameters of the two layers",
        "exchange the parameters of the two modules",
        "Flax documentation, Convert PyTorch models to Flax",
        "program",
        _permuted,
    ),
    Entry(
        "flatten-order",
        "images are flattened in another order",
        "PyTorch flattens (channels, height, width), JAX (height, width, channels): the first "
        "dense layer behind a flatten needs its rows permuted.",
        "transpose to (N, C, H, W) before flattening, or permute the rows of the next kernel once",
        "permute(0, 2, 3, 1) before flattening, or permute the columns of the next weight once",
        "Flax documentation, Convert PyTorch models to Flax, convolutions and linear layers",
        "program",
        _flattened,
    ),
)
