"""Losses: what is averaged, what is left out, what a loss takes."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.nn import functional

from torch_port.parity.catalogue.changes import (
    another,
    constant,
    instead,
    is_number,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.catalogue.labels import OVER_CLASSES, is_weighted, leaves_out
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call

LOSSES = {
    "cross_entropy", "nll_loss", "mse_loss", "l1_loss", "soft_margin_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "huber_loss", "smooth_l1_loss", "kl_div",
}  # fmt: skip


REDUCTIONS = {
    "mean": torch.mean,
    "sum": torch.sum,
    "sum over the batch size": lambda y: y.sum() / len(y),
    "sum over the last axis, none over the others": lambda y: y.sum(-1),
    "mean over the last axis, none over the others": lambda y: y.mean(-1),
    "mean over the batch only": lambda y: y.mean(0),
    "sum over the batch only": lambda y: y.sum(0),
    "none": lambda y: y,
}


def _reductions(dims: int) -> list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]]:
    """Those that are not the same as another one, for losses of so many axes."""
    return [(n, r) for n, r in REDUCTIONS.items() if dims > 1 or "over the" not in n or "size" in n]


def _reduction(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in LOSSES:
        own = call["reduction"]
        plain = own != "mean" or not (is_weighted(call) or leaves_out(call))
        for name, reduce in _reductions(call["input"].ndim - (call.name in OVER_CLASSES)):
            # "sum over the batch size" of these is an entry of its own
            if name != own and (plain or name != "sum over the batch size"):
                change = lambda c, r=reduce: r(c(reduction="none"))
                yield instead(call, change, f"the reduction: {name}", of=(own, name))
    if call.name in ("mean", "sum") and call["input"].ndim:
        values = call["input"]
        for name, reduce in _reductions(values.ndim):
            if name != call.name:
                change = lambda c, r=reduce: r(c["input"])
                yield instead(call, change, f"the reduction: {name}", of=(call.name, name))
        other = {"mean": torch.sum, "sum": torch.mean}[call.name]
        if call["dim"] is not None and values.ndim > 1:
            change = lambda c: other(c["input"], *c.args[1:], **c.kwargs)
            of = call.name, other.__name__
            yield instead(call, change, f"{of[1]} over the same axes", of=of)
    if call.name == "div" and is_number(call["other"]) and not np.ndim(call["input"]):
        of = f"a sum divided by {call['other']:g}", "the sum"
        yield instead(call, lambda c: c["input"], "a sum that is not divided", of=of)


def _clamped(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name != "binary_cross_entropy":
        return
    of = "log clamped at -100", "log not clamped"
    for said, guarded in (("a log without a clamp", False), ("no product with 0", True)):
        change = lambda c, g=guarded: _reduced(c, _bce(c["input"], c["target"], g))
        yield instead(call, change, said, of=of)

    def clipped(c, epsilon):
        return c(input=c["input"].clamp(epsilon, 1 - epsilon))

    yield Hypothesis(
        call.index, clipped, "probabilities clipped at {}", (1e-7, 1e-6, 1e-12), of_torch=0.0
    )
    inside = lambda c, v: _reduced(c, _bce(c["input"], c["target"], False, v))
    yield Hypothesis(call.index, inside, "{} added inside the log", (1e-7, 1e-8), of_torch=0.0)


def _bce(p, t, guarded, epsilon=0.0):
    terms = t * torch.log(p + epsilon), (1 - t) * torch.log(1 - p + epsilon)
    if guarded:
        zero = torch.zeros_like(p)
        terms = torch.where(t == 0, zero, terms[0]), torch.where(t == 1, zero, terms[1])
    return -(terms[0] + terms[1])


def _reduced(call: Call, losses: torch.Tensor) -> torch.Tensor:
    return REDUCTIONS[call["reduction"]](losses)


def _huber(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "smooth_l1_loss":
        own = call["beta"]
        yield instead(
            call, lambda c: c() * own, f"{own:g} times the loss, as huber_loss has it",
            of=("smooth_l1_loss", "huber_loss"),
        )  # fmt: skip
        yield constant(call, "beta", "beta {}", (1.0, 0.5, 2.0))
    if call.name == "huber_loss":
        own = call["delta"]
        yield instead(
            call, lambda c: c() / own, f"the loss over {own:g}, as smooth_l1_loss has it",
            of=("huber_loss", "smooth_l1_loss"),
        )  # fmt: skip
        yield constant(call, "delta", "delta {}", (1.0, 0.5, 2.0))


def _kl(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name != "kl_div":
        return
    own = bool(call["log_target"])
    swapped = lambda c: c(input=c["target"], target=c["input"])
    to_log = torch.exp if own else torch.log
    changes = {
        "the arguments exchanged": swapped,
        "the arguments exchanged, each as the other was given": lambda c: c(
            input=c["target"] if own else to_log(c["target"]),
            target=c["input"] if own else c["input"].exp(),
        ),
        "a target of logarithms": lambda c: c(log_target=not own),
        "the log taken of the input": lambda c: c(input=c["input"].log()),
    }
    for said, change in changes.items():
        yield instead(call, change, said, of=("log-probabilities, then the target", said))
    if call["reduction"] != "batchmean":
        yield another(call, "the sum over the batch size", reduction="batchmean",
                      of=(call["reduction"], "batchmean"))  # fmt: skip


def _logits(call: Call, context: Context) -> Iterator[Hypothesis]:
    of = "takes logits", "takes probabilities"
    if call.name == "binary_cross_entropy_with_logits":
        both = lambda c: c(input=torch.sigmoid(c["input"]))
        yield instead(call, both, "a sigmoid before the loss that takes logits", of=of)
        plain = lambda c: functional.binary_cross_entropy(
            c["input"], c["target"], reduction=c["reduction"]
        )
        yield instead(call, plain, "a loss that takes probabilities", of=of)
    if call.name == "binary_cross_entropy":
        logits = lambda c: functional.binary_cross_entropy_with_logits(
            c["input"], c["target"], reduction=c["reduction"]
        )
        yield instead(call, logits, "a loss that takes logits", of=(of[1], of[0]))
    if call.name == "nll_loss":
        logits = lambda c: functional.cross_entropy(c["input"], c["target"],
                                                    reduction=c["reduction"])  # fmt: skip
        yield instead(call, logits, "a loss that takes logits", of=("log-probabilities", of[0]))
    if call.name == "cross_entropy" and not call["target"].is_floating_point():
        plain = lambda c: c(input=torch.log(c["input"]))
        yield instead(call, plain, "a loss that takes probabilities", of=of)
        nll = lambda c: functional.nll_loss(c["input"], c["target"], reduction=c["reduction"])
        yield instead(call, nll, "a loss that takes log-probabilities", of=of)


def _factor(call: Call, context: Context) -> Iterator[Hypothesis]:
    by_hand = call.name == "output" and not any(c.name in LOSSES for c in context.calls)
    if call.name not in LOSSES and not by_hand:
        return
    width = call[{"smooth_l1_loss": "beta", "huber_loss": "delta"}.get(call.name, "")]
    for factor in (f for f in (0.5, 2.0) if width not in (f, 1 / f)):
        change = lambda c, f=factor: c() * f
        yield instead(call, change, f"{factor:g} times the result", of=(1.0, factor))


ENTRIES = (
    Entry(
        "loss-reduction",
        "the losses are added up otherwise",
        "PyTorch's losses give the mean by default; Optax's and jaxnn's give one number for each "
        "example, and the mean over classes or pixels is another one again. The ratio is a whole "
        "number.",
        "reduce as PyTorch does: {torch}",
        "reduction as in JAX: {jax}",
        "PyTorch documentation, torch.nn.CrossEntropyLoss; Optax documentation, losses",
        "program",
        _reduction,
    ),
    Entry(
        "log-clamp",
        "a logarithm is clamped, or clipped otherwise",
        "binary_cross_entropy clamps its logarithms at -100; written by hand it is infinite at 0 "
        "and 1, and Keras clips probabilities at 1e-7.",
        "clamp the logarithms at -100, or take logits",
        "clip as JAX does ({jax}), or take logits",
        "PyTorch documentation, torch.nn.BCELoss",
        "program",
        _clamped,
    ),
    Entry(
        "huber-scaling",
        "Huber's loss is divided by its width on one side",
        "smooth_l1_loss is huber_loss divided by beta; optax.huber_loss is huber_loss.",
        "PyTorch has {torch}: multiply or divide by the width",
        "JAX has {jax}: use huber_loss, or the same width",
        "PyTorch documentation, torch.nn.SmoothL1Loss; Optax documentation, huber_loss",
        "program",
        _huber,
    ),
    Entry(
        "kl-arguments",
        "the KL divergence gets its arguments otherwise",
        "kl_div takes log-probabilities first and the target second, divides by the number of "
        'elements unless told "batchmean", and is KL(target || input).',
        "PyTorch has: {torch}",
        "JAX has: {jax}",
        "PyTorch documentation, torch.nn.KLDivLoss",
        "program",
        _kl,
    ),
    Entry(
        "logits-or-probabilities",
        "a loss takes logits on one side only",
        "Sigmoid or softmax is applied by one side's loss only, or twice.",
        "give the loss what it takes: PyTorch's {torch}",
        "give the loss what it takes: JAX's {jax}",
        "PyTorch documentation, torch.nn.BCEWithLogitsLoss; optax.sigmoid_binary_cross_entropy",
        "program",
        _logits,
    ),
    Entry(
        "loss-constant-factor",
        "a constant factor stands on one side",
        "optax.l2_loss is half the squared error; torch.nn.MSELoss is the whole.",
        "multiply by {torch} / {jax}: optax.squared_error for optax.l2_loss",
        "multiply the loss by {jax}",
        "Optax documentation, optax.losses.l2_loss",
        "program",
        _factor,
    ),
)
