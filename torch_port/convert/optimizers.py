"""Optimisers of `torch.optim` as the transformations of `jaxnn` that equal them.

Where `jaxnn.optim` has the equation, it is taken from there; the four that it has not are below.
"""

import inspect
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import torch

from jaxnn import optim
from jaxnn.optim.averages import average, debias_factor, next_count
from jaxnn.optim.leaves import advance, full_like
from jaxnn.optim.moments import ScaleByAmsgradState
from jaxnn.optim.rms import ScaleByRssState
from jaxnn.typing import GradientTransformation, Params, Schedule
from torch_port import optim as torch_optim
from torch_port.convert.parameters import to_array

IMPLEMENTATION = {"foreach", "fused", "capturable", "differentiable"}
"""Settings that change how PyTorch computes, not what."""


def optimizer(torch_optimizer: torch.optim.Optimizer) -> GradientTransformation:
    """The transformation that equals an optimiser of `torch.optim`, with the settings it has now.

    A scheduler of the learning rate is no part of the optimiser, and is not converted. Settings in
    tensors are taken as numbers; of those in float32 tensors, PyTorch computes some in float32.

    Args:
      torch_optimizer: a `torch.optim.SGD`, `RMSprop`, `Adagrad`, `Adam`, `AdamW` or `NAdam`, or an
        optimiser of `torch_port.optim`.

    Returns:
      A transformation, whose `update` needs the parameters.

    Raises:
      ValueError: another optimiser, one with a `step` of its own, complex parameters, or groups of
        parameters with different settings.

    Example:
      >>> adam = torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))], lr=0.1)
      >>> transformation = optimizer(adam)
      >>> params = {"bias": jnp.zeros(2)}
      >>> grads = {"bias": jnp.array([1.0, -4.0])}
      >>> transformation.update(grads, transformation.init(params), params)[0]
      {'bias': Array([-0.1,  0.1], dtype=float32)}
    """
    return EQUALS[kind_of(torch_optimizer)](**_settings(torch_optimizer))


def kind_of(torch_optimizer: torch.optim.Optimizer) -> type[torch.optim.Optimizer]:
    """The class whose steps an optimiser takes: its own, or that which it inherits them from."""
    step = lambda kind: inspect.unwrap(kind.step)
    for kind in EQUALS:
        if isinstance(torch_optimizer, kind) and step(type(torch_optimizer)) is step(kind):
            return kind
    raise ValueError(
        f"optimizer: {type(torch_optimizer).__name__} cannot be converted; those that can: SGD, "
        "RMSprop, Adagrad, Adam, AdamW, NAdam, and subclasses that leave `step` as it is"
    )


