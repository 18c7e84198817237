"""The optimisers, as classes: PyTorch's own where it computes the same, else a transformation.

`params` are the parameters or groups of them; the learning rate is a number, or a tensor of one.
A schedule is given PyTorch's way,
`torch.optim.lr_scheduler.LambdaLR(SGD(params, 1.0), schedule)`.
"""

from typing import Any

import torch
from torch import Tensor

from torch_port.optim.combine import GradientTransformation, chain, identity
from torch_port.optim.leaves import require_number
from torch_port.optim.moments import scale_by_adam, scale_by_amsgrad
from torch_port.optim.optimizer import TransformationOptimizer, require_constant
from torch_port.optim.rms import scale_by_rms, scale_by_rss, scale_by_stddev
from torch_port.optim.transforms import scale_by_learning_rate, trace


class SGD(torch.optim.SGD):
    """Stochastic gradient descent, `torch.optim.SGD`: u = −η·g, or m ← g + μ·m, u = −η·m.

    PyTorch has no dtype of its own for m, hence no `accumulator_dtype`.

    Args:
      learning_rate: η.
      momentum: μ; none unless given.
      nesterov: whether u = −η·(g + μ·m).

    Example:
      >>> x = torch.nn.Parameter(torch.zeros(2))
      >>> x.grad = torch.tensor([1.0, -4.0])
      >>> SGD([x], 0.1).step()
      >>> x.data
      tensor([-0.1000,  0.4000])
    """

    def __init__(
        self,
        params: Any,
        learning_rate: float | Tensor,
        momentum: float | None = None,
        nesterov: bool = False,
    ):
        require_constant("SGD", learning_rate)
        trace(momentum or 0, nesterov)  # raises for settings out of range
        nesterov = nesterov and bool(momentum)  # without momentum PyTorch refuses it
        super().__init__(params, lr=learning_rate, momentum=momentum or 0, nesterov=nesterov)


class RMSprop(TransformationOptimizer):
    """RMSProp: v ← β·v + (1−β)·g², u = −η·g/√(v+ε).

    `torch.optim.RMSprop` has ε outside the root, and momentum before the learning rate.

    Args:
      learning_rate: η.
      decay, eps, initial_scale, eps_in_sqrt, bias_correction: as in `scale_by_rms`.
      centered: whether the mean of gradients is subtracted, as in `scale_by_stddev`.
      momentum: μ of a `trace` of the updates, learning rate included; none unless given.
      nesterov: whether that momentum has Nesterov's form.

    Example:
      >>> x = torch.nn.Parameter(torch.zeros(2))
      >>> x.grad = torch.tensor([1.0, -4.0])
      >>> RMSprop([x], 0.1, decay=0.75).step()
      >>> x.data
      tensor([-0.2000,  0.2000])
    """

    def __init__(
        self,
        params: Any,
        learning_rate: float | Tensor,
        decay: float = 0.9,
        eps: float = 1e-8,
        initial_scale: float = 0.0,
        eps_in_sqrt: bool = True,
        centered: bool = False,
        momentum: float | None = None,
        nesterov: bool = False,
        bias_correction: bool = False,
    ):
        super().__init__(
            params,
            learning_rate,
            decay=decay,
            eps=eps,
            initial_scale=initial_scale,
            eps_in_sqrt=eps_in_sqrt,
            centered=centered,
            momentum=momentum,
            nesterov=nesterov,
            bias_correction=bias_correction,
        )

    @staticmethod
    def transformation(lr, centered, momentum, nesterov, **settings) -> GradientTransformation:
        scale_by_size = scale_by_stddev if centered else scale_by_rms
        return chain(
            scale_by_size(**settings),
            scale_by_learning_rate(lr),
            identity() if momentum is None else trace(momentum, nesterov),
        )


class Adagrad(TransformationOptimizer):
    """Adagrad: s ← s + g², u = −η·g/√(s+ε).

    `torch.optim.Adagrad` has ε outside the root, and s = 0 before the first step.

    Args:
      learning_rate: η.
      initial_accumulator_value: s before the first step, at least 0.
      eps: ε, at least 0.

    Example:
      >>> x = torch.nn.Parameter(torch.zeros(2))
      >>> x.grad = torch.tensor([1.0, -4.0])
      >>> Adagrad([x], 0.1, initial_accumulator_value=0.0).step()
      >>> x.data
      tensor([-0.1000,  0.1000])
    """

    def __init__(
        self,
        params: Any,
        learning_rate: float | Tensor,
        initial_accumulator_value: float = 0.1,
        eps: float = 1e-7,
    ):
        super().__init__(
            params, learning_rate, initial_accumulator_value=initial_accumulator_value, eps=eps
        )

    @staticmethod
    def transformation(lr, **settings) -> GradientTransformation:
        return chain(scale_by_rss(**settings), scale_by_learning_rate(lr))


