"""Normalisation and dropout: constants, axes, running statistics, modes."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import torch

from torch_port.parity.catalogue.changes import (
    NORMS,
    another,
    constant,
    instead,
    is_number,
)
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call

_RUNNING = {"batch_norm", "instance_norm"}


def _epsilon(call: Call, context: Context) -> Iterator[Hypothesis]:
    said, starts = "epsilon {}", (1e-6, 1e-5, 1e-3, 1e-12)
    if call.name in {*NORMS, "normalize"}:
        yield constant(call, "eps", said, starts)
        yield another(call, "no epsilon", of=(call["eps"], 0.0), eps=0.0)
    if call.name in ("add", "clamp") and (found := _small_number(call)):
        argument, value = found
        change = lambda c, v: c(**{argument: v})
        yield Hypothesis(call.index, change, said, starts, of_torch=value)
        yield another(call, "no epsilon", of=(value, 0.0), **{argument: 0.0})
    if call.name in ("sqrt", "rsqrt"):
        change = lambda c, v: c(input=c["input"] + v)
        yield Hypothesis(call.index, change, "{} added under the root", starts, of_torch=0.0)
    if call.name in ("layer_norm", "batch_norm"):
        outside = lambda c, v: _normalized(c, _own_axes(c), v, outside=True)
        yield Hypothesis(
            call.index, outside, "epsilon {} outside the root", (1e-6, 1e-5), of_torch=call["eps"]
        )


def _small_number(call: Call) -> tuple[str, float] | None:
    for argument in ("other", "min"):
        value = call[argument]
        if is_number(value) and 0 < value < 0.1:
            return argument, value
    return None


def _own_axes(call: Call) -> tuple[int, ...]:
    """The axes over which a call averages."""
    dims = call["input"].ndim
    if call.name in ("layer_norm", "rms_norm"):
        return tuple(range(dims - len(call["normalized_shape"]), dims))
    axes = tuple(axis for axis in range(dims) if axis != 1)
    return axes[1:] if call.name == "instance_norm" else axes


def _normalized(
    call: Call, axes: tuple[int, ...], epsilon: Any = None, *, outside: bool = False
) -> torch.Tensor:
    """The input normalised over axes, then scaled and shifted as the call does."""
    call()  # for the running statistics
    x = call["input"]
    if call.name != "rms_norm":
        x = x - x.mean(axes, keepdim=True)
    epsilon = call["eps"] if epsilon is None else epsilon
    variance = x.square().mean(axes, keepdim=True)
    deviation = variance.sqrt() + epsilon if outside else torch.sqrt(variance + epsilon)
    y = x / deviation
    for name, apply in (("weight", torch.mul), ("bias", torch.add)):
        if (values := call[name]) is not None:
            y = apply(y, _beside_channels(call, values))
    return y


def _beside_channels(call: Call, values: torch.Tensor) -> torch.Tensor:
    if call.name in ("layer_norm", "rms_norm"):
        return values
    return values.reshape(-1, *[1] * (call["input"].ndim - 2))


def _axis(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in ("layer_norm", "rms_norm", "batch_norm", "group_norm"):
        dims = call["input"].ndim
        own = _own_axes(call) if call.name != "group_norm" else ()
        for axes in (a for n in range(1, dims + 1) for a in combinations(range(dims), n)):
            if axes != own:
                change = lambda c, a=axes: _normalized(c, a)
                yield instead(call, change, f"averages over axes {axes}", of=(own, axes))
    if call.name == "group_norm":
        channels, own = call["input"].shape[1], call["num_groups"]
        for groups in (n for n in range(1, channels + 1) if channels % n == 0 and n != own):
            yield another(call, f"{groups} groups", of=(own, groups), num_groups=groups)
    if call.name in ("mean", "var", "std", "amax", "normalize") and call["dim"] is not None:
        own = call["dim"]
        for axis in range(call["input"].ndim):
            if (axis,) != _positive(own, call["input"].ndim):
                yield another(call, f"{call.name} over axis {axis}", of=(own, axis), dim=axis)


def _positive(dim: Any, dims: int) -> tuple[int, ...]:
    return tuple(d % dims for d in (dim if isinstance(dim, tuple | list) else (dim,)))


def _momentum(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name in _RUNNING and call["running_mean"] is not None and call["training"]:
        own = call["momentum"]
        said = "momentum {} (the weight of the new value)"
        starts = tuple(dict.fromkeys([1 - own if 0 < own < 1 else 0.5, 0.01, 0.1]))
        yield Hypothesis(call.index, lambda c, v: c(momentum=v), said, starts, "unit", of_torch=own)


def _biased(call: Call, context: Context) -> Iterator[Hypothesis]:
    running = call["running_var"] if call.name in _RUNNING else None
    if running is not None and call["training"]:
        of = "n - 1", "n"
        yield instead(call, _with_biased_variance, "a running variance divided by n", of=of)


def _with_biased_variance(call: Call) -> torch.Tensor:
    """The call, and the running variance as if its share of the batch's were divided by n."""
    x, running = call["input"], call["running_var"]
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    excess = torch.var(x, axes, correction=1) - torch.var(x, axes, correction=0)
    y = call()
    # by .data: autograd keeps the running variance, though in training it makes no use of it
    running.data.sub_(call["momentum"] * excess.detach())
    return y


