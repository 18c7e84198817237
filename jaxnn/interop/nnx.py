"""`jaxnn` models as nnx modules and back."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxnn import layers
from jaxnn.interop import conventions
from jaxnn.optim.averages import next_count
from jaxnn.typing import Layer, Params, State


def to_nnx(
    model: Layer, params: Params, state: State, *, rngs: nnx.Rngs | None = None
) -> nnx.Module:
    """A `jaxnn` model as an nnx module of Flax's own layers.

    The outputs, gradients and running statistics are the same to rounding. As every new nnx module
    it trains until `module.eval()`.

    Args:
      model: of the layers of `jaxnn.layers`.
      params: its parameters.
      state: its running statistics.
      rngs: for dropout; without them, training takes them at the call: `module(x, rngs=rngs)`.

    Returns:
      A module with the parameters as `nnx.Param` and the statistics as `nnx.BatchStat`.

    Raises:
      ValueError: a layer of the model is not one of `jaxnn.layers`.

    Example:
      >>> model = layers.serial(layers.dense(3, 2), layers.dropout(0.5))
      >>> module = to_nnx(model, *model.init(jax.random.key(0)), rngs=nnx.Rngs(0))
      >>> module(jnp.ones((5, 3))).shape
      (5, 2)
    """
    module = _to_module(model, params, state, rngs, "to_nnx: ")
    return module if isinstance(module, nnx.Module) else nnx.Sequential(module)


def from_nnx(module: nnx.Module) -> tuple[Layer, Params, State]:
    """An nnx module as a `jaxnn` model.

    The outputs, gradients and running statistics are the same to rounding. Flax's batch norm
    becomes `biased_batch_norm`, which keeps the running variance that Flax keeps. Whether a module
    trains is no part of a `jaxnn` model: `use_running_average` and `deterministic` are left out.

    Args:
      module: `Linear`, `BatchNorm`, `LayerNorm`, `Dropout`, or a `Sequential` of these, of
        functions and of other `Sequential`s; or what `to_nnx` makes.

    Returns:
      `(model, params, state)`.

    Raises:
      ValueError: a module is of another kind, shares parameters, or has a setting without an equal;
        the parameters are of several dtypes.

    Example:
      >>> rngs = nnx.Rngs(0)
      >>> module = nnx.Sequential(nnx.Linear(3, 2, rngs=rngs), nnx.relu, nnx.Dropout(0.5))
      >>> model, params, state = from_nnx(module)
      >>> model
      serial(dense(3, 2), relu(), dropout(0.5))
    """
    return conventions.fitted(*_from_module(module, "", set()), "from_nnx")


class Residual(nnx.Sequential):
    """`layers.residual`: y = x + layer(x)."""

    def __call__(self, x: Any, *, rngs: nnx.Rngs | None = None) -> Any:
        return x + super().__call__(x, rngs=rngs)


class Branches(nnx.Sequential):
    """`layers.branches`: the layers side by side, and `combine` of the list of their outputs."""

    def __init__(self, *fns: Any, combine: Callable[[list[jax.Array]], jax.Array]):
        super().__init__(*fns)
        self.combine = combine

    def __call__(self, x: Any, *, rngs: nnx.Rngs | None = None) -> Any:
        return self.combine([nnx.Sequential(layer)(x, rngs=rngs) for layer in self.layers])


class UnbiasedBatchNorm(nnx.BatchNorm):
    """Flax's `BatchNorm`, whose running variance is unbiased and which counts its steps."""

    def __init__(self, num_features: int, **settings: Any):
        super().__init__(num_features, **settings)
        self.count = nnx.BatchStat(jnp.zeros((), jnp.int32))

    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]: it takes no mask
        self, x: jax.Array, use_running_average: bool | None = None
    ) -> jax.Array:
        before = self.var[...]
        y = super().__call__(x, use_running_average)
        if use_running_average is None:
            use_running_average = self.use_running_average
        if not use_running_average:
            unbiased = conventions.unbiased(before, self.var[...], self.momentum, x)
            self.var[...] = jax.lax.stop_gradient(unbiased)
            self.count[...] = next_count(self.count[...])
        return y


