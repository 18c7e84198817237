"""Division by the size that gradients have had: RMSProp, its centred form, and Adagrad.

Each `step` is the published algorithm for one tensor: in come the gradient g and the moments, out
go the update u and the new moments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_port.optim.averages import average, debias_factor, squared_norm
from torch_port.optim.combine import GradientTransformation
from torch_port.optim.leaves import Tensors, advance, full_like, require_numbers_in


class ScaleByRmsState(NamedTuple):
    """The mean of squared gradients."""

    nu: Tensors


class ScaleByRmsWithCountState(NamedTuple):
    """Steps taken and the mean of squared gradients."""

    count: Any
    nu: Tensors


class ScaleByRStdDevState(NamedTuple):
    """The means of gradients and of squared gradients."""

    mu: Tensors
    nu: Tensors


class ScaleByRStdDevWithCountState(NamedTuple):
    """Steps taken, the means of gradients and of squared gradients."""

    count: Any
    mu: Tensors
    nu: Tensors


class ScaleByRssState(NamedTuple):
    """The sum of squared gradients."""

    sum_of_squares: Tensors


def scale_by_rms(
    decay: float = 0.9,
    eps: float = 1e-8,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> GradientTransformation:
    """Divides by the root of the mean of squared gradients (RMSProp).

    v ← β·v + (1−β)·g², v̂ = v or v/(1−βᵗ), u = g/√(v̂+ε) or g/(√v̂+ε).

    Args:
      decay: β, in [0, 1].
      eps: ε, at least 0.
      initial_scale: v before the first step, at least 0.
      eps_in_sqrt: whether ε stands inside the root.
      bias_correction: whether v is divided by 1−βᵗ.

    Example:
      >>> rms = scale_by_rms(decay=0.75)
      >>> rms.update([torch.tensor([1.0, -4.0])], rms.init([torch.zeros(2)]))[0]
      [tensor([ 2., -2.])]
    """
    _require_rms("scale_by_rms", decay, eps, initial_scale)

    def init(params: Tensors) -> Any:
        nu = full_like(params, initial_scale)
        return ScaleByRmsWithCountState(0, nu) if bias_correction else ScaleByRmsState(nu)

    def step(g, v, *, debias):
        v = average(v, squared_norm(g), decay)
        return g / _root(v * debias, eps, eps_in_sqrt), v

    def update(grads, state, params=None):
        if bias_correction:
            state = state._replace(count=state.count + 1)
        debias = debias_factor(decay, state.count) if bias_correction else 1.0
        updates, nu = advance("scale_by_rms", step, grads, state.nu, debias=debias)
        return updates, state._replace(nu=nu)

    return GradientTransformation(init, update)


def scale_by_stddev(
    decay: float = 0.9,
    eps: float = 1e-8,
    initial_scale: float = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> GradientTransformation:
    """Divides by the standard deviation of gradients (centred RMSProp).

    m ← β·m + (1−β)·g, v ← β·v + (1−β)·g², both divided by 1−βᵗ under bias correction,
    σ² = v − m², u = g/√(σ²+ε) or g/(√σ²+ε).

    Args:
      decay: β, in [0, 1].
      eps: ε, at least 0.
      initial_scale: v before the first step, at least 0.
      eps_in_sqrt: whether ε stands inside the root.
      bias_correction: whether m and v are divided by 1−βᵗ.

    Example:
      >>> stddev = scale_by_stddev(decay=0.5)
      >>> stddev.update([torch.tensor([1.0, -4.0])], stddev.init([torch.zeros(2)]))[0]
      [tensor([ 2., -2.])]
    """
    _require_rms("scale_by_stddev", decay, eps, initial_scale)

    def init(params: Tensors) -> Any:
        mu, nu = full_like(params), full_like(params, initial_scale)
        if bias_correction:
            return ScaleByRStdDevWithCountState(0, mu, nu)
        return ScaleByRStdDevState(mu, nu)

    def step(g, m, v, *, debias):
        m = average(m, g, decay)
        v = average(v, squared_norm(g), decay)
        # Rounding can put the variance of equal gradients below zero.
        variance = (v * debias - squared_norm(m * debias)).clamp(min=0)
        return g / _root(variance, eps, eps_in_sqrt), m, v

    def update(grads, state, params=None):
        if bias_correction:
            state = state._replace(count=state.count + 1)
        debias = debias_factor(decay, state.count) if bias_correction else 1.0
        updates, mu, nu = advance("scale_by_stddev", step, grads, state.mu, state.nu, debias=debias)
        return updates, state._replace(mu=mu, nu=nu)

    return GradientTransformation(init, update)


def scale_by_rss(
    initial_accumulator_value: float = 0.1, eps: float = 1e-7
) -> GradientTransformation:
    """Divides by the root of the sum of squared gradients (Adagrad).

    s ← s + g², u = g/√(s+ε), and 0 where s is 0.

    Args:
      initial_accumulator_value: s before the first step, at least 0.
      eps: ε, at least 0.

    Example:
      >>> rss = scale_by_rss(initial_accumulator_value=0.0)
      >>> rss.update([torch.tensor([1.0, -4.0])], rss.init([torch.zeros(2)]))[0]
      [tensor([ 1., -1.])]
    """
    require_numbers_in(
        "[0, inf)", "scale_by_rss", initial_accumulator_value=initial_accumulator_value, eps=eps
    )

    def init(params: Tensors) -> ScaleByRssState:
        return ScaleByRssState(full_like(params, initial_accumulator_value))

    def step(g, s):
        s = s + squared_norm(g)
        return torch.where(s == 0, 0, g / torch.sqrt(s + eps)), s

    def update(grads, state, params=None):
        updates, s = advance("scale_by_rss", step, grads, state.sum_of_squares)
        return updates, ScaleByRssState(s)

    return GradientTransformation(init, update)


def _root(v: Tensor, eps: float, inside: bool) -> Tensor:
    return torch.sqrt(v + eps) if inside else torch.sqrt(v) + eps


def _require_rms(name: str, decay: float, eps: float, initial_scale: float) -> None:
    require_numbers_in("[0, 1]", name, decay=decay)
    require_numbers_in("[0, inf)", name, eps=eps, initial_scale=initial_scale)
