"""Leaf layers: outputs, gradients and running statistics against PyTorch's, step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import nn

from jaxnn import layers
from jaxnn.typing import Layer
from tests.layer_cases import KEY, Case, cases
from tests.oracle import assert_ulps, exact

OFFSETS = [0.0, 100.0, 1e4]
NAMES = {"kernel": "weight", "scale": "weight", "bias": "bias"}


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


def torch_module(case, params, dtype):
    module = case.module().to(dtype)
    with torch.no_grad():
        for name, value in params.items():
            value = torch.tensor(np.asarray(value))
            getattr(module, NAMES[name]).copy_(value.T if name == "kernel" else value)
    return module


def torch_step(module, params, x, cotangent, train):
    module.train(train).zero_grad()
    x = torch.tensor(x, requires_grad=True)
    output = module(x)
    output.backward(torch.tensor(cotangent).reshape(output.shape))
    seen = {"output": output.detach(), "input gradient": x.grad}
    for name in params:
        gradient = getattr(module, NAMES[name]).grad
        seen[f"gradient of {name}"] = gradient.T if name == "kernel" else gradient
    if isinstance(module, nn.BatchNorm1d):
        running = (module.running_mean, module.running_var, module.num_batches_tracked)
        seen |= dict(zip(("mean", "var", "count"), running, strict=True))
    return {name: value.clone().numpy() for name, value in seen.items()}


def both(case, dtype, batches, modes, *, draw=lambda rng, shape: rng.normal(size=shape), scale=1.0):
    """Steps on the same inputs and cotangents: pairs of what the two sides compute."""
    rng = np.random.default_rng(1)
    params, state = draw_params(case.layer, dtype)
    module = torch_module(case, params, getattr(torch, dtype))
    for shape, train in zip(batches, modes, strict=True):
        x = draw(rng, shape).astype(dtype)
        outputs = (*shape[:-1], 3) if case.layer.name == "dense" else shape
        cotangent = (scale * rng.normal(size=outputs)).astype(dtype)
        ours, state = step(case.layer, params, state, jnp.array(x), jnp.array(cotangent), train)
        yield ours, torch_step(module, params, x, cotangent, train), (params, x, cotangent)


def assert_close(ours, theirs):
    """To a relative 1e-10; where terms have cancelled, to their rounding."""
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        atol = 1e-14 * np.abs(expected).max()
        np.testing.assert_allclose(
            ours[name].astype(expected.dtype),
            expected,
            rtol=1e-10,
            atol=atol,
            equal_nan=False,
            err_msg=name,
            strict=True,
        )


@cases
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-6, 0.0])
def test_steps_agree_with_pytorch_in_float64(case, scale):
    """Three batches in training, the last of them ragged, then one as in evaluation."""
    for size in case.sizes:
        batches = [(8, *size), (8, *size), (3, *size), (8, *size)]
        modes = [case.trains] * 3 + [False]
        for ours, theirs, _ in both(case, "float64", batches, modes, scale=scale):
            assert_close(ours, theirs)


@cases
def test_a_batch_of_one_agrees_in_evaluation(case):
    for size in case.sizes:
        for ours, theirs, _ in both(case, "float64", [(1, *size)], [False]):
            assert_close(ours, theirs)


def batch_norm_case(features):
    return Case(layers.batch_norm(features), lambda: nn.BatchNorm1d(features), [(features,)])


def layer_norm_case(features):
    return Case(layers.layer_norm(features), lambda: nn.LayerNorm(features), [(features,)])


@pytest.mark.parametrize(
    ("case", "offset"),
    [
        (Case(layers.dense(784, 3), lambda: nn.Linear(784, 3), [(784,)]), 0.0),
        *((norm(64), offset) for norm in (batch_norm_case, layer_norm_case) for offset in OFFSETS),
    ],
)
def test_is_right_to_four_units_in_float32(case, offset):
    """In units of the largest number of an array: its elements are sums whose terms cancel."""
    draw = lambda rng, shape: offset + rng.normal(size=shape)
    for ours, _, inputs in both(case, "float32", [(64, *case.sizes[0])], [True], draw=draw):
        params, x, cotangent = jax.tree.map(lambda x: jnp.array(x, "float64"), inputs)
        _, state = case.layer.init(KEY, "float64")
        exactly, _ = step(case.layer, params, state, x, cotangent, True)
        for name in ours.keys() - {"count"}:
            expected = exact(lambda x: x, exactly[name])
            terms = np.full(expected.shape, np.abs(exactly[name]).max())
            assert_ulps(ours[name], expected, terms=terms)
