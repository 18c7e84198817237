"""`jaxnn` models as linen modules and back."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.core import unfreeze
from flax.linen import meta

from jaxnn import layers
from jaxnn.interop import conventions
from jaxnn.optim.averages import next_count
from jaxnn.typing import Layer, Params, State


def to_linen(model: Layer, params: Params, state: State) -> tuple[nn.Module, dict[str, Any]]:
    """A `jaxnn` model as a linen module of Flax's own layers, and its variables.

    The outputs, gradients and running statistics are the same to rounding. A network is a `Serial`,
    called as `module.apply(variables, x, train=True, mutable=["batch_stats"], rngs={"dropout":
    key})`; a single layer is Flax's own, called in Flax's way.

    Args:
      model: of the layers of `jaxnn.layers`.
      params: its parameters.
      state: its running statistics.

    Returns:
      `(module, variables)`: the collections `"params"` and, where there is any, `"batch_stats"`.

    Raises:
      ValueError: a layer of the model is not one of `jaxnn.layers`.

    Example:
      >>> model = layers.serial(layers.dense(3, 2), layers.dropout(0.5))
      >>> module, variables = to_linen(model, *model.init(jax.random.key(0)))
      >>> jax.tree.map(jnp.shape, variables)
      {'params': {'layers_0': {'bias': (2,), 'kernel': (3, 2)}}}
      >>> module.apply(variables, jnp.ones((5, 3))).shape
      (5, 2)
    """
    module, params, state = _to_module(model, params, state, "to_linen: ")
    module = module if isinstance(module, nn.Module) else Serial((module,))
    collections = {"params": params, "batch_stats": state}
    return module, {name: arrays for name, arrays in collections.items() if arrays}


def from_linen(module: nn.Module, variables: Mapping[str, Any]) -> tuple[Layer, Params, State]:
    """A linen module and its variables as a `jaxnn` model.

    The outputs, gradients and running statistics are the same to rounding. Flax's batch norm
    becomes `biased_batch_norm`, which keeps the running variance that Flax keeps. Whether a module
    trains is no part of a `jaxnn` model: `use_running_average` and `deterministic` are left out.

    Args:
      module: `Dense`, `BatchNorm`, `LayerNorm`, `Dropout`, or a `Sequential` of these, of functions
        and of other `Sequential`s; or what `to_linen` makes.
      variables: as `module.init` gives them: `"params"` and `"batch_stats"`.

    Returns:
      `(model, params, state)`.

    Raises:
      ValueError: a module is of another kind, is used twice, or has a setting without an equal; an
        array is missing, left over, or of another shape or dtype than its layer's.

    Example:
      >>> module = nn.Sequential([nn.Dense(2), nn.relu, nn.Dropout(0.5, deterministic=True)])
      >>> variables = module.init(jax.random.key(0), jnp.ones((5, 3)))
      >>> model, params, state = from_linen(module, variables)
      >>> model
      serial(dense(3, 2), relu(), dropout(0.5))
    """
    variables = jax.tree.map(jnp.asarray, unfreeze(meta.unbox(variables)))
    collections = variables.get("params", {}), variables.get("batch_stats", {})
    return conventions.fitted(*_from_module(module, *collections, "", set()), "from_linen")


class Serial(nn.Sequential):
    """Flax's `Sequential`, whose call says whether it trains."""

    def __call__(self, x: Any, train: bool = False) -> Any:
        for layer in self.layers:
            x = _apply(layer, x, train)
        return x


class Residual(Serial):
    """`layers.residual`: y = x + layer(x)."""

    def __call__(self, x: Any, train: bool = False) -> Any:
        return x + super().__call__(x, train)


class Branches(Serial):
    """`layers.branches`: the layers side by side, and `combine` of the list of their outputs."""

    combine: Callable[[list[jax.Array]], Any] = sum

    def __call__(self, x: Any, train: bool = False) -> Any:
        return self.combine([_apply(layer, x, train) for layer in self.layers])


class UnbiasedBatchNorm(nn.BatchNorm):
    """Flax's `BatchNorm`, whose running variance is unbiased and which counts its steps."""

    @nn.compact
    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]: it takes no mask
        self, x: jax.Array, use_running_average: bool | None = None
    ) -> jax.Array:
        uses_running = nn.merge_param(
            "use_running_average", self.use_running_average, use_running_average
        )
        count = self.variable("batch_stats", "count", jnp.zeros, (), jnp.int32)
        before = self.get_variable("batch_stats", "var")
        y = super().__call__(x, use_running_average)
        if not uses_running and not self.is_initializing():
            biased = self.get_variable("batch_stats", "var")
            unbiased = conventions.unbiased(before, biased, self.momentum, x)
            self.put_variable("batch_stats", "var", unbiased)
            count.value = next_count(count.value)
        return y


