"""`jaxnn` models as Flax modules and back: the same numbers, the same bits there and back.

Dropout is compared under the same masks: those that Flax draws are given to the `jaxnn` model.
"""

import math
import os
import subprocess
import sys
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxnn import activations, interop, layers, models
from jaxnn.interop import from_linen, from_nnx, to_linen, to_nnx
from jaxnn.layers import activation, batch_norm, branches, dense, layer_norm, residual, serial
from tests.interop.harness import JaxnnSide, LinenSide, NnxSide, largest_error

KEY = jax.random.key(0)


def concatenate(outputs):
    return jnp.concatenate(outputs, axis=-1)


def images(rng, size, dtype):
    return jnp.array(rng.integers(256, size=(size, 28, 28)), jnp.uint8)


def vectors(rng, size, dtype):
    return jnp.array(3 + 2 * rng.normal(size=(size, 5)), dtype)


def sequences(rng, size, dtype):
    return jnp.array(3 + 2 * rng.normal(size=(size, 4, 5)), dtype)


def block():
    return serial(batch_norm(5), activation(jnp.tanh), dense(5, 5), layers.dropout(0.2))


MODELS = {
    "mlp with batch norm and dropout": (
        models.mlp((5, 7, 6, 3), activation=jnp.tanh, batch_norm=True, dropout=0.3),
        vectors,
    ),
    "layer norm": (serial(dense(5, 6), layer_norm(6, epsilon=0.01), dense(6, 2)), vectors),
    "batch norm over time": (
        serial(batch_norm(5, momentum=0.3, epsilon=0.02), dense(5, 2)),
        sequences,
    ),
    "residual": (serial(residual(block()), residual(serial()), dense(5, 2)), vectors),
    "branches": (
        serial(
            branches(
                serial(dense(5, 3), layer_norm(3)),
                serial(dense(5, 4), batch_norm(4)),
                activation(jnp.tanh),
                combine=concatenate,
            ),
            branches(dense(12, 2), dense(12, 2), combine=sum),
        ),
        vectors,
    ),
    "simple_nn on raw images": (models.simple_nn(), images),
    "without bias": (serial(dense(5, 6, use_bias=False), batch_norm(6), dense(6, 2)), vectors),
    "more than ten layers": (serial(*(dense(5, 5) for _ in range(12))), vectors),
    "Flax's conventions": (
        serial(interop.biased_batch_norm(5, momentum=0.3), dense(5, 2)),
        vectors,
    ),
}


def linen_layers(train):
    """A network of linen's own layers with the settings that are its defaults."""
    return nn.Sequential(
        [
            nn.Dense(6, use_bias=False),
            nn.BatchNorm(use_running_average=not train),
            nn.gelu,
            nn.Dropout(0.3, deterministic=not train),
            nn.Sequential(
                [nn.Dense(4), nn.LayerNorm(), partial(nn.leaky_relu, negative_slope=0.2)]
            ),
            nn.BatchNorm(
                use_running_average=not train, momentum=0.7, use_bias=False, use_scale=False
            ),
            nn.LayerNorm(use_bias=False),
            nn.LayerNorm(use_scale=False),
            nn.Dense(2),
        ]
    )


def nnx_layers(rngs):
    """The same network of nnx's layers."""
    return nnx.Sequential(
        nnx.Linear(5, 6, use_bias=False, rngs=rngs),
        nnx.BatchNorm(6, rngs=rngs),
        nnx.gelu,
        nnx.Dropout(0.3, rngs=rngs),
        nnx.Sequential(
            nnx.Linear(6, 4, rngs=rngs),
            nnx.LayerNorm(4, rngs=rngs),
            partial(nnx.leaky_relu, negative_slope=0.2),
        ),
        nnx.BatchNorm(4, momentum=0.7, use_bias=False, use_scale=False, rngs=rngs),
        nnx.LayerNorm(4, use_bias=False, rngs=rngs),
        nnx.LayerNorm(4, use_scale=False, rngs=rngs),
        nnx.Linear(4, 2, rngs=rngs),
    )


def initialise(model, dtype):
    return jax.jit(model.init, static_argnums=1)(KEY, dtype)


def from_jaxnn_to_linen(name, dtype):
    model, inputs = MODELS[name]
    params, state = initialise(model, dtype)
    module, variables = to_linen(model, params, state)
    return JaxnnSide(model, params, state), LinenSide(lambda train: module, variables, KEY), inputs


