"""Initial values of parameters: `initializer(key, shape, dtype=float32) -> array`, as JAX's own.

The dtype is floating, and no size is 0. A kernel has shape (in, out), or (..., in, out), where the
leading sizes multiply both. What needs no settings is passed as it is, `kernel_init=he_normal`;
what has settings is made by a call, `kernel_init=normal(0.01)`. The same key gives the same bits,
and they are those of the namesake in `jax.nn.initializers`, except for `uniform`.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxnn import checks
from jaxnn.typing import Initializer, Key


def _require(name: str, shape: tuple[int, ...], dtype: Any, *, min_rank: int = 0) -> None:
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"{name}: expected a floating dtype, got {jnp.dtype(dtype)}")
    if any(size < 1 for size in shape):
        raise ValueError(f"{name}: expected sizes of at least 1, got shape {tuple(shape)}")
    if len(shape) < min_rank:
        raise ValueError(f"{name}: expected a shape (..., in, out), got {tuple(shape)}")


def _made(name: str, draw: Callable[..., Array]) -> Initializer:
    """An initialiser with its checks, and with a name for summaries."""

    def initializer(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
        _require(name, shape, dtype)
        return draw(key, shape, dtype)

    initializer.__name__ = name
    return initializer


def _scaled(name: str, key: Key, shape: tuple[int, ...], dtype: Any) -> Array:
    _require(name, shape, dtype, min_rank=2)
    return getattr(jax.nn.initializers, name)()(key, shape, dtype)


def zeros(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """All 0: right for a bias, while a kernel of zeros makes all neurons of a layer alike.

    Args:
      key: a key, not used.
      shape: any; a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Example:
      >>> zeros(jax.random.key(0), (2,))
      Array([0., 0.], dtype=float32)
    """
    _require("zeros", shape, dtype)
    return jnp.zeros(shape, dtype)


def constant(value: float) -> Initializer:
    """All the same value.

    Args:
      value: any finite number.

    Example:
      >>> constant(0.5)(jax.random.key(0), (2,))
      Array([0.5, 0.5], dtype=float32)
    """
    checks.require_in("(-inf, inf)", value, "constant: value")
    return _made(f"constant({value})", jax.nn.initializers.constant(value))


def normal(std: float) -> Initializer:
    """Normal with mean 0: w ~ N(0, std²).

    Args:
      std: the standard deviation, at least 0, else a `ValueError`.

    Returns:
      An initialiser for any shape.

    Example:
      >>> normal(0.01).__name__
      'normal(0.01)'
    """
    checks.require_in("[0, inf)", std, "normal: std")
    exact = jax.lax.optimization_barrier  # else XLA folds std into the draw, and rounds otherwise
    draw = lambda *given: exact(jax.random.normal(*given)) * jnp.array(std, given[-1])
    return _made(f"normal({std})", draw)


def truncated_normal(std: float) -> Initializer:
    """Normal with mean 0, drawn again where it lies beyond two standard deviations: |w| ≤ 2 std.

    Args:
      std: of the whole normal, at least 0, else a `ValueError`; that of the values is 0.8796 std.

    Returns:
      An initialiser for any shape.

    Example:
      >>> bool(jnp.abs(truncated_normal(0.01)(jax.random.key(0), (1000,))).max() <= 0.02)
      True
    """
    checks.require_in("[0, inf)", std, "truncated_normal: std")
    return _made(f"truncated_normal({std})", jax.nn.initializers.truncated_normal(std))


def uniform(bound: float) -> Initializer:
    """Uniform around 0: w ~ U(−bound, bound). JAX's `uniform(scale)` draws from [0, scale).

    Args:
      bound: at least 0, else a `ValueError`.

    Returns:
      An initialiser for any shape.

    Example:
      >>> bool(jnp.abs(uniform(0.1)(jax.random.key(0), (1000,))).max() <= 0.1)
      True
    """
    checks.require_in("[0, inf)", bound, "uniform: bound")
    draw = lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, -bound, bound)
    return _made(f"uniform({bound})", draw)


def lecun_normal(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Truncated normal of standard deviation σ = √(1/in), which keeps a linear layer's variance.

    Drawn as `truncated_normal(σ / 0.8796)`: the standard deviation of the values is σ itself.

    Args:
      key: a key.
      shape: (..., in, out); a lower rank or a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Reference:
      LeCun, Bottou, Orr and Müller, Efficient BackProp (1998), section 4.6.

    Example:
      >>> print(f"{lecun_normal(jax.random.key(0), (400, 400)).std():.3f}")
      0.050
    """
    return _scaled("lecun_normal", key, shape, dtype)


