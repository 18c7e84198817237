"""Attention: the scale of its scores, and what a mask means."""

import math
from collections.abc import Iterator

import numpy as np
import torch

from torch_port.parity.catalogue.changes import another, instead, is_number
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call


def _scale(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "scaled_dot_product_attention":
        own = call["scale"] or 1 / math.sqrt(call["query"].shape[-1])
        yield Hypothesis(
            call.index, lambda c, v: c(scale=v), "scores times {}", (1.0, own), of_torch=own
        )
    if call.name == "multi_head_attention_forward":
        yield Hypothesis(call.index, _with_queries, "queries times {}", (1.0, 0.5), of_torch=1.0)
    if call.name in ("mul", "div") and is_number(call["other"]) and np.ndim(call["input"]):
        change = lambda c, v: c(other=v)
        own = float(call["other"])
        yield Hypothesis(call.index, change, "{} in place of the scale", (own,), of_torch=own)
    if call.name == "softmax" and call["input"].ndim > 2:
        change = lambda c, v: c(input=c["input"] * v)
        yield Hypothesis(call.index, change, "scores times {}", (0.5, 2.0), of_torch=1.0)


def _with_queries(call: Call, factor: float) -> torch.Tensor:
    """Queries are scaled through the first third of the kernel that makes them."""
    names = ("in_proj_weight", "in_proj_bias")
    places = {5: names[0], 6: names[1]}
    args = [*call.args]
    for place in places:
        if isinstance(args[place], torch.Tensor):
            queries, *others = args[place].chunk(3)
            args[place] = torch.cat([queries * factor, *others])
    return call.function(*args, **call.kwargs)


def _mask(call: Call, context: Context) -> Iterator[Hypothesis]:
    said, of = "a mask that means the opposite", ("as given", "inverted")
    arguments = {
        "scaled_dot_product_attention": ("attn_mask",),
        "multi_head_attention_forward": ("attn_mask", "key_padding_mask"),
        "masked_fill": ("mask",),
        "where": ("condition",),
    }.get(call.name, ())
    for argument in arguments:
        mask = call[argument]
        if not isinstance(mask, torch.Tensor):
            continue
        if mask.dtype == torch.bool:
            yield instead(call, lambda c, a=argument: c(**{a: ~c[a]}), said, of=of)
        if argument in ("attn_mask", "key_padding_mask"):
            yield another(call, "no mask", of=("a mask", "none"), **{argument: None})
    if call.name == "scaled_dot_product_attention" and call["attn_mask"] is None:
        words = {True: "causal", False: "no mask"}
        own = bool(call["is_causal"])
        of = words[own], words[not own]
        yield another(call, words[not own], of=of, is_causal=not own)
    if call.name == "masked_fill":
        yield instead(call, lambda c: c["input"], "no mask", of=("a mask", "none"))
        for value in (-math.inf, -1e30, -1e10, -1e9, -1e5, -1e4, 0.0):
            if value != call["value"]:
                own = call["value"]
                yield another(call, f"{value:g} at what is masked", of=(own, value), value=value)
    if call.name in ("triu", "tril"):
        own = call["diagonal"]
        for diagonal in (own - 1, own + 1):
            yield another(call, f"diagonal {diagonal}", of=(own, diagonal), diagonal=diagonal)


ENTRIES = (
    Entry(
        "attention-scale",
        "the scores of attention have another scale",
        "Scores are divided by the root of the head's size, not of the model's; some code scales "
        "queries instead, or forgets to.",
        "scale by {torch}",
        "scale by {jax}",
        "Vaswani et al. (2017), section 3.2.1; torch.nn.functional.scaled_dot_product_attention",
        "program",
        _scale,
    ),
    Entry(
        "attention-mask",
        "a mask means something else",
        "True means 'may not attend' in torch.nn.MultiheadAttention, and 'may attend' in "
        "scaled_dot_product_attention and in Flax.",
        "mask as PyTorch does ({torch}): invert the mask, or its fill value",
        "mask as JAX does ({jax}): invert the mask, or its fill value",
        "PyTorch documentation, torch.nn.MultiheadAttention; flax.linen.dot_product_attention",
        "program",
        _mask,
    ),
)
