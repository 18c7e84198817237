"""Dropout masks of one framework put into the other, so that both drop the same values."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import jax
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from jaxnn.combinators import map_layers
from jaxnn.layers import keep_mask
from jaxnn.typing import Key, Layer, Params, State
from torch_port.convert.parameters import to_tensor
from torch_port.layers import apply_mask


def dropout_masks(
    model: Layer, params: Params, state: State, x: jax.Array, *, key: Key
) -> dict[str, jax.Array]:
    """The masks that a `jaxnn` model draws in training from a key.

    Args:
      model: a layer.
      params: its parameters.
      state: its state.
      x: its input; the masks have the shapes of what reaches the dropout layers.
      key: the key that `model.apply` is given.

    Returns:
      Booleans, True for "keep", by the paths of the dropout layers, in the order of their use.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import layers
      >>> model = layers.serial(layers.dense(4, 3), layers.dropout(0.5))
      >>> params, state = model.init(jax.random.key(0))
      >>> masks = dropout_masks(model, params, state, jnp.ones((2, 4)), key=jax.random.key(1))
      >>> {path: mask.shape for path, mask in masks.items()}
      {'1/dropout': (2, 3)}
    """
    masks = {}

    def recording(path, leaf):
        def apply(params, state, x, *, key: Any = None, train=False):
            masks[path] = keep_mask(key, leaf.settings["rate"], x.shape)
            return leaf.apply(params, state, x, key=key, train=train)

        return replace(leaf, apply=apply) if leaf.name == "dropout" else leaf

    map_layers(recording, model).apply(params, state, x, key=key, train=True)
    return masks


@contextmanager
def with_masks(
    module: torch.nn.Module, masks: Mapping[str, Any] | Iterable[Any]
) -> Iterator[torch.nn.Module]:
    """While the context lasts, a module in training drops by given masks instead of drawing.

    Every forward pass takes the masks from the first on, one for each dropout that it computes,
    be it a layer or a call of `torch.nn.functional.dropout`.

    Args:
      module: any PyTorch module.
      masks: booleans, True for "keep", in the order of use, as `dropout_masks` gives them.

    Raises:
      ValueError: a mask is missing, left over, or of another shape than the values.

    Example:
      >>> module = torch.nn.Dropout(0.5)
      >>> with with_masks(module, [[True, False]]):
      ...     module(torch.ones(2))
      tensor([2., 0.])
    """
    values = masks.values() if isinstance(masks, Mapping) else masks
    tensors = [to_tensor("mask", mask) for mask in values]
    entered: list[tuple[_InOrder, MasksInstead]] = []

    def enter(module, inputs):
        in_order = _InOrder(tensors)
        entered.append((in_order, MasksInstead(in_order)))
        entered[-1][1].__enter__()

    def leave(module, inputs, output):
        in_order, mode = entered.pop()
        mode.__exit__(None, None, None)
        if output is not None and module.training:
            in_order.require_all_used()

    hooks = [
        module.register_forward_pre_hook(enter),
        module.register_forward_hook(leave, always_call=True),
    ]
    try:
        yield module
    finally:
        for hook in hooks:
            hook.remove()


class MasksInstead(TorchFunctionMode):
    """Answers every dropout in training with `mask_of(shape, rate)` instead of a draw.

    Example:
      >>> with MasksInstead(lambda shape, rate: torch.tensor([True, False])):
      ...     functional.dropout(torch.ones(2), 0.5)
      tensor([2., 0.])
    """

    def __init__(self, mask_of: Callable[[torch.Size, float], torch.Tensor]):
        super().__init__()
        self.mask_of = mask_of

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is functional.dropout:
            return self.drop(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def drop(self, x, p=0.5, training=True, inplace=False):
        return dropped(x, self.mask_of(x.shape, p), p) if training else x


def dropped(x: torch.Tensor, mask: torch.Tensor, rate: float) -> torch.Tensor:
    """What PyTorch's dropout makes of a mask: its rate may be 1, which leaves nothing.

    Example:
      >>> dropped(torch.ones(2), torch.tensor([False, False]), 1.0)
      tensor([0., 0.])
    """
    return apply_mask(x, mask, rate) if rate < 1 else 0 * x


class _InOrder:
    """Gives one mask after the other, each of the shape that is asked for."""

    def __init__(self, masks: list[torch.Tensor]):
        self.masks = masks
        self.used = 0

    def __call__(self, shape: torch.Size, rate: float) -> torch.Tensor:
        if self.used == len(self.masks):
            raise ValueError(f"with_masks: expected a mask for each dropout, got {self.used}")
        mask = self.masks[self.used]
        self.used += 1
        if mask.shape != shape:
            expected, came = tuple(shape), tuple(mask.shape)
            raise ValueError(f"with_masks: mask {self.used} must be {expected}, got {came}")
        return mask

    def require_all_used(self) -> None:
        if self.used < len(self.masks):
            raise ValueError(
                f"with_masks: the module dropped {self.used} times, got {len(self.masks)} masks"
            )
