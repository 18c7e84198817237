"""Initial values of parameters: `initializer(generator, shape, dtype=torch.float32) -> tensor`.

Each draws with `torch.nn.init`. A weight has PyTorch's shape (out, in), or (out, in, ...), where
the sizes that follow multiply both. `generator` is a `torch.Generator`, or None for PyTorch's
global one. The distributions are those of `jaxnn`; the numbers that one seed gives are not. What
needs no settings is passed as it is, `kernel_init=he_normal`; what has settings is made by a call,
`kernel_init=normal(0.01)`.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Generator, Tensor
from torch.nn import init

from torch_port import checks

Initializer: TypeAlias = Callable[..., Tensor]
"""`initializer(generator, shape, dtype=torch.float32) -> tensor`."""

STD_OF_TRUNCATED = 0.87962566103423978
"""The standard deviation of a standard normal that is cut off at ±2."""


def _require(name: str, shape: tuple[int, ...], dtype: torch.dtype, *, min_rank: int = 0) -> None:
    if not dtype.is_floating_point:
        raise TypeError(f"{name}: expected a floating dtype, got {dtype}")
    if any(size < 1 for size in shape):
        raise ValueError(f"{name}: expected sizes of at least 1, got shape {tuple(shape)}")
    if len(shape) < min_rank:
        raise ValueError(f"{name}: expected a shape (out, in, ...), got {tuple(shape)}")


def _made(name: str, fill: Callable[[Tensor, Generator | None], Tensor]) -> Initializer:
    """An initialiser from a function that fills a tensor, with checks, and a name for summaries."""

    def initializer(
        generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
    ) -> Tensor:
        _require(name, shape, dtype)
        return fill(torch.empty(shape, dtype=dtype), generator)

    initializer.__name__ = name
    return initializer


def _fan_in(shape: tuple[int, ...]) -> int:
    return _fans(shape)[0]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input."""
    out_size, in_size, *field = shape
    return in_size * math.prod(field), out_size * math.prod(field)


def _truncated(std: float) -> Initializer:
    """A truncated normal whose values have that standard deviation."""
    return truncated_normal(std / STD_OF_TRUNCATED)