def _mode(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name == "batch_norm" and call["running_mean"] is not None:
        words = {True: "statistics of the batch", False: "running statistics"}
        own = bool(call["training"])
        of = words[own], words[not own]
        yield another(call, of[1], of=of, training=not own)


def _correction(call: Call, context: Context) -> Iterator[Hypothesis]:
    if call.name not in ("var", "std"):
        return
    for correction, said in ((0, "n"), (1, "n - 1")):
        change = lambda c, k=correction: _with_correction(c, k)
        other = {"n": "n - 1", "n - 1": "n"}[said]
        yield instead(call, change, f"{call.name} divided by {said}", of=(other, said))


def _with_correction(call: Call, correction: int) -> torch.Tensor:
    dim = call["dim"]
    if isinstance(dim, bool):  # x.var(unbiased)
        dim = None
    function = torch.var if call.name == "var" else torch.std
    keepdim = call.kwargs.get("keepdim", False)
    return function(call["input"], dim=dim, correction=correction, keepdim=keepdim)


ENTRIES = (
    Entry(
        "batch-norm-momentum",
        "batch norm's momentum has another meaning or value",
        "PyTorch's momentum (0.1) is the weight of the new statistics, Flax's (0.99) that of the "
        "old ones: 0.1 there is 0.9 here. Outputs in training agree; after one step the running "
        "mean does not.",
        "momentum = 1 - {torch} where it weighs the old value, as in Flax",
        "momentum={jax} (PyTorch's weighs the new value)",
        "PyTorch documentation, torch.nn.BatchNorm1d; scverse/scvi-tools pull request 2309",
        "program",
        _momentum,
    ),
    Entry(
        "batch-norm-running-variance",
        "the running variance is divided by something else",
        "PyTorch normalises with the variance divided by n, but keeps the one divided by n - 1 "
        "(Bessel) as running value; Flax keeps that divided by n. Outputs in training agree; in "
        "evaluation they do not, by 0.7 % with batches of 16.",
        "multiply the batch's variance by n / (n - 1) before it goes into the running value",
        "put (n - 1) / n of the batch's variance into running_var",
        "PyTorch documentation, torch.nn.BatchNorm1d, note on the running variance",
        "program",
        _biased,
    ),
    Entry(
        "batch-norm-mode",
        "batch norm uses other statistics",
        "A module that was not switched by train() or eval(), or use_running_average that was not "
        "passed.",
        "use {torch}: use_running_average decides",
        "use {jax}: model.train() or model.eval() decides",
        "Flax documentation, flax.linen.BatchNorm; PyTorch documentation, torch.nn.Module.eval",
        "program",
        _mode,
    ),
    Entry(
        "normalization-epsilon",
        "the epsilon of a normalisation differs",
        "PyTorch's layer, group and batch norm have 1e-5, Flax's layer, group and RMS norm 1e-6, "
        "Keras 1e-3. At unit variance they differ by 5e-6; at small variance they have nothing in "
        "common.",
        "epsilon={torch}",
        "eps={jax}",
        "google/flax issue 2195; PyTorch documentation, torch.nn.LayerNorm",
        "program",
        _epsilon,
    ),
    Entry(
        "variance-correction",
        "a variance is divided by something else",
        "torch.var and torch.std divide by n - 1, jnp.var and jnp.std by n; for a single value "
        "that is NaN against 0.",
        "jnp.var(x, ddof=1) where PyTorch divides by n - 1 (here by {torch})",
        "torch.var(x, correction=0) where JAX divides by n (here by {jax})",
        "PyTorch documentation, torch.var; NumPy documentation, numpy.var",
        "program",
        _correction,
    ),
    Entry(
        "normalization-axis",
        "the averages are taken over other axes or groups",
        "Which axes are averaged follows from the layout: the last one in Flax, normalized_shape "
        "or all but axis 1 in PyTorch.",
        "average over {torch}",
        "average over {jax}",
        "Flax documentation, flax.linen.LayerNorm, reduction_axes; torch.nn.LayerNorm",
        "program",
        _axis,
    ),
)
