"""Leaf layers in float32: outputs, gradients and running statistics to four units of the exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import layers
from jaxnn.typing import Layer
from tests.oracle import assert_ulps, exact

KEY = jax.random.key(0)
OFFSETS = [0.0, 100.0, 1e4]


def draw_params(layer: Layer, dtype):
    """Parameters and state as the layer has them, with numbers of no special meaning."""
    rng = np.random.default_rng(0)
    params, state = layer.init(KEY, dtype)
    return {name: jnp.array(rng.normal(size=x.shape), dtype) for name, x in params.items()}, state


def step(layer, params, state, x, cotangent, train):
    """What a layer computes in a step, forwards and backwards, by name."""
    apply = lambda params, x: layer.apply(params, state, x, train=train)
    output, pull, state = jax.vjp(apply, params, x, has_aux=True)
    grads, input_gradient = pull(cotangent.reshape(output.shape))
    seen = {"output": output, "input gradient": input_gradient}
    seen |= {f"gradient of {name}": gradient for name, gradient in grads.items()}
    seen |= state if layer.name == "batch_norm" else {}
    return {name: np.asarray(value) for name, value in seen.items()}, state


@pytest.mark.parametrize(
    ("layer", "shape", "offset"),
    [
        (layers.dense(784, 3), (64, 784), 0.0),
        *((layers.batch_norm(64), (64, 64), offset) for offset in OFFSETS),
        *((layers.layer_norm(64), (64, 64), offset) for offset in OFFSETS),
    ],
)
def test_is_right_to_four_units_in_float32(layer, shape, offset):
    """In units of the largest number of an array: its elements are sums whose terms cancel."""
    rng = np.random.default_rng(1)
    params, state = draw_params(layer, "float32")
    x = (offset + rng.normal(size=shape)).astype("float32")
    output, _ = layer.apply(params, state, jnp.array(x), train=True)
    cotangent = rng.normal(size=output.shape).astype("float32")
    ours, _ = step(layer, params, state, jnp.array(x), jnp.array(cotangent), True)

    wide = jax.tree.map(lambda x: jnp.array(x, "float64"), (params, x, cotangent))
    _, state = layer.init(KEY, "float64")
    exactly, _ = step(layer, wide[0], state, *wide[1:], True)
    for name in ours.keys() - {"count"}:
        expected = exact(lambda x: x, exactly[name])
        terms = np.full(expected.shape, np.abs(exactly[name]).max())
        assert_ulps(ours[name], expected, terms=terms)
