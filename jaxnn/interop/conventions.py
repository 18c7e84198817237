"""What linen's and nnx's layers have in common, read as layers of `jaxnn` or refused by name."""

import inspect
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
from flax.linen import dtypes as linen_dtypes
from flax.linen import meta
from flax.nnx.nn import dtypes as nnx_dtypes

from jaxnn import layers
from jaxnn.interop.normalization import biased_batch_norm, without
from jaxnn.typing import Layer, Params, State

_MOVE = "jaxnn has the features on the last axis, -1; move them there"
_NAMED = "jaxnn has no named axes; under jit the mean over a sharded batch is over all of it"
_PRODUCT = "jaxnn multiplies with jax.numpy, as jax.default_matmul_precision says; set that"
_DTYPE = "a jaxnn layer computes in the dtype of its parameters; cast them, and leave dtype=None"

NO_EQUAL = {
    "axis": ((-1,), _MOVE),
    "reduction_axes": ((-1, (-1,)), _MOVE),
    "feature_axes": ((-1, (-1,)), _MOVE),
    "axis_name": ((None,), _NAMED),
    "axis_index_groups": ((None,), _NAMED),
    "broadcast_dims": (((), []), "jaxnn's dropout draws for every value"),
    "precision": ((None,), _PRODUCT),
    "dot_general": ((None, jax.lax.dot_general), _PRODUCT),
    "dot_general_cls": ((None,), _PRODUCT),
    "preferred_element_type": ((None,), _PRODUCT),
    "promote_dtype": ((linen_dtypes.promote_dtype, nnx_dtypes.promote_dtype), _DTYPE),
}
"""Settings of Flax's layers that jaxnn has only one value for, and what to do about others."""


def complement(momentum: float) -> float:
    """One library's momentum of batch norm from the other's: weight of the new, of the old value.

    Example:
      >>> complement(0.9), 1 - 0.9
      (0.1, 0.09999999999999998)
    """
    return float(1 - Decimal(str(momentum)))


def unbiased(kept: jax.Array, biased: jax.Array, momentum: float, x: jax.Array) -> jax.Array:
    """The running variance with n − 1 in its last step's variance, where Flax put n.

    Args:
      kept: the running variance before the step.
      biased: after the step, as Flax computes it: momentum · kept + (1 − momentum) · new.
      momentum: Flax's, the weight of the old value.
      x: what the variance was taken of, `(batch, ..., size)`.

    Raises:
      ValueError: x has a single value per feature, whose variance is undefined.

    Example:
      >>> unbiased(jnp.ones(1), jnp.array([2.0]), 0.0, jnp.zeros((2, 1)))
      Array([4.], dtype=float32)
    """
    n = x.size // x.shape[-1]
    if n < 2:
        raise ValueError(
            f"batch_norm: training needs more than one value per feature, got shape {x.shape}"
        )
    kept = momentum * kept
    return kept + (biased - kept) * (n / (n - 1))


def normalization_settings(layer: Layer) -> dict[str, Any]:
    """The settings of a normalisation of jaxnn by the names that linen and nnx give them.

    Example:
      >>> normalization_settings(layers.layer_norm(3))
      {'epsilon': 1e-05, 'use_scale': True, 'use_bias': True, 'use_fast_variance': False}
    """
    settings = {"epsilon": layer.settings["epsilon"]}
    if "momentum" in layer.settings:
        settings["momentum"] = complement(layer.settings["momentum"])
    uses = {name: layer.settings.get(name, True) for name in ("use_scale", "use_bias")}
    # The fast variance, E[x²] − E[x]², is lost to rounding where x is far from 0.
    return settings | uses | {"use_fast_variance": False}


def dtype_of(params: Params, state: State) -> Any:
    """The dtype that a layer with these arrays computes in; float32 where it has none.

    Example:
      >>> dtype_of({}, {"mean": jnp.zeros(3, jnp.bfloat16)})
      dtype(bfloat16)
    """
    dtypes = [array.dtype for array in {**params, **state}.values()]
    return dtypes[0] if dtypes else jnp.float32


