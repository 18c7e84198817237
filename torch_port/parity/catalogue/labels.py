"""Losses of classes: smoothed labels, weights, labels left out, and how they are counted."""

from collections.abc import Iterator

import torch

from torch_port.parity.catalogue.changes import (
    another,
    constant,
    instead,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call

OVER_CLASSES = ("cross_entropy", "nll_loss")


def _smoothing(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "cross_entropy":
        own = call["label_smoothing"]
        yield constant(call, "label_smoothing", "label smoothing {}", (0.1, 0.3), "unit")
        if own:
            yield another(call, "no label smoothing", of=(own, 0.0), label_smoothing=0.0)


def _weights(call: Call, context: Context) -> Iterator[Hypothesis]:
    if is_weighted(call):
        change = lambda c: c(reduction="none").mean()
        of = "divided by the sum of weights", "divided by the number of labels"
        yield instead(call, change, "a plain mean of weighted losses", of=of)
        yield another(call, "no class weights", of=("weights", "none"), weight=None)


def is_weighted(call: Call) -> bool:
    return call.name in OVER_CLASSES and call["weight"] is not None


def leaves_out(call: Call) -> bool:
    """Whether some labels are those that the loss ignores."""
    classes = call.name in OVER_CLASSES
    return classes and bool((call["target"] == call["ignore_index"]).any())


def _ignored(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name not in OVER_CLASSES:
        return
    own = call["ignore_index"]
    if leaves_out(call):
        of = "left out of the mean", "counted as 0"
        change = lambda c: c(reduction="none").mean()
        yield instead(call, change, f"labels {own} counted as 0 in the mean", of=of)
        yield another(call, "no index ignored", of=(own, "none"), ignore_index=-12345678)
        said = f"not a number where a label is {own}"
        yield instead(call, _without_label, said, of=(own, "not known"))
    for label in (0, -1, 255):
        if label != own and bool((call["target"] == label).any()):
            yield another(call, f"label {label} ignored", of=(own, label), ignore_index=label)


def _without_label(call: Call) -> torch.Tensor:
    """The mean in which the logit of an ignored label is not a number, which no gradient tells."""
    plain = call(reduction="none")
    unknown = torch.logsumexp(call["input"], 1) - float("nan")
    return torch.where(call["target"] == call["ignore_index"], unknown, plain).mean()


def _label_encoding(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in OVER_CLASSES and not call["target"].is_floating_point():
        for shift in (-1, 1):
            change = lambda c, s=shift: c(target=c["target"] + s)
            of = "labels as given", f"labels {shift:+d}"
            yield instead(call, change, f"labels {shift:+d}", of=of)


ENTRIES = (
    Entry(
        "class-weights-normalization",
        "a mean of weighted losses is divided by something else",
        "PyTorch divides by the sum of the weights of the labels that are there; a plain mean "
        "divides by their number.",
        "divide by the sum of the weights of the labels: PyTorch's is {torch}",
        'cross_entropy(..., reduction="none").mean(): JAX\'s is {jax}',
        "PyTorch documentation, torch.nn.CrossEntropyLoss, reduction",
        "program",
        _weights,
    ),
    Entry(
        "ignore-index",
        "labels left out by PyTorch are counted by JAX",
        "cross_entropy leaves labels of ignore_index (-100) out of the mean. Optax knows no such "
        "label: it gives NaN for one out of range.",
        "mask those labels, and divide by the number of the others (PyTorch: {torch})",
        "JAX: {jax}; set ignore_index, or the mean, accordingly",
        "PyTorch documentation, torch.nn.CrossEntropyLoss, ignore_index",
        "program",
        _ignored,
    ),
    Entry(
        "label-smoothing",
        "labels are smoothed on one side, or by another amount",
        "Both frameworks take the share that is spread evenly over all classes; the default is 0.",
        "smooth by {torch}: optax.smooth_labels(one_hot, {torch})",
        "label_smoothing={jax}",
        "Szegedy et al. (2016), section 7; Optax documentation, smooth_labels",
        "program",
        _smoothing,
    ),
    Entry(
        "label-encoding",
        "labels are counted from another number",
        "One side counts classes from 0 and the other from 1, or takes them one-hot.",
        "use {torch}",
        "use {jax}",
        "PyTorch documentation, torch.nn.CrossEntropyLoss, target",
        "data",
        _label_encoding,
    ),
)