def from_jaxnn_to_nnx(name, dtype):
    model, inputs = MODELS[name]
    params, state = initialise(model, dtype)
    module = to_nnx(model, params, state, rngs=nnx.Rngs(0))
    return JaxnnSide(model, params, state), NnxSide(module), inputs


def of_dtype(dtype):
    return lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x


def from_linen_layers(name, dtype):
    variables = jax.jit(linen_layers(False).init)(KEY, jnp.ones((1, 5), jnp.float32))
    variables = jax.tree.map(of_dtype(dtype), variables)
    jaxnn_side = JaxnnSide(*from_linen(linen_layers(False), variables))
    return jaxnn_side, LinenSide(linen_layers, variables, KEY), vectors


def from_nnx_layers(name, dtype):
    graph, params, others = nnx.split(nnx_layers(nnx.Rngs(0)), nnx.Param, ...)
    module = nnx.merge(graph, *jax.tree.map(of_dtype(dtype), (params, others)))
    return JaxnnSide(*from_nnx(module)), NnxSide(module), vectors


WAYS = {
    **{f"{name} to linen": (from_jaxnn_to_linen, name) for name in MODELS},
    **{f"{name} to nnx": (from_jaxnn_to_nnx, name) for name in MODELS},
    "from linen's own layers": (from_linen_layers, ""),
    "from nnx's own layers": (from_nnx_layers, ""),
}
BOUNDS = {"float64": 1e-13, "float32": 4e-6}
"""Of errors relative to the largest value: about three times the largest that were measured on a
CPU, 2.9e-15 and 1.4e-6, the latter against the variance that Flax computes by default."""


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("way", WAYS)
def test_outputs_gradients_and_statistics_agree_over_steps_of_training(way, dtype):
    """Of four steps, one of them with another batch size, and of the evaluation after them."""
    convert, name = WAYS[way]
    jaxnn_side, flax_side, inputs = convert(name, dtype)
    rng = np.random.default_rng(0)
    for size in (16, 16, 5, 16):
        x = inputs(rng, size, dtype)
        theirs, masks = flax_side.step(x)
        ours = jaxnn_side.step(x, masks)
        for piece in ours._fields:
            error = largest_error(getattr(ours, piece), getattr(theirs, piece))
            assert error <= BOUNDS[dtype], piece
    assert largest_error(jaxnn_side.evaluate(x), flax_side.evaluate(x)) <= BOUNDS[dtype]


def assert_same(actual, expected):
    """The same models, and the same arrays to the last bit."""
    assert repr(actual[0]) == repr(expected[0])
    same = lambda a, e: a.dtype == e.dtype and bool(jnp.array_equal(a, e))
    assert jax.tree.all(jax.tree.map(same, actual[1:], expected[1:]))


LEAVES = {
    "dense": dense(5, 3),
    "batch_norm": batch_norm(5, momentum=0.3, epsilon=0.1),
    "biased_batch_norm": interop.biased_batch_norm(5, epsilon=0.1),
    "layer_norm": layer_norm(5, epsilon=0.1),
    "dropout": layers.dropout(0.25),
    "normalize_images": layers.normalize_images([0.1, 0.2], [0.3, 0.4]),
}


def numbered(model, dtype):
    """The model with parameters and statistics whose numbers all differ."""
    shapes = jax.eval_shape(lambda: model.init(KEY, dtype))
    number = lambda leaf: jnp.arange(math.prod(leaf.shape), dtype=leaf.dtype).reshape(leaf.shape)
    return model, *jax.tree.map(number, shapes)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("model", [*LEAVES.values(), *(model for model, _ in MODELS.values())])
def test_there_and_back_is_the_same_model_with_the_same_bits(model, dtype):
    original = numbered(model, dtype)
    assert_same(from_linen(*to_linen(*original)), original)
    assert_same(from_nnx(to_nnx(*original)), original)


def test_a_single_layer_becomes_flaxs_own():
    params, state = LEAVES["dense"].init(KEY)
    module, variables = to_linen(LEAVES["dense"], params, state)
    assert type(module) is nn.Dense
    assert variables == {"params": params}
    assert type(to_nnx(LEAVES["dense"], params, state)) is nnx.Linear


