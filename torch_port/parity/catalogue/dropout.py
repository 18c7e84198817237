"""Dropout: its rate, its mode, and the scale of what it keeps."""

from collections.abc import Iterator

from torch_port.parity.catalogue.changes import (
    WITH_KERNEL,
    another,
    instead,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call


def _complement(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "dropout" and call["training"]:
        own = call["p"]
        yield another(call, f"a rate of {1 - own:.6g}", of=(own, 1 - own), p=1 - own)


def _rate(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "dropout" and call["training"]:
        own = call["p"]
        for rate in (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.05, 0.15, 0.35):
            if rate not in (own, 1 - own):
                yield another(call, f"a rate of {rate}", of=(own, rate), p=rate)


def _scaling(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "dropout":
        of = "1 / (1 - p) while training", "none while training"
        said = f"a result {1 - call['p']:.6g} times as large"
        yield instead(call, lambda c: c() * (1 - c["p"]), said, of=of)
    before = _before(call, context)
    if call.name in WITH_KERNEL and before and before.name == "dropout":
        # what a program does behind its dropout layer, in front of the next
        change = lambda c, factor: c(input=factor * c["input"])
        starts = (1 - before["p"], 1 / max(1 - before["p"], 0.01))
        said = "what dropout kept times {}"
        yield Hypothesis(call.index, change, said, starts, of_torch=1.0)


def _before(call: Call, context: Context) -> Call | None:
    """The function that was called before."""
    earlier = [c for c in context.calls[: call.index] if not c.name.startswith("module ")]
    return earlier[-1] if earlier else None


def _dropout_mode(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "dropout":
        words = {True: "drops", False: "does not drop"}
        own = bool(call["training"])
        yield another(call, f"dropout that {words[not own]}", of=(words[own], words[not own]),
                      training=not own)  # fmt: skip


ENTRIES = (
    Entry(
        "dropout-mode",
        "dropout drops on one side only",
        "A module in evaluation mode does not drop; Flax's does as its deterministic argument "
        "says.",
        "PyTorch {torch}: pass deterministic accordingly",
        "JAX {jax}: call train() or eval() accordingly",
        "PyTorch documentation, torch.nn.Dropout; Flax documentation, flax.linen.Dropout",
        "program",
        _dropout_mode,
    ),
    Entry(
        "dropout-rate-complement",
        "dropout's rate to drop is the other side's rate to keep",
        "PyTorch, Flax and jaxnn take the probability to drop; stax and TensorFlow 1 the one to "
        "keep.",
        "a rate to drop of {torch}",
        "p={jax}",
        "JAX documentation, jax.example_libraries.stax.Dropout; torch.nn.Dropout",
        "program",
        _complement,
    ),
    Entry(
        "dropout-rate",
        "dropout has another rate",
        "Both sides got the same random numbers; the share of them that drops differs.",
        "a rate of {torch}",
        "p={jax}",
        "Srivastava et al. (2014), section 4",
        "program",
        _rate,
    ),
    Entry(
        "dropout-scaling",
        "what dropout keeps is scaled on one side only",
        "Inverted dropout divides by 1 - p while training; the original multiplies by 1 - p at "
        "test time. Mixed up, activations are off by that factor.",
        "divide what is kept by 1 - p while training (PyTorch: {torch})",
        "scale as JAX does (JAX: {jax})",
        "Srivastava et al. (2014), section 10; PyTorch documentation, torch.nn.Dropout",
        "program",
        _scaling,
    ),
)