def flatten(x: jax.Array) -> jax.Array:
    """`layers.flatten` as the function that stands for it among Flax's layers.

    Example:
      >>> flatten(jnp.zeros((5, 28, 28))).shape
      (5, 784)
    """
    return x.reshape(x.shape[0], -1)


def as_function(layer: Layer, place: str) -> Callable[[jax.Array], jax.Array]:
    """A layer without parameters as the function that it is; any other layer is refused.

    Example:
      >>> as_function(layers.activation(jnp.tanh), "to_linen: 0/tanh") is jnp.tanh
      True
    """
    if layer.name == "flatten":
        return flatten
    if _code(layer) is not _code(layers.activation(abs)):
        refuse_layer(place)
    return inspect.getclosurevars(layer.apply).nonlocals["function"]


def _code(layer):
    return getattr(layer.apply, "__code__", None)


def names_of_arrays(name: str, module: Any) -> tuple[list[str], list[str]]:
    """What a Flax layer that is jaxnn's layer `name` holds: parameters, and running statistics.

    Example:
      >>> from flax import linen
      >>> names_of_arrays("dense", linen.Dense(3, use_bias=False))
      (['kernel'], [])
    """
    has = lambda array: [array] if getattr(module, f"use_{array}") else []
    match name:
        case "dense":
            return ["kernel", *has("bias")], []
        case "batch_norm":
            return [*has("scale"), *has("bias")], ["mean", "var", "count"]
        case "biased_batch_norm":
            return [*has("scale"), *has("bias")], ["mean", "var"]
        case "layer_norm":
            return [*has("scale"), *has("bias")], []
        case "normalize_images":
            return [], ["mean", "std"]
    return [], []


def read_layer(name: str, module: Any, params: Params, state: State, place: str) -> Layer:
    """jaxnn's layer `name` with the settings of a Flax layer.

    Args:
      name: such as `"dense"`.
      module: of linen or nnx.
      params: its parameters, a dictionary of arrays.
      state: its running statistics, likewise.
      place: for messages, such as `"from_linen: 2/BatchNorm"`.

    Raises:
      ValueError: a setting has no equal.

    Example:
      >>> from flax import linen
      >>> read_layer("dropout", linen.Dropout(0.5), {}, {}, "")
      dropout(0.5)
    """
    _require_equal_settings(module, params, place)
    match name:
        case "dropout":
            return layers.dropout(module.rate)
        case "normalize_images":
            return module.layer
        case "dense":
            initial = {  # linen keeps them, nnx does not
                name: _unboxed(getattr(module, name))
                for name in ("kernel_init", "bias_init")
                if hasattr(module, name)
            }
            out_size = getattr(module, "features", None) or module.out_features
            in_size = params["kernel"].shape[0]
            return layers.dense(in_size, out_size, use_bias=module.use_bias, **initial)
    return _read_normalization(name, module, {**state, **params}, place)


def _unboxed(initializer):
    """An initialiser that may box its array with the names of a partitioning, without the box."""
    return lambda *args: meta.unbox(initializer(*args))


def _read_normalization(name, module, arrays, place):
    vectors = [array for array in arrays.values() if array.ndim]
    if not vectors and not hasattr(module, "num_features"):
        raise ValueError(
            f"{place}: use_scale=False and use_bias=False leave no array to tell the size from; "
            "convert it as nnx, whose layer knows it"
        )
    size = vectors[0].shape[0] if vectors else module.num_features
    if name == "layer_norm":
        layer = layers.layer_norm(size, epsilon=module.epsilon)
    else:
        make = layers.batch_norm if name == "batch_norm" else biased_batch_norm
        layer = make(size, momentum=complement(module.momentum), epsilon=module.epsilon)
    absent = [array for array in ("scale", "bias") if not getattr(module, f"use_{array}")]
    return without(absent, layer) if absent else layer