def test_functions_stand_among_flaxs_layers_as_they_are():
    model = serial(activation(activations.gelu), layers.flatten())
    module, _ = to_linen(model, *model.init(KEY))
    assert module.layers[0] is activations.gelu
    assert isinstance(to_linen(activation(jnp.tanh), {}, {})[0], nn.Sequential)
    assert isinstance(to_nnx(activation(jnp.tanh), {}, {}), nnx.Sequential)


@pytest.mark.parametrize("name", MODELS)
def test_the_variables_are_those_that_the_module_would_make(name):
    """In structure, shapes and dtypes, so that Flax's own tools know them."""
    model, inputs = MODELS[name]
    x = inputs(np.random.default_rng(0), 4, jnp.float32)
    module, variables = to_linen(*numbered(model, "float32"))
    made = jax.eval_shape(module.init, KEY, x)
    what = lambda x: (x.shape, x.dtype)
    assert jax.tree.map(what, made) == jax.tree.map(what, variables)


def test_the_modules_initial_values_are_the_layers():
    model = dense(100, 50)
    module, _ = to_linen(model, *model.init(KEY))
    params = module.init(jax.random.key(1), jnp.ones((1, 100), jnp.float32))["params"]
    for array in params.values():
        assert 0.09 < jnp.abs(array).max() <= 0.1  # uniform in ±1/√100
    model, *_ = from_linen(nn.Dense(50), {"params": params})
    params, _ = model.init(KEY)
    assert not params["bias"].any()


def test_momentum_is_the_weight_of_the_other_value():
    module, _ = to_linen(LEAVES["batch_norm"], *LEAVES["batch_norm"].init(KEY))
    assert module.momentum == 0.7
    model, *_ = from_linen(nn.BatchNorm(momentum=0.9), to_linen(*biased())[1])
    assert model.settings["momentum"] == 0.1
    assert from_nnx(nnx.BatchNorm(5, rngs=nnx.Rngs(0)))[0].settings["momentum"] == 0.01


def biased():
    return (LEAVES["biased_batch_norm"], *LEAVES["biased_batch_norm"].init(KEY))


def test_the_variance_far_from_0_is_not_lost_with_flaxs_fast_one():
    """Flax computes E[x²] − E[x]², here of numbers whose squares are 1e8 times their variance."""
    x = jnp.array(1e4 + np.random.default_rng(0).normal(size=(64, 5)), jnp.float32)
    flax_layer = nn.BatchNorm(use_running_average=False)
    variables = flax_layer.init(KEY, x)
    centred = np.asarray(x, np.float64)
    centred -= centred.mean(0)
    exact = centred / centred.std(0)
    model, params, state = from_linen(flax_layer, variables)
    ours, _ = model.apply(params, state, x, train=True)
    theirs, _ = flax_layer.apply(variables, x, mutable=["batch_stats"])
    error = lambda y: np.abs(np.asarray(y) - exact).max()
    assert error(ours) < 1e-3 < 0.1 < error(theirs)


def test_boxed_frozen_and_numpy_variables_are_read():
    """As partitioned parameters, older Flax versions and checkpoints have them."""
    module = nn.Dense(3, kernel_init=nn.with_partitioning(nn.initializers.ones, ("in", "out")))
    variables = module.init(KEY, jnp.ones((1, 5), jnp.float32))
    assert isinstance(variables["params"]["kernel"], nn.Partitioned)
    _, params, _ = from_linen(module, nn.FrozenDict(variables))
    assert params["kernel"].shape == (5, 3)
    arrays = jax.tree.map(np.asarray, {"params": params})
    assert isinstance(from_linen(nn.Dense(3), arrays)[1]["bias"], jax.Array)


def run_python(program):
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    arguments = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(arguments, capture_output=True, text=True, env=environment)


def test_flax_is_loaded_only_when_a_model_is_converted():
    program = "from jaxnn import interop; import sys; interop.biased_batch_norm(3)\n"
    process = run_python(program + "assert 'flax' not in sys.modules")
    assert process.returncode == 0, process.stderr


def test_without_flax_the_error_says_what_to_install():
    process = run_python(
        "import sys; sys.modules['flax'] = None\nfrom jaxnn import interop; interop.to_nnx"
    )
    assert "flax is not installed: pip install 'jaxnn[flax]'" in process.stderr
