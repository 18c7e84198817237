"""Layers that bring values to a common scale: over the batch, over the features, of raw images."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxnn import checks
from jaxnn.checks import LayerError
from jaxnn.optim.averages import next_count
from jaxnn.typing import Layer


def batch_norm(size: int, *, momentum: float = 0.1, epsilon: float = 1e-5) -> Layer:
    """Normalises each feature over the batch: y = scale (x − μ)/√(σ² + ε) + bias.

    While training, μ and σ² are the mean and the biased variance over all axes but the last, and
    the running values move towards the mean and the unbiased variance:

        running ← (1 − momentum) · running + momentum · new

    Otherwise μ and σ² are the running values.

    Args:
      size: features of x.
      momentum: weight of the new value, in [0, 1] (Flax's is the weight of the old one).
      epsilon: ε > 0, added to the variance.

    Returns:
      A layer on `(batch, ..., size)`; params `scale`, `bias`; state `mean`, `var`, and `count`, the
      number of training steps seen.

    Raises:
      ValueError: on settings outside their range; when applied, on a last axis or a dtype that does
        not fit, or on a single value per feature while training, whose variance is undefined.

    Reference:
      Ioffe and Szegedy, Batch Normalization (2015), algorithms 1 and 2.

    Example:
      >>> layer = batch_norm(1)
      >>> params, state = layer.init(jax.random.key(0))
      >>> y, state = layer.apply(params, state, jnp.array([[0.0], [2.0]]), train=True)
      >>> y.ravel(), state["mean"], state["var"]
      (Array([-0.999995,  0.999995], dtype=float32), Array([0.1], dtype=float32),
       Array([1.1], dtype=float32))
    """
    checks.require_positive_integer(size, "batch_norm: size")
    checks.require_in("[0, 1]", momentum, "batch_norm: momentum")
    checks.require_in("(0, inf)", epsilon, "batch_norm: epsilon")

    def init(key, dtype=jnp.float32):
        params = {"scale": jnp.ones(size, dtype), "bias": jnp.zeros(size, dtype)}
        state = {"mean": jnp.zeros(size, dtype), "var": jnp.ones(size, dtype)}
        return params, state | {"count": jnp.zeros((), jnp.int32)}

    def apply(params, state, x, *, key=None, train=False):
        checks.require_input("batch_norm", x, params["scale"].dtype, size)
        if not train:
            centred = x - _across(state["mean"], x)
            return _scale_and_shift(params, centred, state["var"], epsilon), state
        n = x.size // size
        if n < 2:
            expected = "training needs more than one value per feature"
            raise LayerError("batch_norm", f"{expected}, got shape {x.shape}")
        axes = tuple(range(x.ndim - 1))
        mean, centred = _centre(x, axes)
        var = jnp.mean(jnp.square(centred), axes)
        m = jnp.asarray(momentum, x.dtype)
        new_state = {
            "mean": (1 - m) * state["mean"] + m * mean.reshape(size),
            "var": (1 - m) * state["var"] + m * var * (n / (n - 1)),
            "count": next_count(state["count"]),
        }
        return _scale_and_shift(params, centred, var, epsilon), new_state

    settings = {"size": size, "momentum": momentum, "epsilon": epsilon}
    return Layer("batch_norm", init, apply, settings=settings)


def layer_norm(size: int, *, epsilon: float = 1e-5) -> Layer:
    """Normalises each example over its features: y = scale (x − μ)/√(σ² + ε) + bias.

    μ and σ² are the mean and the biased variance over the last axis.

    Args:
      size: features of x.
      epsilon: ε > 0, added to the variance.

    Returns:
      A layer on `(batch, ..., size)`; params `scale`, `bias`.

    Raises:
      ValueError: on settings outside their range; when applied, on a last axis or a dtype that does
        not fit.

    Reference:
      Ba, Kiros and Hinton, Layer Normalization (2016), equation 4.

    Example:
      >>> layer = layer_norm(2)
      >>> layer.apply(*layer.init(jax.random.key(0)), jnp.array([[1.0, 3.0]]))[0]
      Array([[-0.999995,  0.999995]], dtype=float32)
    """
    checks.require_positive_integer(size, "layer_norm: size")
    checks.require_in("(0, inf)", epsilon, "layer_norm: epsilon")

    def init(key, dtype=jnp.float32):
        return {"scale": jnp.ones(size, dtype), "bias": jnp.zeros(size, dtype)}, {}

    def apply(params, state, x, *, key=None, train=False):
        checks.require_input("layer_norm", x, params["scale"].dtype, size)
        _, centred = _centre(x, -1)
        var = jnp.mean(jnp.square(centred), -1, keepdims=True)
        return _scale_and_shift(params, centred, var, epsilon), state

    return Layer("layer_norm", init, apply, settings={"size": size, "epsilon": epsilon})


def normalize_images(mean: float | Sequence[float], std: float | Sequence[float]) -> Layer:
    """Brings raw images to the scale that a network was made for: (x/255 − mean)/std.

    Args:
      mean: of pixels in [0, 1]: one number, or one per channel (the last axis).
      std: their standard deviation > 0, likewise.

    Returns:
      A layer on uint8 images, or on float images already in [0, 1]. `mean` and `std` are kept in
      its state, so that a saved model carries them and the dtype to compute in.

    Raises:
      ValueError: on a std that is not positive, or unequal numbers of channels; when applied, on
        images of another dtype or number of channels.

    Example:
      >>> layer = normalize_images(0.5, 0.5)
      >>> layer.apply(*layer.init(jax.random.key(0)), jnp.array([[0, 255]], jnp.uint8))[0]
      Array([[-1.,  1.]], dtype=float32)
    """
    for value in std if isinstance(std, Sequence) else [std]:
        checks.require_in("(0, inf)", value, "normalize_images: std")
    for value in mean if isinstance(mean, Sequence) else [mean]:
        checks.require_in("(-inf, inf)", value, "normalize_images: mean")
    channels = {len(value) for value in (mean, std) if isinstance(value, Sequence)}
    if len(channels) > 1:
        raise ValueError(
            f"normalize_images: mean and std must have as many channels, got {mean} and {std}"
        )

    def init(key, dtype=jnp.float32):
        return {}, {"mean": jnp.array(mean, dtype), "std": jnp.array(std, dtype)}

    def apply(params, state, x, *, key=None, train=False):
        dtype = state["mean"].dtype
        if x.dtype == jnp.uint8:
            x = x.astype(dtype) / 255
        elif x.dtype != dtype:
            raise LayerError("normalize_images", f"images must be uint8 or {dtype}, got {x.dtype}")
        if channels and x.shape[-1] not in channels:
            expected = f"{max(channels)} channels on their last axis"
            raise LayerError("normalize_images", f"images must have {expected}, got {x.shape}")
        return (x - _across(state["mean"], x)) / _across(state["std"], x), state

    return Layer("normalize_images", init, apply, settings={"mean": mean, "std": std})


def _across(vector: jax.Array, x: jax.Array) -> jax.Array:
    """One value per feature, repeated over all other axes of x."""
    return jnp.broadcast_to(vector, x.shape)


def _centre(x, axes):
    """The mean μ and x − μ; what rounding left of the mean is taken out in a second pass."""
    mean = jnp.mean(x, axes, keepdims=True)
    rest = jnp.mean(x - mean, axes, keepdims=True)
    return mean + rest, x - mean - rest


def _scale_and_shift(params, centred, var, epsilon):
    std = jnp.sqrt(var + jnp.asarray(epsilon, var.dtype))
    normalised = centred / _across(std, centred)
    return _across(params["scale"], centred) * normalised + _across(params["bias"], centred)