def _require_equal_settings(module, params, place):
    for setting, (equal, advice) in NO_EQUAL.items():
        value = getattr(module, setting, equal[0])
        if value not in equal:
            raise ValueError(f"{place}: {setting}={value} has no equal: {advice}")
    dtype = getattr(module, "dtype", None)
    held = jnp.dtype(dtype_of(params, {}))
    if dtype is not None and jnp.dtype(dtype) != held:
        raise ValueError(
            f"{place}: dtype={jnp.dtype(dtype)} over {held} parameters has no equal: {_DTYPE}"
        )


def read_function(function: Callable[[jax.Array], jax.Array]) -> Layer:
    """A function that stands among Flax's layers as a layer.

    Example:
      >>> read_function(flatten), read_function(jnp.tanh)
      (flatten(), tanh())
    """
    return layers.flatten() if function is flatten else layers.activation(function)


def refuse_layer(place: str) -> NoReturn:
    """Raises the error for a layer that Flax has no equal for.

    Example:
      >>> refuse_layer("to_nnx: 0/noise")
      Traceback (most recent call last):
          ...
      ValueError: to_nnx: 0/noise is not a layer of jaxnn.layers, the only ones that convert
    """
    raise ValueError(f"{place} is not a layer of jaxnn.layers, the only ones that convert")


def require_once(holder: Any, seen: set[int], place: str) -> None:
    """Raises a `ValueError` where what holds parameters stands at a second place of the model.

    Example:
      >>> seen = set()
      >>> require_once(jnp.tanh, seen, "from_nnx: 0/Linear")
      >>> require_once(jnp.tanh, seen, "from_nnx: 2/Linear")
      Traceback (most recent call last):
          ...
      ValueError: from_nnx: 2/Linear shares its arrays with an earlier layer; ...
    """
    if id(holder) in seen:
        raise ValueError(
            f"{place} shares its arrays with an earlier layer; jaxnn's layers each have their own: "
            "make it a module of its own with a copy of them"
        )
    seen.add(id(holder))


def refuse_module(place: str, known: Mapping[type, Any]) -> NoReturn:
    """Raises the error for a module whose computation cannot be read off.

    Example:
      >>> refuse_module("from_nnx: 0/Conv", {int: "dense"})
      Traceback (most recent call last):
          ...
      ValueError: from_nnx: 0/Conv is not among the modules that convert: ...
    """
    names = ", ".join(kind.__name__ for kind in known)
    raise ValueError(
        f"{place} is not among the modules that convert: {names}, functions, and Sequential of "
        "these; write the model so, or write it in jaxnn and copy the parameters, whose names and "
        "layouts are the same"
    )


def fitted(model: Layer, params: Params, state: State, place: str) -> tuple[Layer, Params, State]:
    """A model with its arrays in one dtype, once their shapes are checked.

    Raises:
      ValueError: parameters of several dtypes, or of shapes that do not fit the model.

    Example:
      >>> fitted(layers.dropout(0.5), {}, {}, "from_nnx")
      (dropout(0.5), {}, {})
    """
    expected = jax.tree.map(jnp.shape, jax.eval_shape(model.init, jax.random.key(0)))
    came = jax.tree.map(jnp.shape, (params, state))
    if came != expected:
        raise ValueError(f"{place}: expected arrays of the shapes {expected}, got {came}")
    dtypes = {array.dtype for array in jax.tree.leaves(params)}
    if len(dtypes) > 1:
        names = " and ".join(sorted(dtype.name for dtype in dtypes))
        raise ValueError(f"{place}: parameters of {names}: {_DTYPE}")
    dtype = dtypes.pop() if dtypes else None
    cast = lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x
    return model, params, state if dtype is None else jax.tree.map(cast, state)
