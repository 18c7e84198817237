"""Activations: their approximations and constants, and one in place of another."""

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional

from torch_port.parity.catalogue.changes import (
    NORMS,
    TRANSPOSED,
    WITH_KERNEL,
    another,
    constant,
    instead,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "gelu (tanh)": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "leaky_relu": functional.leaky_relu,
    "leaky_relu (slope 0.2)": lambda x: functional.leaky_relu(x, 0.2),
    "elu": functional.elu,
    "selu": functional.selu,
    "celu": functional.celu,
    "softplus": lambda x: functional.softplus(x, threshold=1e30),
    "relu6": functional.relu6,
    "hardtanh": functional.hardtanh,
    "hardsigmoid": functional.hardsigmoid,
    "hardswish": functional.hardswish,
    "mish": functional.mish,
    "softsign": functional.softsign,
    "quick gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "logsigmoid": functional.logsigmoid,
    "relu squared": lambda x: functional.relu(x).square(),
    "sine": torch.sin,
}
"""What may stand in place of another, the commonest first."""

_OF_ONE_ARGUMENT = {
    "relu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "elu", "selu", "celu", "softplus",
    "relu6", "hardtanh", "hardsigmoid", "hardswish", "mish", "softsign", "logsigmoid", "prelu",
    "softmax", "log_softmax", "tanhshrink", "clamp",
}  # fmt: skip

_BEFORE_ACTIVATIONS = {*NORMS, *WITH_KERNEL, *TRANSPOSED, "add", "matmul", "embedding", "output"}


