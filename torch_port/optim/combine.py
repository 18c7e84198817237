"""Transformations made of transformations: one after another, or on some of the tensors only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch_port.optim.leaves import Tensors, require_same_length


class GradientTransformation(NamedTuple):
    """How gradients become updates: a pair of functions over lists of tensors.

    Attributes:
      init: `init(params) -> state`.
      update: `update(grads, state, params=None) -> (updates, state)`; `apply_updates` adds them.
    """

    init: Callable[[Tensors], Any]
    update: Callable[..., tuple[Tensors, Any]]


class EmptyState(NamedTuple):
    """The state of a transformation that keeps nothing."""


class MaskedState(NamedTuple):
    """The state of the masked transformation, with None for the tensors that it does not see."""

    inner_state: Any


def identity() -> GradientTransformation:
    """Leaves the gradients as they are.

    Example:
      >>> import torch
      >>> nothing = identity()
      >>> nothing.update([torch.tensor(2.0)], nothing.init([torch.tensor(1.0)]))
      ([tensor(2.)], EmptyState())
    """
    return stateless(lambda grads: grads)


def stateless(f: Callable[[Tensors], Tensors]) -> GradientTransformation:
    """A transformation that is one function of the gradients."""
    return GradientTransformation(
        lambda params: EmptyState(), lambda grads, state, params=None: (f(grads), state)
    )


def chain(*transformations: GradientTransformation) -> GradientTransformation:
    """Applies one transformation after another; the state is the tuple of the members' states.

    Args:
      *transformations: any objects with `init` and `update`.

    Example:
      >>> import torch
      >>> from torch_port import optim
      >>> optimizer = optim.chain(optim.clip(1.0), optim.scale(-0.5))
      >>> grads = [torch.tensor([0.5, 3.0])]
      >>> optimizer.update(grads, optimizer.init(grads))[0]
      [tensor([-0.2500, -0.5000])]
    """
    for member in transformations:
        _require_transformation("chain", member)

    def init(params):
        return tuple(member.init(params) for member in transformations)

    def update(grads, state, params=None):
        if len(state) != len(transformations):
            raise ValueError(
                f"chain: a state of {len(transformations)} members expected, got {len(state)}"
            )
        new_state = []
        for member, member_state in zip(transformations, state, strict=True):
            grads, member_state = member.update(grads, member_state, params)
            new_state.append(member_state)
        return grads, tuple(new_state)

    return GradientTransformation(init, update)


def masked(
    inner: GradientTransformation, mask: list[bool] | Callable[[Tensors], list[bool]]
) -> GradientTransformation:
    """Applies a transformation to some of the tensors, and leaves the other gradients as they are.

    PyTorch's own way to treat some parameters differently is a parameter group.

    Args:
      inner: the transformation; it sees None for each hidden tensor.
      mask: True where `inner` applies, one boolean for each tensor, or a function of the list.

    Example:
      >>> import torch
      >>> from torch_port import optim
      >>> matrices_only = lambda params: [p.ndim > 1 for p in params]
      >>> decay = optim.masked(optim.add_decayed_weights(0.1), matrices_only)
      >>> params, grads = [torch.ones(1, 2), torch.ones(2)], [torch.zeros(1, 2), torch.zeros(2)]
      >>> decay.update(grads, decay.init(params), params)[0]
      [tensor([[0.1000, 0.1000]]), tensor([0., 0.])]
    """
    _require_transformation("masked", inner)
    mask_of = lambda tensors: mask(tensors) if callable(mask) else mask

    def init(params):
        return MaskedState(inner.init(_hide(mask_of(params), params)))

    def update(grads, state, params=None):
        chosen = mask_of(grads)
        hidden_params = None if params is None else _hide(chosen, params)
        updates, inner_state = inner.update(_hide(chosen, grads), state.inner_state, hidden_params)
        put_back = [u if m else g for m, u, g in zip(chosen, updates, grads, strict=True)]
        return put_back, MaskedState(inner_state)

    return GradientTransformation(init, update)


def _hide(mask: list[bool], tensors: Tensors) -> Tensors:
    require_same_length("masked: tensors like the mask", mask, tensors)
    return [tensor if m else None for m, tensor in zip(mask, tensors, strict=True)]


def _require_transformation(name: str, member: Any) -> None:
    if not (hasattr(member, "init") and hasattr(member, "update")):
        raise TypeError(f"{name}: a transformation with init and update expected, got {member!r}")