def _settings(torch_optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    groups = torch_optimizer.param_groups
    if any(p.is_complex() for group in groups for p in group["params"]):
        raise ValueError("optimizer: real parameters expected, got complex ones")
    settings = {}
    for name in torch_optimizer.defaults.keys() - IMPLEMENTATION:
        values = [_plain(group[name]) for group in groups]
        if any(value != values[0] for value in values):
            raise ValueError(
                f"optimizer: the parameter groups differ in {name!r}: {values}; convert an "
                "optimiser for each group, and put them together with optax.partition"
            )
        settings[name] = values[0]
    return settings


def _plain(setting: Any) -> Any:
    if isinstance(setting, tuple):
        return tuple(map(_plain, setting))
    if isinstance(setting, torch.dtype):
        return to_array("", torch.zeros((), dtype=setting)).dtype
    return setting.item() if isinstance(setting, torch.Tensor) else setting


def _descent(
    *direction: GradientTransformation,
    lr: float | Schedule,
    maximize: bool,
    weight_decay: float,
    decoupled: bool = False,
) -> GradientTransformation:
    """The direction, with what PyTorch puts before it and behind it."""
    flip = [optim.scale(-1.0)] if maximize else []
    decay = [optim.add_decayed_weights(weight_decay)] if weight_decay else []
    around = [*direction, *decay] if decoupled else [*decay, *direction]
    return optim.chain(*flip, *around, optim.scale_by_learning_rate(lr))


def _sgd(momentum, dampening, nesterov, **rest):
    if not momentum:
        return _descent(**rest)
    if not dampening:
        return _descent(optim.trace(momentum, nesterov), **rest)
    return _descent(_dampened_trace(momentum, dampening), **rest)


def _rmsprop(lr, alpha, eps, centered, momentum, **rest):
    scale_by_size = optim.scale_by_stddev if centered else optim.scale_by_rms
    direction = [scale_by_size(alpha, eps, eps_in_sqrt=False)]
    if momentum:
        direction.append(optim.trace(momentum))
    # A schedule, though a constant one: PyTorch counts the steps.
    return _descent(*direction, lr=lambda count: lr, **rest)


def _adagrad(lr, lr_decay, initial_accumulator_value, eps, **rest):
    t = lambda count: jnp.asarray(count, jnp.result_type(float))
    falling = lambda count: lr / (1 + t(count) * lr_decay)
    return _descent(_scale_by_rss(initial_accumulator_value, eps), lr=falling, **rest)


def _adam(betas: tuple[float, float], eps, amsgrad, decoupled_weight_decay, **rest):
    scale_by_size = _scale_by_amsgrad if amsgrad else optim.scale_by_adam
    direction = scale_by_size(*betas, eps)
    return _descent(direction, decoupled=decoupled_weight_decay, **rest)


def _nadam(betas: tuple[float, float], eps, momentum_decay, decoupled_weight_decay, **rest):
    direction = _scale_by_nadam(*betas, eps, momentum_decay)
    return _descent(direction, decoupled=decoupled_weight_decay, **rest)


def _ours(alias):
    return lambda lr, **settings: alias(lr, **settings)


EQUALS = {
    torch.optim.SGD: _sgd,
    torch.optim.RMSprop: _rmsprop,
    torch.optim.Adagrad: _adagrad,
    torch.optim.Adam: _adam,  # and AdamW, its subclass with decoupled_weight_decay
    torch.optim.NAdam: _nadam,
    torch_optim.RMSprop: _ours(optim.rmsprop),
    torch_optim.Adagrad: _ours(optim.adagrad),
    torch_optim.AMSGrad: _ours(optim.amsgrad),
    torch_optim.NAdam: _ours(optim.nadam),
}
"""The transformation of each class, from the settings of its parameter groups."""


class DampenedTraceState(NamedTuple):
    """Whether a step has been taken, and the momentum."""

    started: jax.Array
    trace: Params


class ScaleByNadamState(NamedTuple):
    """Steps taken, the product of the momenta μᵢ so far, the first and the second moment."""

    count: Any
    mu_product: jax.Array
    mu: Params
    nu: Params


def _dampened_trace(momentum: float, dampening: float) -> GradientTransformation:
    """m ← μ·m + (1−τ)·g, but m = g at the first step; u = m."""

    def init(params):
        return DampenedTraceState(jnp.zeros([], bool), full_like(params))

    def step(g, m, *, weight):
        m = momentum * m + weight * g
        return m, m

    def update(grads, state, params=None):
        weight = jnp.where(state.started, 1 - dampening, 1.0)
        updates, m = advance("_dampened_trace", step, grads, state.trace, weight=weight)
        return updates, DampenedTraceState(jnp.ones([], bool), m)

    return GradientTransformation(init, update)


def _scale_by_rss(initial_accumulator_value: float, eps: float) -> GradientTransformation:
    """s ← s + g², u = g/(√s+ε): `optim.scale_by_rss` has ε inside the root."""

    def init(params):
        return ScaleByRssState(full_like(params, initial_accumulator_value))

    def step(g, s):
        s = s + g**2
        return g / (jnp.sqrt(s) + eps), s

    def update(grads, state, params=None):
        updates, s = advance("_scale_by_rss", step, grads, state.sum_of_squares)
        return updates, ScaleByRssState(s)

    return GradientTransformation(init, update)


def _scale_by_amsgrad(b1: float, b2: float, eps: float) -> GradientTransformation:
    """v_max ← max(v_max, v), u = m̂/(√(v_max/(1−β₂ᵗ))+ε): `optim.scale_by_amsgrad` corrects v."""

    def step(g, m, v, v_max, *, debias1, debias2):
        m, v = average(m, g, b1), average(v, g**2, b2)
        v_max = jnp.maximum(v_max, v)
        return m * debias1 / (jnp.sqrt(v_max * debias2) + eps), m, v, v_max

    def update(grads, state, params=None):
        t = next_count(state.count)
        debias = {"debias1": debias_factor(b1, t), "debias2": debias_factor(b2, t)}
        updates, *moments = advance("_scale_by_amsgrad", step, grads, *state[1:], **debias)
        return updates, ScaleByAmsgradState(t, *moments)

    return GradientTransformation(optim.scale_by_amsgrad(b1, b2, eps).init, update)


def _scale_by_nadam(
    b1: float, b2: float, eps: float, momentum_decay: float
) -> GradientTransformation:
    """NAdam with a momentum that grows with the step, μₜ = β₁·(1 − ½·0.96^(ψ·t)).

    P ← P·μₜ, u = ((1−μₜ)/(1−P)·g + μₜ₊₁/(1−P·μₜ₊₁)·m)/(√v̂+ε). P has the dtype that PyTorch gives
    it, float32 by default.

    Dozat, "Incorporating Nesterov momentum into Adam" (2016), with its schedule of μ.
    """
    scalar = jnp.float64 if torch.get_default_dtype() == torch.float64 else jnp.float32
    momentum = lambda t: (
        b1 * (1 - 0.5 * 0.96 ** (t.astype(jnp.result_type(float)) * momentum_decay))
    )

    def init(params):
        count, mu_product = jnp.zeros([], jnp.int32), jnp.ones([], scalar)
        return ScaleByNadamState(count, mu_product, full_like(params), full_like(params))

    def step(g, m, v, *, mu, mu_next, product, debias2):
        m, v = average(m, g, b1), average(v, g**2, b2)
        m_hat = (1 - mu) / (1 - product) * g + mu_next / (1 - product * mu_next) * m
        return m_hat / (jnp.sqrt(v * debias2) + eps), m, v

    def update(grads, state, params=None):
        t = next_count(state.count)
        mu, mu_next = momentum(t), momentum(t + 1)
        product = state.mu_product * mu.astype(scalar)
        numbers = {"mu": mu, "mu_next": mu_next, "product": product}
        numbers["debias2"] = debias_factor(b2, t)
        updates, m, v = advance("_scale_by_nadam", step, grads, state.mu, state.nu, **numbers)
        return updates, ScaleByNadamState(t, product, m, v)

    return GradientTransformation(init, update)