def lecun_uniform(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Uniform, of `lecun_normal`'s standard deviation: w ~ U(−√(3/in), √(3/in)).

    Args:
      key: a key.
      shape: (..., in, out); a lower rank or a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Example:
      >>> print(f"{lecun_uniform(jax.random.key(0), (300, 300)).max():.3f}")
      0.100
    """
    return _scaled("lecun_uniform", key, shape, dtype)


def glorot_normal(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Truncated normal of standard deviation σ = √(2/(in + out)), for tanh.

    Truncated as `lecun_normal`; PyTorch's `xavier_normal_` is a plain normal of the same σ.

    Args:
      key: a key.
      shape: (..., in, out); a lower rank or a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Reference:
      Glorot and Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks
      (2010), equation 12.

    Example:
      >>> print(f"{glorot_normal(jax.random.key(0), (400, 400)).std():.3f}")
      0.050
    """
    return _scaled("glorot_normal", key, shape, dtype)


def glorot_uniform(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Uniform of standard deviation √(2/(in + out)): w ~ U(−√(6/(in + out)), √(6/(in + out))).

    Args:
      key: a key.
      shape: (..., in, out); a lower rank or a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Reference:
      As for `glorot_normal`; equation 16.

    Example:
      >>> print(f"{glorot_uniform(jax.random.key(0), (300, 300)).max():.3f}")
      0.100
    """
    return _scaled("glorot_uniform", key, shape, dtype)


def he_normal(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Truncated normal of standard deviation σ = √(2/in), for relu.

    Truncated as `lecun_normal`; PyTorch's `kaiming_normal_` is a plain normal of the same σ.

    Args:
      key: a key.
      shape: (..., in, out); a lower rank or a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Reference:
      He, Zhang, Ren and Sun, Delving Deep into Rectifiers (2015), section 2.2.

    Example:
      >>> print(f"{he_normal(jax.random.key(0), (400, 400)).std():.3f}")
      0.071
    """
    return _scaled("he_normal", key, shape, dtype)


def he_uniform(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Uniform, of `he_normal`'s standard deviation: w ~ U(−√(6/in), √(6/in)).

    Args:
      key: a key.
      shape: (..., in, out); a lower rank or a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Example:
      >>> print(f"{he_uniform(jax.random.key(0), (300, 300)).max():.3f}")
      0.141
    """
    return _scaled("he_uniform", key, shape, dtype)


def orthogonal(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """Uniform among matrices W with W Wᵀ = I, or WᵀW = I where there are more rows than columns.

    Args:
      key: a key.
      shape: (..., in, out), a matrix of out columns; a lower rank or a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Reference:
      Saxe, McClelland and Ganguli, Exact Solutions to the Nonlinear Dynamics of Learning in Deep
      Linear Neural Networks (2014).

    Example:
      >>> kernel = orthogonal(jax.random.key(0), (2, 2))
      >>> bool(jnp.allclose(kernel @ kernel.T, jnp.eye(2), atol=1e-6))
      True
    """
    _require("orthogonal", shape, dtype, min_rank=2)
    wide = jnp.float32 if jnp.dtype(dtype).itemsize < 4 else dtype  # what a decomposition takes
    return jax.nn.initializers.orthogonal()(key, shape, wide).astype(dtype)


def torch_linear(key: Key, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """What PyTorch's `Linear` starts from: w ~ U(−1/√in, 1/√in).

    Args:
      key: a key.
      shape: (..., in, out); a lower rank or a size of 0 is a `ValueError`.
      dtype: of the result; one that is not floating is a `TypeError`.

    Returns:
      An array of that shape and dtype.

    Example:
      >>> print(f"{torch_linear(jax.random.key(0), (100, 900)).max():.3f}")
      0.100
    """
    _require("torch_linear", shape, dtype, min_rank=2)
    return uniform(1 / math.sqrt(math.prod(shape[:-1])))(key, shape, dtype)


def torch_linear_bias(in_size: int) -> Initializer:
    """What PyTorch's `Linear` starts its bias from: b ~ U(−1/√in, 1/√in).

    Args:
      in_size: in, the layer's number of inputs, which the bias's own shape does not tell.

    Returns:
      An initialiser for any shape.

    Example:
      >>> print(f"{torch_linear_bias(100)(jax.random.key(0), (900,)).max():.3f}")
      0.100
    """
    checks.require_positive_integer(in_size, "torch_linear_bias: in_size")
    return _made(f"torch_linear_bias({in_size})", uniform(1 / math.sqrt(in_size)))