class Adam(torch.optim.Adam):
    """Adam, `torch.optim.Adam`: u = −η·m̂/(√v̂+ε), the moments as in `scale_by_adam`.

    PyTorch has no `eps_root` and no `mu_dtype`; Nesterov's form is `NAdam`.

    Args:
      learning_rate: η.
      b1: β₁, in [0, 1).
      b2: β₂, in [0, 1).
      eps: ε, outside the root, at least 0.

    Example:
      >>> x = torch.nn.Parameter(torch.zeros(2))
      >>> x.grad = torch.tensor([1.0, -4.0])
      >>> Adam([x], 0.1).step()
      >>> x.data
      tensor([-0.1000,  0.1000])
    """

    def __init__(
        self,
        params: Any,
        learning_rate: float | Tensor,
        b1: float = 0.9,
        b2: float = 0.999,
        eps: float = 1e-8,
    ):
        require_constant("Adam", learning_rate)
        scale_by_adam(b1, b2, eps)  # raises for settings out of range
        super().__init__(params, lr=learning_rate, betas=(b1, b2), eps=eps)


class AdamW(torch.optim.AdamW):
    """Adam with decoupled weight decay, `torch.optim.AdamW`: u = −η·(m̂/(√v̂+ε) + λ·θ).

    As in `Adam`, no `eps_root`, `mu_dtype` and `nesterov`; parameters that do not decay are a group
    of their own, with `weight_decay` 0, instead of a `mask`. PyTorch's own λ is 10⁻² by default.

    Args:
      learning_rate: η.
      b1, b2, eps: as in `Adam`.
      weight_decay: λ.

    Example:
      >>> x = torch.nn.Parameter(torch.tensor([2.0, 0.0]))
      >>> x.grad = torch.tensor([1.0, -4.0])
      >>> AdamW([x], 0.1, weight_decay=0.5).step()
      >>> x.data
      tensor([1.8000, 0.1000])
    """

    def __init__(
        self,
        params: Any,
        learning_rate: float | Tensor,
        b1: float = 0.9,
        b2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 1e-4,
    ):
        require_constant("AdamW", learning_rate)
        scale_by_adam(b1, b2, eps)  # raises for settings out of range
        require_number("AdamW: weight_decay", weight_decay)
        super().__init__(
            params, lr=learning_rate, betas=(b1, b2), eps=eps, weight_decay=weight_decay
        )


class AMSGrad(TransformationOptimizer):
    """AMSGrad: Adam over the largest second moment so far, u = −η·m̂/(√(v_max+ε_root)+ε).

    `torch.optim.Adam(amsgrad=True)` corrects the bias of the largest v instead of taking the
    largest corrected v̂.

    Args:
      learning_rate: η.
      b1, b2, eps, eps_root, mu_dtype: as in `scale_by_adam`.
      bias_correction_mu: whether m is divided by 1−β₁ᵗ.
      bias_correction_nu: whether v is divided by 1−β₂ᵗ.

    Example:
      >>> x = torch.nn.Parameter(torch.zeros(2))
      >>> x.grad = torch.tensor([1.0, -4.0])
      >>> AMSGrad([x], 0.1).step()
      >>> x.data
      tensor([-0.1000,  0.1000])
    """

    def __init__(
        self,
        params: Any,
        learning_rate: float | Tensor,
        b1: float = 0.9,
        b2: float = 0.999,
        eps: float = 1e-8,
        eps_root: float = 0.0,
        mu_dtype: torch.dtype | None = None,
        bias_correction_mu: bool = True,
        bias_correction_nu: bool = True,
    ):
        super().__init__(
            params,
            learning_rate,
            b1=b1,
            b2=b2,
            eps=eps,
            eps_root=eps_root,
            mu_dtype=mu_dtype,
            bias_correction_mu=bias_correction_mu,
            bias_correction_nu=bias_correction_nu,
        )

    @staticmethod
    def transformation(lr, **settings) -> GradientTransformation:
        return chain(scale_by_amsgrad(**settings), scale_by_learning_rate(lr))


class NAdam(TransformationOptimizer):
    """Adam with Nesterov's momentum: m̂ = β₁·m/(1−β₁ᵗ⁺¹) + (1−β₁)·g/(1−β₁ᵗ), else as `Adam`.

    In `torch.optim.NAdam` β₁ grows with the step (`momentum_decay`), by default from β₁/2.

    Args:
      learning_rate: η.
      b1, b2, eps, eps_root, mu_dtype: as in `scale_by_adam`.
      nesterov: False gives Adam.

    Example:
      >>> x = torch.nn.Parameter(torch.zeros(2))
      >>> x.grad = torch.tensor([1.0, -4.0])
      >>> NAdam([x], 0.1).step()
      >>> x.data
      tensor([-0.1474,  0.1474])
    """

    def __init__(
        self,
        params: Any,
        learning_rate: float | Tensor,
        b1: float = 0.9,
        b2: float = 0.999,
        eps: float = 1e-8,
        eps_root: float = 0.0,
        mu_dtype: torch.dtype | None = None,
        *,
        nesterov: bool = True,
    ):
        super().__init__(
            params,
            learning_rate,
            b1=b1,
            b2=b2,
            eps=eps,
            eps_root=eps_root,
            mu_dtype=mu_dtype,
            nesterov=nesterov,
        )

    @staticmethod
    def transformation(lr, **settings) -> GradientTransformation:
        return chain(scale_by_adam(**settings), scale_by_learning_rate(lr))
