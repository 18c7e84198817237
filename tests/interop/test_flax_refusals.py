"""What `jaxnn` has no equal for is refused, by an error that names it and says what to do."""

from dataclasses import replace
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from jaxnn.interop import from_linen, from_nnx, to_linen, to_nnx
from jaxnn.layers import activation, batch_norm, serial

KEY = jax.random.key(0)


class Network(nn.Module):
    """Code of a user's own."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(3)(x)


class NnxNetwork(nnx.Module):
    """Code of a user's own."""


def initialised(module, shape=(2, 5)):
    return module, module.init(KEY, jnp.ones(shape, jnp.float32))


def with_another(variables, **changes):
    """Variables of a `Dense` with other arrays."""
    return {"params": {**variables["params"], **changes}}


SHARED = nn.Dense(5)
VARIABLES = to_linen(batch_norm(5), *batch_norm(5).init(KEY))[1]
DENSE = nn.Dense(3).init(KEY, jnp.ones((1, 5), jnp.float32))
RNGS = nnx.Rngs(0)
LINEAR = nnx.Linear(5, 5, rngs=RNGS)


def tied():
    other = nnx.Linear(5, 5, rngs=RNGS)
    other.kernel = LINEAR.kernel
    return nnx.Sequential(LINEAR, nnx.tanh, other)


def of_two_dtypes():
    bias = jnp.zeros(3, jnp.bfloat16)
    return nn.Dense(3), with_another(DENSE, bias=bias)


norm = partial(nn.BatchNorm, use_running_average=False)
REFUSED = {
    "axis": (
        lambda: from_linen(*initialised(norm(axis=1))),
        "BatchNorm: axis=1 has no equal: .* move",
    ),
    "named axis": (
        lambda: from_linen(*initialised(norm(axis_name="batch"))),
        "BatchNorm: axis_name=batch has no equal: .* under jit",
    ),
    "groups": (
        lambda: from_linen(*initialised(norm(axis_index_groups=[[0]]))),
        "axis_index_groups=.* has no equal",
    ),
    "axes of layer norm": (
        lambda: from_linen(*initialised(nn.LayerNorm(reduction_axes=(0, 1)))),
        r"LayerNorm: reduction_axes=\(0, 1\) has no equal",
    ),
    "axes of features": (
        lambda: from_linen(*initialised(nn.LayerNorm(feature_axes=0))),
        "LayerNorm: feature_axes=0 has no equal",
    ),
    "shared masks": (
        lambda: from_linen(nn.Dropout(0.5, broadcast_dims=(0,)), {}),
        r"Dropout: broadcast_dims=\(0,\) has no equal: .* every value",
    ),
    "nothing kept": (lambda: from_linen(nn.Dropout(1.0), {}), r"rate must be a number in \[0, 1\)"),
    "precision": (
        lambda: from_linen(nn.Dense(3, precision="highest"), DENSE),
        "Dense: precision=highest has no equal: .* jax.default_matmul_precision",
    ),
    "another product": (
        lambda: from_linen(nn.Dense(3, dot_general=jax.lax.dot), DENSE),
        "Dense: dot_general=.* has no equal",
    ),
    "mixed precision": (
        lambda: from_linen(nn.Dense(3, dtype=jnp.bfloat16), DENSE),
        "Dense: dtype=bfloat16 over float32 parameters has no equal: .* leave dtype=None",
    ),
    "parameters of two dtypes": (
        lambda: from_linen(*of_two_dtypes()),
        "parameters of bfloat16 and float32: .* cast them",
    ),
    "a norm of unknown size": (
        lambda: from_linen(nn.LayerNorm(use_bias=False, use_scale=False), {}),
        "LayerNorm: use_scale=False and use_bias=False leave no array .* nnx",
    ),
    "a user's module": (
        lambda: from_linen(Network(), {}),
        "from_linen: Network is not among the modules that convert: Dense, .*BatchNorm",
    ),
    "a module inside": (
        lambda: from_linen(nn.Sequential([nn.relu, nn.Conv(3, (1,))]), {}),
        "from_linen: 1/Conv is not among the modules that convert",
    ),
    "a module twice": (
        lambda: from_linen(*initialised(nn.Sequential([SHARED, nn.tanh, SHARED]))),
        "from_linen: 2/Dense shares its arrays with an earlier layer",
    ),
    "no statistics": (
        lambda: from_linen(norm(), {"params": VARIABLES["params"]}),
        r"BatchNorm: expected \['mean', 'var'\] in variables\['batch_stats'\], got \[\]",
    ),
    "variables of another module": (
        lambda: from_linen(nn.Sequential([nn.relu]), {"params": {"Dense_0": DENSE["params"]}}),
        r"Sequential: no layer takes the variables \['Dense_0'\]",
    ),
    "another shape": (
        lambda: from_linen(nn.Dense(4), DENSE),
        r"shapes .*\(5, 4\).* got .*\(5, 3\)",
    ),
    "axis of nnx": (
        lambda: from_nnx(nnx.BatchNorm(5, axis=1, rngs=RNGS)),
        "from_nnx: BatchNorm: axis=1 has no equal",
    ),
    "preferred element type": (
        lambda: from_nnx(nnx.Linear(5, 5, preferred_element_type=jnp.float32, rngs=RNGS)),
        "Linear: preferred_element_type=.* has no equal",
    ),
    "a user's nnx module": (
        lambda: from_nnx(NnxNetwork()),
        "from_nnx: NnxNetwork is not among the modules that convert: Linear, ",
    ),
    "an nnx module inside": (
        lambda: from_nnx(nnx.Sequential(nnx.Conv(1, 1, (1,), rngs=RNGS))),
        "from_nnx: 0/Conv is not among the modules that convert",
    ),
    "an nnx module twice": (
        lambda: from_nnx(nnx.Sequential(LINEAR, LINEAR)),
        "from_nnx: 1/Linear shares its arrays with an earlier layer",
    ),
    "tied parameters": (lambda: from_nnx(tied()), "from_nnx: 2/Linear shares its arrays"),
}


@pytest.mark.parametrize(("convert", "message"), REFUSED.values(), ids=REFUSED)
def test_what_jaxnn_has_no_equal_for_is_refused_by_name(convert, message):
    with pytest.raises(ValueError, match=message):
        convert()


@pytest.mark.parametrize("convert", [to_linen, to_nnx])
def test_layers_of_a_users_own_are_refused_by_name(convert):
    """A layer that draws, or a combinator, would else be taken for a function."""
    noise = replace(activation(jnp.tanh), name="noise", apply=lambda *_, **__: None)
    for model in (serial(noise), replace(serial(), name="noise")):
        with pytest.raises(ValueError, match=r"noise is not a layer of jaxnn\.layers"):
            convert(model, *model.init(KEY))


def test_one_value_per_feature_is_refused_in_training():
    """Where Flax's own layer keeps a variance of 0."""
    original = (batch_norm(5), *batch_norm(5).init(KEY))
    module, variables = to_linen(*original)
    x = jnp.ones((1, 5), jnp.float32)
    message = r"training needs more than one value per feature, got shape \(1, 5\)"
    with pytest.raises(ValueError, match=message):
        module.apply(variables, x, use_running_average=False, mutable=["batch_stats"])
    with pytest.raises(ValueError, match=message):
        to_nnx(*original)(x)
