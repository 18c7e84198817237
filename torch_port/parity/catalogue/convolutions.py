"""Convolutions: how they pad, and what a transposed one does with its kernel."""

from collections.abc import Iterator

from torch.nn import functional

from torch_port.parity.catalogue.changes import (
    CONVOLUTIONS,
    TRANSPOSED,
    instead,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call


def _padded(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name not in CONVOLUTIONS:
        return
    same = _padding_same(call)
    yield instead(
        call, _with_padding(same), f"'SAME' padding, {same} before and after", of=("same", "SAME")
    )
    dims = call["weight"].ndim - 2
    largest = [(k - 1) * d for k, d in zip(call["weight"].shape[2:], _each(call, "dilation"),
                                           strict=True)]  # fmt: skip
    for amount in range(max(largest) + 1):
        pads = [(amount, amount)] * dims
        yield instead(call, _with_padding(pads), f"padding {amount}", of=(None, amount))
    causal = [(amount, 0) for amount in largest]
    yield instead(call, _with_padding(causal), "padding before only", of=(None, "CAUSAL"))


def _each(call: Call, argument: str) -> tuple[int, ...]:
    value = call[argument]
    dims = call["weight"].ndim - 2
    return (value,) * dims if isinstance(value, int) else (tuple(value) * dims)[:dims]


def _padding_same(call: Call) -> list[tuple[int, int]]:
    """Before and after each axis, as XLA's "SAME" pads: the odd one goes behind."""
    pads = []
    sizes = call["input"].shape[2:], call["weight"].shape[2:]
    steps = _each(call, "stride"), _each(call, "dilation")
    for n, k, stride, dilation in zip(*sizes, *steps, strict=True):
        total = max((-(-n // stride) - 1) * stride + (k - 1) * dilation + 1 - n, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def _with_padding(pads: list[tuple[int, int]]):
    flat = [amount for pair in reversed(pads) for amount in pair]
    return lambda c: c(input=functional.pad(c["input"], flat), padding=0)


def _flipped(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name not in TRANSPOSED:
        return
    spatial = tuple(range(2, call["weight"].ndim))
    for offset in range(max(call["weight"].shape[2:])):
        for axes in (spatial, ()):
            said = "the kernel flipped in space" if axes else "the kernel as it is"
            yield instead(call, _cropped(call, axes, offset), f"{said}, {offset} cut off in front")


def _cropped(call: Call, axes: tuple[int, ...], offset: int):
    """The full transposed convolution, of which as much is kept as the call gives."""
    sizes = call().shape[2:]

    def change(c: Call):
        full = c(weight=c["weight"].flip(axes), padding=0, output_padding=0)
        for axis, size in enumerate(sizes, 2):
            missing = max(offset + size - full.shape[axis], 0)
            pad = [0] * (2 * (full.ndim - axis))
            pad[-1] = missing
            full = functional.pad(full, pad).narrow(axis, offset, size)
        return full

    return change


ENTRIES = (
    Entry(
        "conv-padding-same",
        "the convolutions pad otherwise",
        '"SAME" in XLA pads so that the output has ⌈n/stride⌉ places, the odd one behind; '
        "padding=1 in PyTorch pads both ends. For a kernel of 3 the two agree at stride 1 and not "
        "at stride 2.",
        "give the padding as pairs: padding=((1, 1), (1, 1)), or what PyTorch has",
        'pad by hand before the convolution (torch.nn.functional.pad), as "SAME" does',
        "google/flax issue 2993; XLA documentation, ConvWithGeneralPadding",
        "program",
        _padded,
    ),
    Entry(
        "conv-transpose-flip",
        "a transposed convolution's kernel is flipped in space",
        "PyTorch's ConvTranspose is the gradient of a convolution, lax.conv_transpose by default a "
        "convolution of the widened input: the kernels are each other's mirror image, and padding "
        "means something else.",
        "flip the kernel in space when copying it (or transpose_kernel=True), and pad as PyTorch "
        "does",
        "flip the weight in space when copying it: weight.flip(2, 3)",
        "JAX documentation, jax.lax.conv_transpose; Flax documentation, Convert PyTorch models to "
        "Flax",
        "program",
        _flipped,
    ),
)