def zeros(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """All 0: right for a bias, while a weight of zeros makes all neurons of a layer alike.

    Args:
      generator: not used.
      shape: any.
      dtype: of the result.

    Example:
      >>> zeros(None, (2,))
      tensor([0., 0.])
    """
    _require("zeros", shape, dtype)
    return init.zeros_(torch.empty(shape, dtype=dtype))


def constant(value: float) -> Initializer:
    """All the same value.

    Args:
      value: any number.

    Example:
      >>> constant(0.5)(None, (2,))
      tensor([0.5000, 0.5000])
    """
    checks.require_in("(-inf, inf)", value, "constant: value")
    return _made(f"constant({value})", lambda tensor, _: init.constant_(tensor, value))


def normal(std: float) -> Initializer:
    """Normal with mean 0: w ~ N(0, std²).

    Args:
      std: the standard deviation, at least 0.

    Example:
      >>> normal(0.01).__name__
      'normal(0.01)'
    """
    checks.require_in("[0, inf)", std, "normal: std")
    fill = lambda tensor, generator: init.normal_(tensor, std=std, generator=generator)
    return _made(f"normal({std})", fill)


def truncated_normal(std: float) -> Initializer:
    """Normal with mean 0, drawn again where it lies beyond two standard deviations: |w| ≤ 2 std.

    PyTorch's `trunc_normal_(std=std)` cuts off at ±2, whatever the standard deviation.

    Args:
      std: of the whole normal, at least 0; that of the values is 0.8796 std.

    Example:
      >>> bool(truncated_normal(0.01)(None, (1000,)).abs().max() <= 0.02)
      True
    """
    checks.require_in("[0, inf)", std, "truncated_normal: std")
    fill = lambda tensor, generator: init.trunc_normal_(tensor, generator=generator).mul_(std)
    return _made(f"truncated_normal({std})", fill)


def uniform(bound: float) -> Initializer:
    """Uniform around 0: w ~ U(−bound, bound). PyTorch's `uniform_` draws from [0, 1) unless told.

    Args:
      bound: at least 0.

    Example:
      >>> bool(uniform(0.1)(None, (1000,)).abs().max() <= 0.1)
      True
    """
    checks.require_in("[0, inf)", bound, "uniform: bound")
    fill = lambda tensor, generator: init.uniform_(tensor, -bound, bound, generator)
    return _made(f"uniform({bound})", fill)


def lecun_normal(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Truncated normal of standard deviation σ = √(1/in); PyTorch has none of that name.

    Drawn as `truncated_normal(σ / 0.8796)`: the standard deviation of the values is σ itself.

    Args:
      generator: to draw from.
      shape: (out, in, ...).
      dtype: of the result.

    Example:
      >>> print(f"{lecun_normal(None, (400, 400)).std():.3f}")
      0.050
    """
    _require("lecun_normal", shape, dtype, min_rank=2)
    return _truncated(math.sqrt(1 / _fan_in(shape)))(generator, shape, dtype)


def lecun_uniform(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Uniform, of `lecun_normal`'s standard deviation: w ~ U(−√(3/in), √(3/in)).

    Args:
      generator: to draw from.
      shape: (out, in, ...).
      dtype: of the result.

    Example:
      >>> print(f"{lecun_uniform(None, (300, 300)).max():.3f}")
      0.100
    """
    _require("lecun_uniform", shape, dtype, min_rank=2)
    return uniform(math.sqrt(3 / _fan_in(shape)))(generator, shape, dtype)


def glorot_normal(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Truncated normal of standard deviation σ = √(2/(in + out)), for tanh.

    Truncated as `lecun_normal`; PyTorch's `xavier_normal_` is a plain normal of the same σ.

    Args:
      generator: to draw from.
      shape: (out, in, ...).
      dtype: of the result.

    Example:
      >>> print(f"{glorot_normal(None, (400, 400)).std():.3f}")
      0.050
    """
    _require("glorot_normal", shape, dtype, min_rank=2)
    return _truncated(math.sqrt(2 / sum(_fans(shape))))(generator, shape, dtype)


def glorot_uniform(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """PyTorch's `xavier_uniform_`: w ~ U(−√(6/(in + out)), √(6/(in + out))).

    Args:
      generator: to draw from.
      shape: (out, in, ...).
      dtype: of the result.

    Example:
      >>> print(f"{glorot_uniform(None, (300, 300)).max():.3f}")
      0.100
    """
    _require("glorot_uniform", shape, dtype, min_rank=2)
    return init.xavier_uniform_(torch.empty(shape, dtype=dtype), generator=generator)


def he_normal(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Truncated normal of standard deviation σ = √(2/in), for relu.

    Truncated as `lecun_normal`; PyTorch's `kaiming_normal_` is a plain normal of the same σ.

    Args:
      generator: to draw from.
      shape: (out, in, ...).
      dtype: of the result.

    Example:
      >>> print(f"{he_normal(None, (400, 400)).std():.3f}")
      0.071
    """
    _require("he_normal", shape, dtype, min_rank=2)
    return _truncated(math.sqrt(2 / _fan_in(shape)))(generator, shape, dtype)


def he_uniform(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """PyTorch's `kaiming_uniform_`: w ~ U(−√(6/in), √(6/in)).

    Args:
      generator: to draw from.
      shape: (out, in, ...).
      dtype: of the result.

    Example:
      >>> print(f"{he_uniform(None, (300, 300)).max():.3f}")
      0.141
    """
    _require("he_uniform", shape, dtype, min_rank=2)
    return init.kaiming_uniform_(torch.empty(shape, dtype=dtype), generator=generator)


def orthogonal(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """PyTorch's `orthogonal_`: uniform among matrices W with W Wᵀ = I, or WᵀW = I where out > in.

    Args:
      generator: to draw from.
      shape: (out, in, ...), a matrix of `out` rows.
      dtype: of the result.

    Example:
      >>> weight = orthogonal(None, (2, 2))
      >>> torch.allclose(weight @ weight.T, torch.eye(2), atol=1e-6)
      True
    """
    _require("orthogonal", shape, dtype, min_rank=2)
    return init.orthogonal_(torch.empty(shape, dtype=dtype), generator=generator)


def torch_linear(
    generator: Generator | None, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> Tensor:
    """What `nn.Linear.reset_parameters` draws: w ~ U(−1/√in, 1/√in).

    It writes this bound as `kaiming_uniform_` with a = √5, where √(6 / ((1 + a²) in)) = 1/√in.

    Args:
      generator: to draw from.
      shape: (out, in, ...).
      dtype: of the result.

    Example:
      >>> print(f"{torch_linear(None, (900, 100)).max():.3f}")
      0.100
    """
    _require("torch_linear", shape, dtype, min_rank=2)
    weight = torch.empty(shape, dtype=dtype)
    return init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)


def torch_linear_bias(in_size: int) -> Initializer:
    """What `nn.Linear.reset_parameters` draws for the bias: b ~ U(−1/√in, 1/√in).

    Args:
      in_size: in, the layer's number of inputs, which the bias's own shape does not tell.

    Example:
      >>> print(f"{torch_linear_bias(100)(None, (900,)).max():.3f}")
      0.100
    """
    checks.require_positive_integer(in_size, "torch_linear_bias: in_size")
    bound = 1 / math.sqrt(in_size)
    fill = lambda tensor, generator: init.uniform_(tensor, -bound, bound, generator)
    return _made(f"torch_linear_bias({in_size})", fill)