class NormalizeImages(nn.Module):
    """`layers.normalize_images`, its mean and standard deviation among the `batch_stats`."""

    layer: Layer
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        _, initial = self.layer.init(jax.random.key(0), self.param_dtype)
        variable = lambda name: self.variable("batch_stats", name, lambda: initial[name])
        state = {name: variable(name).value for name in initial}
        return self.layer.apply({}, state, x)[0]


NORMALIZATIONS = {
    "batch_norm": UnbiasedBatchNorm,
    "biased_batch_norm": nn.BatchNorm,
    "layer_norm": nn.LayerNorm,
}
COMBINATORS = {"serial": Serial, "residual": Residual, "branches": Branches}
SEQUENCES = {
    nn.Sequential: layers.serial,
    Serial: layers.serial,
    Residual: layers.residual,
    Branches: layers.branches,
}
LAYERS = {
    nn.Dense: "dense",
    nn.Dropout: "dropout",
    NormalizeImages: "normalize_images",
    **{module: name for name, module in NORMALIZATIONS.items()},
}
"""What each linen module is in jaxnn."""


def _apply(layer, x, train):
    """Calls a layer as its kind is told whether it trains."""
    match layer:
        case Serial():
            return layer(x, train)
        case nn.BatchNorm():
            return layer(x, use_running_average=not train)
        case nn.Dropout():
            return layer(x, deterministic=not train)
    return layer(x)


def _to_module(layer, params, state, place):
    """The linen module of a layer, or its function, and its two collections of arrays."""
    if layer.rebuild is None:
        module = _leaf_module(layer, params, state, f"{place}{layer.name}")
        return module, dict(params), dict(state)
    if layer.name not in COMBINATORS:
        conventions.refuse_layer(f"{place}{layer.name}")
    children = enumerate(zip(layer.layers, params, state, strict=True))
    parts = [_to_module(*child, f"{place}{i}/") for i, child in children]
    modules, *collections = zip(*parts, strict=True) if parts else ((), (), ())
    module = COMBINATORS[layer.name](modules, **layer.settings)
    named = [
        {f"layers_{i}": arrays for i, arrays in enumerate(collection) if arrays}
        for collection in collections
    ]
    return module, *named


def _leaf_module(layer, params, state, place):
    settings = layer.settings
    dtype = conventions.dtype_of(params, state)
    match layer.name:
        case "dense":
            return nn.Dense(
                settings["out_size"],
                use_bias=settings.get("use_bias", True),
                param_dtype=dtype,
                kernel_init=_initializer(layer, "kernel"),
                bias_init=_initializer(layer, "bias"),
            )
        case "batch_norm" | "biased_batch_norm" | "layer_norm":
            return NORMALIZATIONS[layer.name](
                param_dtype=dtype,
                force_float32_reductions=False,  # jaxnn computes in the dtype of its parameters
                **conventions.normalization_settings(layer),
            )
        case "dropout":
            return nn.Dropout(settings["rate"])
        case "normalize_images":
            return NormalizeImages(layer, dtype)
    return conventions.as_function(layer, place)


def _initializer(layer, name):
    """The layer's own initial values, for `module.init`."""
    return lambda key, shape, dtype: layer.init(key, dtype)[0][name]


def _from_module(module, params, state, path, seen):
    """The layer of a linen module, and its arrays; `seen` are the modules that hold arrays."""
    if not isinstance(module, nn.Module):
        return conventions.read_function(module), {}, {}
    place = f"from_linen: {path}{type(module).__name__}"
    if type(module) in SEQUENCES:
        return _from_sequence(module, params, state, path, seen, place)
    if type(module) not in LAYERS:
        conventions.refuse_module(place, LAYERS)
    name = LAYERS[type(module)]
    names = conventions.names_of_arrays(name, module)
    if any(names):
        conventions.require_once(module, seen, place)
    params, state = (
        _taken(arrays, expected, collection, place)
        for arrays, expected, collection in zip(
            (params, state), names, ("params", "batch_stats"), strict=True
        )
    )
    return conventions.read_layer(name, module, params, state, place), params, state


def _from_sequence(module, params, state, path, seen, place):
    children = {f"layers_{i}": child for i, child in enumerate(module.layers)}
    left_over = sorted((params.keys() | state.keys()) - children.keys())
    if left_over:
        raise ValueError(f"{place}: no layer takes the variables {left_over}")
    parts = [
        _from_module(child, params.get(name, {}), state.get(name, {}), f"{path}{i}/", seen)
        for i, (name, child) in enumerate(children.items())
    ]
    models, *trees = zip(*parts, strict=True) if parts else ((), (), ())
    settings = {"combine": module.combine} if isinstance(module, Branches) else {}
    return SEQUENCES[type(module)](*models, **settings), *trees


def _taken(arrays, names, collection, place):
    if arrays.keys() != set(names):
        raise ValueError(
            f"{place}: expected {sorted(names)} in variables[{collection!r}], got {sorted(arrays)}"
        )
    return {name: arrays[name] for name in names}
