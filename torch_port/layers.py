"""Layers: PyTorch's modules with `jaxnn`'s arguments; how they are put together: `combinators`.

Sizes are explicit, the batch is the first axis, features are the last. Whether a layer trains is
the module's mode, `module.train()` or `module.eval()`; masks come from PyTorch's global generator.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Generator, Tensor, nn

from torch_port import checks
from torch_port.combinators import Branches as Branches
from torch_port.combinators import Residual as Residual
from torch_port.combinators import Serial as Serial
from torch_port.combinators import intermediates as intermediates
from torch_port.combinators import map_layers as map_layers
from torch_port.combinators import summary as summary
from torch_port.initializers import Initializer, torch_linear, torch_linear_bias
from torch_port.normalization import BatchNorm as BatchNorm
from torch_port.normalization import LayerNorm as LayerNorm
from torch_port.normalization import NormalizeImages as NormalizeImages


class Dense(nn.Linear):
    """A fully connected layer: y = x · weightᵀ + bias.

    With the default arguments it starts from the same numbers as `nn.Linear` does at the same seed.

    Args:
      in_size: features of x.
      out_size: features of y.
      use_bias: False leaves the bias out.
      kernel_init: of the weight `(out_size, in_size)`; by default uniform in ±1/√in_size.
      bias_init: of the bias `(out_size,)`; by default uniform in ±1/√in_size.
      generator: what the initial values are drawn from; None is PyTorch's global generator.

    Raises:
      ValueError: on sizes below 1; in `forward`, on a last axis or a dtype that does not fit.

    Example:
      >>> Dense(3, 2)(torch.ones(5, 3)).shape
      torch.Size([5, 2])
    """

    def __init__(
        self,
        in_size: int,
        out_size: int,
        *,
        use_bias: bool = True,
        kernel_init: Initializer = torch_linear,
        bias_init: Initializer | None = None,
        generator: Generator | None = None,
    ):
        checks.require_positive_integer(in_size, "dense: in_size")
        checks.require_positive_integer(out_size, "dense: out_size")
        bias_init = bias_init or torch_linear_bias(in_size)
        dtype = torch.get_default_dtype()
        super().__init__(in_size, out_size, bias=use_bias, device="meta")  # which draws nothing
        self.weight = nn.Parameter(kernel_init(generator, (out_size, in_size), dtype))
        if use_bias:
            self.bias = nn.Parameter(bias_init(generator, (out_size,), dtype))

    def forward(self, input: Tensor) -> Tensor:
        checks.require_input("dense", input, self.weight.dtype, self.in_features)
        return super().forward(input)


class Dropout(nn.Dropout):
    """While training, drops values with probability `rate` and scales the rest by 1/(1 − rate).

    Args:
      rate: the probability to drop, in [0, 1).

    Raises:
      ValueError: on a rate outside [0, 1).

    Example:
      >>> _ = torch.manual_seed(0)
      >>> sorted(set(Dropout(0.5)(torch.ones(100)).tolist()))
      [0.0, 2.0]
    """

    def __init__(self, rate: float):
        checks.require_in("[0, 1)", rate, "dropout: rate")
        super().__init__(rate)


def keep_mask(generator: Generator | None, rate: float, shape: Sequence[int]) -> Tensor:
    """Draws a dropout mask: True, "keep", with probability 1 − rate.

    Args:
      generator: to draw from; None is PyTorch's global generator.
      rate: the probability to drop, in [0, 1).
      shape: of the values to be dropped.

    Example:
      >>> round(keep_mask(None, 0.2, (100_000,)).float().mean().item(), 1)
      0.8
    """
    checks.require_in("[0, 1)", rate, "keep_mask: rate")
    return torch.rand(shape, generator=generator, dtype=torch.float32) >= rate


def apply_mask(x: Tensor, mask: Tensor, rate: float) -> Tensor:
    """Applies a dropout mask: x/(1 − rate) where the mask is True, else 0.

    Args:
      x: values of any shape.
      mask: booleans of the same shape.
      rate: the rate that the mask was drawn with.

    Example:
      >>> apply_mask(torch.tensor([1.0, 1.0]), torch.tensor([True, False]), 0.5)
      tensor([2., 0.])
    """
    checks.require_in("[0, 1)", rate, "apply_mask: rate")
    checks.require_tensor("apply_mask", "x", x)
    checks.require_tensor("apply_mask", "mask", mask)
    if not x.is_floating_point() or mask.shape != x.shape:
        raise ValueError(
            f"apply_mask: x must be floating and mask of its shape, got {x.dtype} of shape "
            f"{tuple(x.shape)} and shape {tuple(mask.shape)}"
        )
    return torch.where(mask, x / (1 - rate), 0)


class Flatten(nn.Flatten):
    """Makes one axis of all axes but the first: `(batch, height, width)` to `(batch, features)`.

    Example:
      >>> Flatten()(torch.zeros(5, 28, 28)).shape
      torch.Size([5, 784])
    """

    def __init__(self):
        super().__init__()


class Activation(nn.Module):
    """Applies a function to every value, or for softmax to every row; named after the function.

    Args:
      function: from a tensor to one of the same shape.

    Example:
      >>> from torch_port.activations import relu
      >>> Activation(relu), Activation(relu)(torch.tensor([-1.0, 2.0]))
      (relu(), tensor([0., 2.]))
    """

    def __init__(self, function: Callable[[Tensor], Tensor]):
        checks.require_function(function, "activation: function")
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def _get_name(self) -> str:  # what `repr` and the paths of `intermediates` show
        function = self.function
        unwrapped = function.func if isinstance(function, partial) else function
        return getattr(unwrapped, "__name__", "activation")
