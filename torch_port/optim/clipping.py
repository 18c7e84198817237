"""Bounds on gradients: each element on its own, or the norm of all together."""

import torch
from torch.nn.utils import get_total_norm

from torch_port.optim.combine import GradientTransformation, stateless
from torch_port.optim.leaves import Tensors, leafwise, require_numbers_in


def clip(max_delta: float) -> GradientTransformation:
    """Clips each element: u = min(max(g, −δ), δ); in place, `nn.utils.clip_grad_value_`.

    Args:
      max_delta: δ, at least 0.

    Example:
      >>> clipping = clip(1.0)
      >>> clipping.update([torch.tensor([0.5, -3.0])], clipping.init([torch.zeros(2)]))[0]
      [tensor([ 0.5000, -1.0000])]
    """
    require_numbers_in("[0, inf]", "clip", max_delta=max_delta)
    return stateless(
        lambda grads: leafwise(lambda g, delta: g.clamp(-delta, delta), grads, delta=max_delta)
    )


def clip_by_global_norm(max_norm: float) -> GradientTransformation:
    """Shortens all gradients together to a norm: u = g·min(1, c/‖g‖).

    `nn.utils.clip_grad_norm_` is not this: it divides by ‖g‖ + 10⁻⁶, which shortens small
    gradients too, and those of norm c.

    Args:
      max_norm: c, at least 0.

    Example:
      >>> clipping = clip_by_global_norm(1.0)
      >>> clipping.update([torch.tensor([3.0, 4.0])], clipping.init([torch.zeros(2)]))[0]
      [tensor([0.6000, 0.8000])]
    """
    require_numbers_in("[0, inf]", "clip_by_global_norm", max_norm=max_norm)

    def shorten(grads):
        factor = (max_norm / global_norm(grads)).clamp(max=1)
        return leafwise(lambda g, factor: g * factor, grads, factor=factor)

    return stateless(shorten)


def global_norm(updates: Tensors) -> torch.Tensor:
    """The Euclidean norm of all tensors together, √(Σ|g|²): `nn.utils.get_total_norm`.

    It has no gradient of its own, which that of `jaxnn` has.

    Args:
      updates: g, a list of tensors.

    Example:
      >>> global_norm([torch.tensor([3.0, 0.0]), torch.tensor([4.0])])
      tensor(5.)
    """
    return get_total_norm([g for g in updates if g is not None])