class NormalizeImages(nnx.Module):
    """`layers.normalize_images`, its mean and standard deviation as `nnx.BatchStat`."""

    def __init__(self, layer: Layer, mean: jax.Array, std: jax.Array):
        self.layer = layer
        self.mean = nnx.BatchStat(mean)
        self.std = nnx.BatchStat(std)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.layer.apply({}, {"mean": self.mean[...], "std": self.std[...]}, x)[0]


NORMALIZATIONS = {
    "batch_norm": UnbiasedBatchNorm,
    "biased_batch_norm": nnx.BatchNorm,
    "layer_norm": nnx.LayerNorm,
}
COMBINATORS = {"serial": nnx.Sequential, "residual": Residual, "branches": Branches}
SEQUENCES = {
    nnx.Sequential: layers.serial,
    Residual: layers.residual,
    Branches: layers.branches,
}
LAYERS = {
    nnx.Linear: "dense",
    nnx.Dropout: "dropout",
    NormalizeImages: "normalize_images",
    **{module: name for name, module in NORMALIZATIONS.items()},
}
"""What each nnx module is in jaxnn."""


def _to_module(layer, params, state, rngs, place):
    """The nnx module of a layer, or its function."""
    if layer.rebuild is None:
        module = _leaf_module(layer, params, state, rngs, f"{place}{layer.name}")
        for kind, arrays in ((nnx.Param, params), (nnx.BatchStat, state)):
            for name, array in arrays.items():
                setattr(module, name, kind(jnp.asarray(array)))
        return module
    if layer.name not in COMBINATORS:
        conventions.refuse_layer(f"{place}{layer.name}")
    children = enumerate(zip(layer.layers, params, state, strict=True))
    modules = [_to_module(*child, rngs, f"{place}{i}/") for i, child in children]
    return COMBINATORS[layer.name](*modules, **layer.settings)


def _leaf_module(layer, params, state, rngs, place):
    settings = layer.settings
    made = {
        "param_dtype": conventions.dtype_of(params, state),
        "rngs": nnx.Rngs(0),  # for initial values, which the layer's own then replace
    }
    match layer.name:
        case "dense":
            use_bias = settings.get("use_bias", True)
            return nnx.Linear(settings["in_size"], settings["out_size"], use_bias=use_bias, **made)
        case "batch_norm" | "biased_batch_norm" | "layer_norm":
            made |= conventions.normalization_settings(layer)
            return NORMALIZATIONS[layer.name](settings["size"], **made)
        case "dropout":
            return nnx.Dropout(settings["rate"], rngs=rngs)
        case "normalize_images":
            return NormalizeImages(layer, state["mean"], state["std"])
    return conventions.as_function(layer, place)


def _from_module(module: Any, path: str, seen: set[int]):
    """The layer of an nnx module, and its arrays; `seen` are the variables that hold them."""
    place = f"from_nnx: {path}{type(module).__name__}"
    if type(module) in SEQUENCES:
        parts = [_from_module(child, f"{path}{i}/", seen) for i, child in enumerate(module.layers)]
        models, *trees = zip(*parts, strict=True) if parts else ((), (), ())
        settings = {"combine": module.combine} if isinstance(module, Branches) else {}
        return SEQUENCES[type(module)](*models, **settings), *trees
    if not isinstance(module, nnx.Module):
        return conventions.read_function(module), {}, {}
    if type(module) not in LAYERS:
        conventions.refuse_module(place, LAYERS)
    name = LAYERS[type(module)]
    params, state = (
        {array: _taken(getattr(module, array), seen, place) for array in names}
        for names in conventions.names_of_arrays(name, module)
    )
    return conventions.read_layer(name, module, params, state, place), params, state


def _taken(variable, seen, place):
    conventions.require_once(variable, seen, place)
    return variable[...]
