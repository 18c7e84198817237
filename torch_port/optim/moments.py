"""Adam and AMSGrad: the mean of gradients over the root of the mean of their squares.

Each `step` is the published algorithm for one tensor: in come the gradient g and the moments, out
go the update u and the new moments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torch_port.optim.averages import average, debias_factor, squared_norm
from torch_port.optim.combine import GradientTransformation
from torch_port.optim.leaves import Tensors, advance, full_like, require_numbers_in


class ScaleByAdamState(NamedTuple):
    """Steps taken, the first and the second moment."""

    count: Any
    mu: Tensors
    nu: Tensors


class ScaleByAmsgradState(NamedTuple):
    """Steps taken, the first and the second moment, the largest second moment so far."""

    count: Any
    mu: Tensors
    nu: Tensors
    nu_max: Tensors


def scale_by_adam(
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: torch.dtype | None = None,
    *,
    nesterov: bool = False,
) -> GradientTransformation:
    """Divides the mean of gradients by the root of the mean of their squares (Adam).

    m ← β₁·m + (1−β₁)·g, v ← β₂·v + (1−β₂)·g², m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ), u = m̂/(√(v̂+ε_root)+ε);
    Nesterov's form looks one step ahead: m̂ = β₁·m/(1−β₁ᵗ⁺¹) + (1−β₁)·g/(1−β₁ᵗ).

    Args:
      b1: β₁, in [0, 1).
      b2: β₂, in [0, 1).
      eps: ε, outside the root, at least 0.
      eps_root: ε_root, inside the root, at least 0.
      mu_dtype: dtype of m; the parameters' unless given.
      nesterov: whether to use Nesterov's form (NAdam).

    Example:
      >>> direction = scale_by_adam()
      >>> grads = [torch.tensor([1e-3, -4.0])]
      >>> direction.update(grads, direction.init([torch.zeros(2)]))[0]
      [tensor([ 1.0000, -1.0000])]
    """
    _require_adam("scale_by_adam", b1, b2, eps, eps_root)

    def init(params: Tensors) -> ScaleByAdamState:
        return ScaleByAdamState(0, full_like(params, dtype=mu_dtype), full_like(params))

    def step(g, m, v, *, debias1, debias1_next, debias2):
        m = average(m, g, b1)
        v = average(v, squared_norm(g), b2)
        m_hat = m * debias1
        if nesterov:
            m_hat = average(m * debias1_next, g * debias1, b1)
        v_hat = v * debias2
        return m_hat / (torch.sqrt(v_hat + eps_root) + eps), m, v

    def update(grads, state, params=None):
        t = state.count + 1
        numbers = {
            "debias1": debias_factor(b1, t),
            "debias1_next": debias_factor(b1, t + 1),
            "debias2": debias_factor(b2, t),
        }
        updates, mu, nu = advance("scale_by_adam", step, grads, state.mu, state.nu, **numbers)
        return updates, ScaleByAdamState(t, mu, nu)

    return GradientTransformation(init, update)


def scale_by_amsgrad(
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    eps_root: float = 0.0,
    mu_dtype: torch.dtype | None = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> GradientTransformation:
    """Adam that divides by the root of the largest second moment so far (AMSGrad).

    m and v as in `scale_by_adam`, v_max ← max(v_max, v̂), u = m̂/(√(v_max+ε_root)+ε).
    `torch.optim.Adam(amsgrad=True)` takes the maximum of v, and corrects its bias afterwards.

    Args:
      b1: β₁, in [0, 1).
      b2: β₂, in [0, 1).
      eps: ε, outside the root, at least 0.
      eps_root: ε_root, inside the root, at least 0.
      mu_dtype: dtype of m; the parameters' unless given.
      bias_correction_mu: whether m̂ = m/(1−β₁ᵗ), else m̂ = m.
      bias_correction_nu: whether v̂ = v/(1−β₂ᵗ), else v̂ = v.

    Example:
      >>> direction = scale_by_amsgrad()
      >>> state = direction.init([torch.zeros(1)])
      >>> for gradient in (4.0, 1.0):
      ...     updates, state = direction.update([torch.tensor([gradient])], state)
      >>> updates  # 0.832 with Adam, which forgets the 4 in time
      [tensor([0.6053])]
    """
    _require_adam("scale_by_amsgrad", b1, b2, eps, eps_root)

    def init(params: Tensors) -> ScaleByAmsgradState:
        mu = full_like(params, dtype=mu_dtype)
        return ScaleByAmsgradState(0, mu, full_like(params), full_like(params))

    def step(g, m, v, v_max, *, debias1, debias2):
        m = average(m, g, b1)
        v = average(v, squared_norm(g), b2)
        m_hat = m * debias1
        v_max = torch.maximum(v_max, v * debias2)
        return m_hat / (torch.sqrt(v_max + eps_root) + eps), m, v, v_max

    def update(grads, state, params=None):
        t = state.count + 1
        numbers = {
            "debias1": debias_factor(b1, t) if bias_correction_mu else 1.0,
            "debias2": debias_factor(b2, t) if bias_correction_nu else 1.0,
        }
        updates, *moments = advance("scale_by_amsgrad", step, grads, *state[1:], **numbers)
        return updates, ScaleByAmsgradState(t, *moments)

    return GradientTransformation(init, update)


def _require_adam(name: str, b1: float, b2: float, eps: float, eps_root: float) -> None:
    require_numbers_in("[0, 1)", name, b1=b1, b2=b2)
    require_numbers_in("[0, inf)", name, eps=eps, eps_root=eps_root)
