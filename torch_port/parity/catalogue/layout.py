"""Parameters and layout: what is where in a kernel, and what a port forgot."""

from collections.abc import Iterator
from itertools import permutations

import torch
from torch.nn import functional

from torch_port.parity.catalogue.changes import (
    CONVOLUTIONS,
    NORMS,
    TRANSPOSED,
    WITH_KERNEL,
    another,
    instead,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.hypotheses import Context, Hypothesis
from torch_port.parity.torch_calls import Call


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
    for argument in ("bias", "b_ih", "b_hh"):
        if call.name in {*WITH_KERNEL, *TRANSPOSED, *NORMS, "lstm_cell", "gru_cell"} and (
            isinstance(call[argument], torch.Tensor)
        ):
            zeros = lambda c, a=argument: c(**{a: torch.zeros_like(c[a])})
            yield instead(call, zeros, "no bias")
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
        yield another(call, "no scale", weight=None)
    if call.name in NORMS:
        yield from _value_of_jax(call, context, "weight")


def _permuted(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name not in {"linear", "matmul", *CONVOLUTIONS, *NORMS}:
        return
    kernel = "other" if call.name == "matmul" else "weight"
    for other in context.calls[call.index + 1 :]:
        for arguments in ((kernel, "bias"), (kernel,), ("bias",)):
            ours, theirs = ([_parameter(c, a) for a in arguments] for c in (call, other))
            if other.name == call.name and None not in ours + theirs and ours != theirs:
                swapped = dict(zip(arguments, zip(ours, theirs, strict=True), strict=True))
                if all(_shape(call, a) == _shape(call, b) for a, b in swapped.values()):
                    yield _exchanged(call, other, swapped)


def _exchanged(call: Call, other: Call, swapped: dict[str, tuple[str, str]]) -> Hypothesis:
    def put(side):
        return lambda c: c(**{a: c.module.get_parameter(n[side]) for a, n in swapped.items()})

    said = " and ".join(f"{ours} and {theirs}" for ours, theirs in swapped.values())
    return Hypothesis(call.index, put(1), f"{said} exchanged", also=((other.index, put(0)),))


def _parameter(call: Call, argument: str) -> str | None:
    """The name of the parameter that is an argument of a call."""
    tensor = call[argument]
    named = call.module.named_parameters() if call.module else ()
    return next((name for name, parameter in named if parameter is tensor), None)


def _shape(call: Call, name: str) -> torch.Size:
    return call.module.get_parameter(name).shape  # type: ignore[union-attr]


def _gates(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "chunk" and call["sizes"] in (3, 4):
        count = call["sizes"]
        for order in [*permutations(range(count))][1:]:
            turn = lambda c, o=order: tuple(c()[i] for i in o)
            yield instead(call, turn, f"the gates in the order {order}")
    count = {"lstm_cell": 4, "gru_cell": 3, "lstm": 4, "gru": 3}.get(call.name)
    for order in [*permutations(range(count))][1:] if count else ():
        yield instead(call, _with_gates(order), f"the gates in the order {order}")


def _with_gates(order: tuple[int, ...]):
    def turned(tensor):
        if not isinstance(tensor, torch.Tensor) or tensor.shape[0] % len(order):
            return tensor
        blocks = tensor.chunk(len(order))
        return torch.cat([blocks[i] for i in order])

    def change(call: Call):
        if call.name in ("lstm", "gru"):
            return call(params=[turned(p) for p in call["params"]])
        names = ("w_ih", "w_hh", "b_ih", "b_hh")
        return call(**{name: turned(call[name]) for name in names})

    return change


def _double_bias(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name != "gru_cell" or not isinstance(call["b_ih"], torch.Tensor):
        return
    both = lambda c: c["b_ih"] + c["b_hh"]
    none = lambda c: torch.zeros_like(c["b_ih"])
    yield instead(call, lambda c: c(b_ih=none(c), b_hh=both(c)), "both biases on the hidden side")
    yield instead(call, lambda c: c(b_ih=both(c), b_hh=none(c)), "both biases on the input side")


def _reset_before(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "gru_cell":
        yield instead(call, _gru_of_cho, "the reset gate applied before the product")


def _gru_of_cho(call: Call) -> torch.Tensor:
    x, h = call["input"], call["hx"]
    zeros = torch.zeros(3 * h.shape[-1]).to(x)
    b_ih, b_hh = (zeros if call[b] is None else call[b] for b in ("b_ih", "b_hh"))
    w_r, w_z, w_n = call["w_hh"].chunk(3)
    b_r, b_z, b_n = b_hh.chunk(3)
    i_r, i_z, i_n = functional.linear(x, call["w_ih"], b_ih).chunk(3, -1)
    r = torch.sigmoid(i_r + h @ w_r.T + b_r)
    z = torch.sigmoid(i_z + h @ w_z.T + b_z)
    n = torch.tanh(i_n + (r * h) @ w_n.T + b_n)
    return (1 - z) * n + z * h


def _flattened(call: Call, context: Context) -> Iterator[Hypothesis]:
    x = call["input"]
    if call.name not in ("flatten", "reshape", "view") or not 3 <= x.ndim <= 5:
        return
    last, first = lambda c: c["input"].movedim(1, -1), lambda c: c["input"].movedim(-1, 1)
    contiguous = lambda c, x: c(input=x.contiguous())
    yield instead(call, lambda c: contiguous(c, last(c)), "channels last when flattened")
    yield instead(call, lambda c: contiguous(c, first(c)), "channels first when flattened")
    if x.ndim == 4:
        turned = lambda c: c["input"].transpose(2, 3)
        yield instead(call, lambda c: contiguous(c, turned(c)), "rows and columns exchanged")


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
        "bias-missing",
        "one side has a bias and the other has none",
        "PyTorch's layers have a bias unless told otherwise; ports of layers before a batch norm, and "
        "Flax modules with use_bias=False, have none. The difference is the same for every example.",
        "give the layer a bias (use_bias=True) and copy PyTorch's into it",
        "construct the layer with bias=False",
        "PyTorch documentation, torch.nn.Linear; Flax documentation, flax.linen.Dense",
        "program",
        _without_bias,
    ),
    Entry(
        "scale-missing",
        "one side scales after a normalisation and the other does not",
        "elementwise_affine, affine and use_scale decide whether a normalisation has a weight for each "
        "channel. At its initial value 1 it cannot be seen; after training it can.",
        "give the normalisation a scale (use_scale=True) and copy PyTorch's weight into it",
        "construct the layer without its weight (elementwise_affine=False, affine=False)",
        "PyTorch documentation, torch.nn.LayerNorm; Flax documentation, flax.linen.LayerNorm",
        "program",
        _without_scale,
    ),
    Entry(
        "kernel-transposed",
        "the kernel is transposed",
        "torch.nn.Linear holds its weight as (out, in), Flax's Dense its kernel as (in, out). A square "
        "one fits either way, so that no shape error tells.",
        "transpose the kernel when copying it: kernel = weight.T",
        "transpose the weight when copying it: weight = kernel.T",
        "PyTorch documentation, torch.nn.Linear; Flax documentation, flax.linen.Dense",
        "program",
        _transposed,
    ),
    Entry(
        "parameters-permuted",
        "two layers of the same shape have each other's parameters",
        "Layers of equal shapes can be copied in the wrong order without an error; every statistic of "
        "the whole set of parameters agrees all the same.",
        "exchange the parameters of the two layers",
        "exchange the parameters of the two modules",
        "differences.md, parameters-permuted; Flax documentation, Convert PyTorch models to Flax",
        "program",
        _permuted,
    ),
    Entry(
        "flatten-order",
        "images are flattened in another order",
        "PyTorch flattens (channels, height, width), JAX (height, width, channels): the first dense "
        "layer behind a flatten needs its rows permuted.",
        "transpose to (N, C, H, W) before flattening, or permute the rows of the next kernel once",
        "permute(0, 2, 3, 1) before flattening, or permute the columns of the next weight once",
        "Flax documentation, Convert PyTorch models to Flax, convolutions and linear layers",
        "program",
        _flattened,
    ),
    Entry(
        "conv-padding-same",
        "the convolutions pad otherwise",
        '"SAME" in XLA pads so that the output has ⌈n/stride⌉ places, the odd one behind; padding=1 in '
        "PyTorch pads both ends. For a kernel of 3 the two agree at stride 1 and not at stride 2.",
        "give the padding as pairs: padding=((1, 1), (1, 1)), or what PyTorch has",
        'pad by hand before the convolution (torch.nn.functional.pad), as "SAME" does',
        "google/flax issue 2993; XLA documentation, ConvWithGeneralPadding",
        "program",
        _padded,
    ),
    Entry(
        "conv-transpose-flip",
        "the kernel of a transposed convolution is flipped in space, or its output cut elsewhere",
        "PyTorch's ConvTranspose is the gradient of a convolution, lax.conv_transpose by default a "
        "convolution of the widened input: the kernels are each other's mirror image, and padding "
        "means something else.",
        "flip the kernel in space when copying it (or transpose_kernel=True), and pad as PyTorch does",
        "flip the weight in space when copying it: weight.flip(2, 3)",
        "JAX documentation, jax.lax.conv_transpose; Flax documentation, Convert PyTorch models to Flax",
        "program",
        _flipped,
    ),
    Entry(
        "recurrent-double-bias",
        "the two biases of a recurrent cell are put together otherwise",
        "PyTorch's cells have b_ih and b_hh. Their sum is what counts, but in a GRU's candidate gate "
        "the reset gate multiplies b_hh alone.",
        "keep both biases of the candidate gate apart (the hidden one inside the reset)",
        "put the sum into one of the two and zeros into the other, as the JAX cell does",
        "PyTorch documentation, torch.nn.GRUCell; Flax documentation, flax.linen.GRUCell",
        "program",
        _double_bias,
    ),
    Entry(
        "gru-reset-order",
        "the reset gate is applied before the product instead of after",
        "PyTorch, cuDNN and Flax compute r * (W h + b); Cho et al. (2014) W (r * h) + b.",
        "apply the reset gate after the product: n = tanh(W x + r * (U h + b))",
        "write the cell by hand with the reset gate inside the product",
        "Cho et al. (2014), section 2.3; PyTorch documentation, torch.nn.GRU",
        "program",
        _reset_before,
    ),
    Entry(
        "lstm-gate-order",
        "the gates stand in another order",
        "PyTorch stacks an LSTM's gates as i, f, g, o in one matrix; Flax has one matrix for each, "
        "Keras i, f, c, o and others i, g, f, o.",
        "permute the blocks of the kernel to i, f, g, o when copying it",
        "permute the blocks of weight_ih, weight_hh and the biases when copying them",
        "PyTorch documentation, torch.nn.LSTM; Flax documentation, flax.linen.LSTMCell",
        "program",
        _gates,
    ),
)
