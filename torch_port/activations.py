"""Activations: PyTorch's own, with `jaxnn`'s names of arguments.

Where PyTorch computes another number than `jaxnn`, the docstring says so: at ±∞, and in the tails.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_port.checks import require_tensor

P = ParamSpec("P")


def _activation(function: Callable[Concatenate[Tensor, P], Tensor]):
    """Refuses a tensor that is not floating, which PyTorch may promote."""

    @wraps(function)
    def checked(x: Tensor, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        require_tensor(function.__name__, "x", x)
        if not x.is_floating_point():
            raise TypeError(f"{function.__name__}: x must be a floating tensor, got {x.dtype}")
        return function(x, *args, **kwargs)

    return checked


@_activation
def sigmoid(x: Tensor) -> Tensor:
    """The logistic function.

        σ(x) = 1 / (1 + e^−x),   σ'(x) = σ(x) (1 − σ(x))

    PyTorch's derivative is 0 from x = 17 in float32, where 1 − σ(x) rounds to 0.

    Args:
      x: floating tensor of any shape; another dtype is a `TypeError`.

    Example:
      >>> sigmoid(torch.tensor([-torch.inf, 0.0, torch.inf]))
      tensor([0.0000, 0.5000, 1.0000])
    """
    return torch.sigmoid(x)


@_activation
def tanh(x: Tensor) -> Tensor:
    """The hyperbolic tangent.

        tanh(x) = (eˣ − e^−x) / (eˣ + e^−x),   tanh'(x) = 1 − tanh²(x)

    Args:
      x: floating tensor of any shape; another dtype is a `TypeError`.

    Example:
      >>> tanh(torch.tensor([-torch.inf, 0.0, torch.inf]))
      tensor([-1.,  0.,  1.])
    """
    return torch.tanh(x)


@_activation
def relu(x: Tensor) -> Tensor:
    """The rectified linear unit.

        relu(x) = max(x, 0),   relu'(x) = 1 for x > 0, 0 for x ≤ 0

    Args:
      x: floating tensor of any shape; another dtype is a `TypeError`.

    Example:
      >>> relu(torch.tensor([-2.0, 0.0, 2.0]))
      tensor([0., 0., 2.])
    """
    return F.relu(x)


@_activation
def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """The leaky rectified linear unit.

        leaky_relu(x) = x for x > 0, αx for x ≤ 0;   its derivative is 1 and α

    Args:
      x: floating tensor of any shape; another dtype is a `TypeError`.
      negative_slope: α, a Python number.

    Example:
      >>> leaky_relu(torch.tensor([-2.0, 0.0, 2.0]))
      tensor([-0.0200,  0.0000,  2.0000])
    """
    return F.leaky_relu(x, negative_slope)


@_activation
def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """The exponential linear unit.

        elu(x) = x for x > 0, α(eˣ − 1) for x ≤ 0;   its derivative is 1 and αeˣ

    Args:
      x: floating tensor of any shape; another dtype is a `TypeError`.
      alpha: α, a Python number.

    Example:
      >>> elu(torch.tensor([-torch.inf, 0.0, 2.0]))
      tensor([-1.,  0.,  2.])
    """
    return F.elu(x, alpha)


@_activation
def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """The Gaussian error linear unit; Φ is the distribution function of the standard normal.

        gelu(x) = x Φ(x) = x (1 + erf(x/√2)) / 2,   gelu'(x) = Φ(x) + x Φ'(x)

    PyTorch's `approximate` is "tanh" or "none". It adds 1 to erf and tanh, which leaves no digit
    below x = −6 in float32; −∞ gives NaN, and in float32 +∞ may.

    Args:
      x: floating tensor of any shape; another dtype is a `TypeError`.
      approximate: True takes (1 + tanh u) / 2 for Φ(x), u = √(2/π) (x + 0.044715 x³).

    Example:
      >>> gelu(torch.tensor([-1.0, 0.0, 1.0]))
      tensor([-0.1587,  0.0000,  0.8413])
    """
    return F.gelu(x, approximate="tanh" if approximate else "none")


@_activation
def silu(x: Tensor) -> Tensor:
    """The sigmoid linear unit, also called swish.

        silu(x) = x σ(x),   silu'(x) = σ(x) (1 + x (1 − σ(x)))

    PyTorch gives NaN at −∞, where the limit is 0.

    Args:
      x: floating tensor of any shape; another dtype is a `TypeError`.

    Example:
      >>> print(f"{silu(torch.tensor(-80.0)):.5g}")
      -1.4439e-33
    """
    return F.silu(x)


@_activation
def softplus(x: Tensor) -> Tensor:
    """A smooth relu: the integral of the sigmoid.

        softplus(x) = log(1 + eˣ),   softplus'(x) = σ(x)

    PyTorch takes x itself above a threshold. Its own is 20, where e^−20 = 2e-9 is still 1e-10 of
    the result, which float64 shows; above 40 nothing shows.

    Args:
      x: floating tensor of any shape; another dtype is a `TypeError`.

    Example:
      >>> softplus(torch.tensor([-torch.inf, 100.0, torch.inf]))
      tensor([  0., 100.,  inf])
    """
    return F.softplus(x, threshold=40)


@_activation
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """The distribution over classes with logits x.

        p_i = e^x_i / Σ_j e^x_j,   ∂p_i/∂x_j = p_i (δ_ij − p_j)

    Args:
      x: logits, a floating tensor; −∞ has p = 0.
      axis: the axis of the classes.

    Example:
      >>> softmax(torch.tensor([0.0, 0.0, 10000.0]))
      tensor([0., 0., 1.])
    """
    return F.softmax(x, axis)


@_activation
def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """The logarithm of `softmax`, right also where a probability is 0.

        log p_i = x_i − log Σ_j e^x_j,   ∂ log p_i / ∂x_j = δ_ij − p_j

    Args:
      x: logits, a floating tensor.
      axis: the axis of the classes.

    Example:
      >>> log_softmax(torch.tensor([0.0, 0.0, 10000.0]))
      tensor([-10000., -10000.,      0.])
    """
    return F.log_softmax(x, axis)