def _approximated(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "gelu":
        other = {"none": "tanh", "tanh": "none"}[call["approximate"]]
        words = {"none": "exact", "tanh": "tanh"}
        of = words[call["approximate"]], words[other]
        yield another(call, f"the {of[1]} gelu", of=of, approximate=other)
    if call.name.startswith("module ") and "gelu" in call.name:
        for name, of in (("gelu", ("tanh", "exact")), ("gelu (tanh)", ("exact", "tanh"))):
            change = lambda c, f=ACTIVATIONS[name]: f(c["input"])
            yield instead(call, change, f"the {of[1]} gelu", of=of)


def _slope(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "leaky_relu":
        said = "a slope of {} for negative values"
        yield constant(call, "negative_slope", said, (0.01, 0.2, 0.3))
        yield another(call, "a slope of 0", of=(call["negative_slope"], 0.0), negative_slope=0.0)


def _alpha(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in ("elu", "celu"):
        yield constant(call, "alpha", "alpha {}", (1.0, 0.5, 2.0))


def _threshold(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "softplus":
        of = call["threshold"], "none"
        yield another(call, "softplus without a threshold", of=of, threshold=1e30)


def _different(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in _OF_ONE_ARGUMENT or _is_written_out(call, context):
        own = call.name.removeprefix("module ")
        for name, function in ACTIVATIONS.items():
            kind = name.partition(" (")[0]
            if kind != own and not (kind == "gelu" and "gelu" in own):
                change = lambda c, f=function: f(c["input"])
                yield instead(call, change, f"{name} for {own}", of=(own, name))


def _is_written_out(call: Call, context: Context) -> bool:
    """Whether a call stands for a module without parameters that is not one activation's own."""
    if not call.name.startswith("module ") or not call.index:
        return False
    last = context.calls[call.index - 1]
    return last.path == call.path and last.name not in _OF_ONE_ARGUMENT


def _missing(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in _OF_ONE_ARGUMENT - {"softmax", "log_softmax"}:
        change = lambda c: c["input"]
        yield instead(call, change, f"no {call.name}", of=(call.name, "none"))
    if call.name in _BEFORE_ACTIVATIONS:
        for name, function in ACTIVATIONS.items():
            behind = lambda c, f=function: f(c())
            where = "the end" if call.name == "output" else call.name
            yield instead(call, behind, f"a {name} behind {where}", of=("none", name))


def _softmax_axis(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in ("softmax", "log_softmax"):
        dims = call["input"].ndim
        own = (call["dim"] if call["dim"] is not None else -1) % dims
        for axis in range(dims):
            if axis != own:
                yield another(call, f"{call.name} over axis {axis}", of=(own, axis), dim=axis)


def _softmax_extra(call: Call, context: Context) -> Iterator[Hypothesis]:
    extra = {"softmax": functional.softmax, "log_softmax": functional.log_softmax}
    if call.name in extra:
        change = lambda c: c["input"]
        yield instead(call, change, f"no {call.name}", of=(call.name, "none"))
    for name, function in extra.items():
        if call.name == "output" and call["input"].ndim:
            behind = lambda c, f=function: f(c["input"], -1)
            yield instead(call, behind, f"a {name} of the output", of=("none", name))
        if call.name in ("cross_entropy", "nll_loss"):
            before = lambda c, f=function: c(input=f(c["input"], 1))
            yield instead(call, before, f"a {name} before the loss", of=("none", name))


ENTRIES = (
    Entry(
        "gelu-approximation",
        "GELU is approximated on one side only",
        "torch.nn.functional.gelu is exact (erf) by default; jax.nn.gelu and flax.linen.gelu use "
        "the tanh approximation. They differ by at most 4.7e-4.",
        "take the {torch} one: gelu(x, approximate=False) is exact",
        'take the {jax} one: approximate="none" is exact, "tanh" is not',
        "JAX documentation, jax.nn.gelu; PyTorch documentation, torch.nn.GELU",
        "program",
        _approximated,
    ),
    Entry(
        "leaky-relu-slope",
        "leaky ReLU has another slope",
        "Both frameworks take 0.01 by default; papers and Keras 0.2 or 0.3. Negative outputs "
        "stand in a constant ratio.",
        "leaky_relu(x, negative_slope={torch})",
        "negative_slope={jax}",
        "PyTorch documentation, torch.nn.LeakyReLU; JAX documentation, jax.nn.leaky_relu",
        "program",
        _slope,
    ),
    Entry(
        "elu-alpha",
        "ELU has another alpha",
        "Negative outputs of elu are alpha (exp(x) - 1), so that they stand in a constant ratio.",
        "elu(x, alpha={torch})",
        "alpha={jax}",
        "Clevert, Unterthiner & Hochreiter (2016), eq. 16; PyTorch documentation, torch.nn.ELU",
        "program",
        _alpha,
    ),
    Entry(
        "softplus-threshold",
        "softplus turns into a straight line on one side",
        "torch.nn.Softplus is x itself above threshold / beta (20 by default); jax.nn.softplus is "
        "exact everywhere. At 20.5 they differ by 1e-9, which only float64 shows.",
        "jnp.where(x > {torch}, x, jax.nn.softplus(x))",
        "pass a threshold that is never reached, threshold=1e30",
        "PyTorch documentation, torch.nn.Softplus",
        "program",
        _threshold,
    ),
    Entry(
        "softmax-axis",
        "softmax is taken over another axis",
        "With dim=0 the columns add up to 1 instead of the rows, which no shape error tells.",
        "softmax(x, axis={torch})",
        "dim={jax}",
        "PyTorch documentation, torch.nn.Softmax; JAX documentation, jax.nn.softmax",
        "program",
        _softmax_axis,
    ),
    Entry(
        "softmax-extra",
        "a softmax stands on one side only",
        "Losses that take logits apply softmax themselves. With a second one before them the loss "
        "of ten classes cannot fall below 1.4612.",
        "PyTorch has: {torch}; JAX has: {jax}: leave the softmax to the loss",
        "JAX has: {jax}; PyTorch has: {torch}: leave the softmax to the loss",
        "PyTorch documentation, torch.nn.CrossEntropyLoss",
        "program",
        _softmax_extra,
    ),
    Entry(
        "activation-different",
        "another activation stands at this place",
        "Names mislead: swish is silu, hard_tanh is a clip, gelu comes in two forms.",
        "use {torch}",
        "use {jax}",
        "JAX documentation, jax.nn, activation functions; PyTorch documentation, "
        "torch.nn.functional",
        "program",
        _different,
    ),
    Entry(
        "activation-missing",
        "an activation stands on one side only",
        "A layer's activation was forgotten or added in the port. Both programs run and train all "
        "the same.",
        "put there what PyTorch has: {torch}",
        "put there what JAX has: {jax}",
        "Flax documentation, Dense: it has no activation argument, as Keras' has",
        "program",
        _missing,
    ),
)
