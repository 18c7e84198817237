"""Parameters are matched by order, structure and shape; what is ambiguous is an error."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from torch import nn

from jaxnn import layers
from tests.parity import strangers
from tests.parity.right_pairs import X, normal
from torch_port import parity


def same_shapes(params, x):
    return jnp.tanh(x @ params["second"]["w"]) @ params["first"]["w"]


class SameShapes(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(5, 5, bias=False)
        self.two = nn.Linear(5, 5, bias=False)

    def forward(self, x):
        return self.two(self.one(x).tanh())


PARAMS = {"first": {"w": normal(5, 5, seed=1)}, "second": {"w": normal(5, 5, seed=2)}}


def test_a_dictionary_has_no_order_so_that_equal_shapes_are_ambiguous():
    with pytest.raises(ValueError, match="may be matched in several ways") as caught:
        parity.compare(same_shapes, SameShapes(), X, params=PARAMS)
    message = str(caught.value)
    assert "first: w (5, 5) fits one, two" in message
    assert "mapping={'first': 'one', 'second': 'two'}" in message


def test_a_mapping_settles_it():
    settings = {"params": PARAMS, "mapping": {"first": "two", "second": "one"}}
    report = parity.compare(same_shapes, SameShapes(), X, **settings)
    assert report.verdict == "rounding"
    settings["mapping"] = {"first": "one", "second": "two"}
    assert parity.compare(same_shapes, SameShapes(), X, **settings).verdict == "semantic"


def test_a_mapping_to_nowhere_is_refused():
    with pytest.raises(ValueError, match="PyTorch has no layer 'three', only one, two"):
        parity.compare(same_shapes, SameShapes(), X, params=PARAMS, mapping={"first": "three"})


def test_a_mapping_of_layers_that_do_not_fit_is_refused():
    ours = layers.serial(layers.dense(5, 6), layers.dense(6, 3))
    with pytest.raises(ValueError, match="cannot be 'head'"):
        parity.compare(ours, strangers.Perceptron(), X, mapping={"0/dense": "head"})


def test_layers_that_do_not_fit_are_listed():
    ours = layers.serial(layers.dense(5, 7), layers.dense(7, 3))
    with pytest.raises(ValueError, match="do not match") as caught:
        parity.compare(ours, strangers.Perceptron(), X)
    assert "0/dense: bias (7,), kernel (5, 7) fits none" in str(caught.value)
    assert "hidden: weight (6, 5), bias (6,)" in str(caught.value)


def test_a_layer_too_many_is_listed():
    ours = layers.serial(layers.dense(5, 5), layers.dense(5, 5), layers.dense(5, 5))
    with pytest.raises(ValueError, match="do not match"):
        parity.compare(ours, SameShapes(), X)


def test_a_side_without_parameters_is_refused():
    with pytest.raises(ValueError, match="the PyTorch side has none"):
        parity.compare(layers.dense(5, 3), nn.Tanh(), X)


def test_another_number_of_outputs_is_refused():
    with pytest.raises(ValueError, match=r"JAX gives 2 .* and PyTorch 1 "):
        parity.compare(lambda x: (x, x), lambda x: x, X)


def test_layers_of_other_shapes_are_matched_in_any_order():
    class Reordered(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(5, 3), nn.Linear(5, 4)

        def forward(self, x):
            return self.left(x).sum(-1) + self.right(x).sum(-1)

    ours = layers.branches(
        layers.dense(5, 4),
        layers.dense(5, 3),
        combine=lambda outputs: outputs[0].sum(-1) + outputs[1].sum(-1),
    )
    report = parity.compare(ours, Reordered(), X)
    assert report.verdict == "rounding"
    assert {(d.jax_path, d.torch_path) for d in report.differences if d.kind == "layer"} == {
        ("0/dense", "right"),
        ("1/dense", "left"),
    }


def test_parameters_are_copied_to_pytorch_where_they_are_given():
    zeros = {"kernel": np.zeros((5, 3), np.float32), "bias": np.zeros(3, np.float32)}
    report = parity.compare(layers.dense(5, 3), nn.Linear(5, 3), X, params=zeros, gradients=False)
    assert report.verdict == "equal"


def test_a_layer_that_calls_its_base_is_one_layer():
    class Doubled(linen.Dense):
        @linen.compact
        def __call__(self, inputs):
            return 2 * super().__call__(inputs)

    class Original(nn.Linear):
        def forward(self, input):
            return 2 * super().forward(input)

    ours = linen.Sequential([Doubled(6), linen.Dense(3)])
    report = parity.compare(ours, nn.Sequential(Original(5, 6), nn.Linear(6, 3)), X)
    layers_of = [(d.jax_path, d.torch_path) for d in report.differences if d.kind == "layer"]
    assert layers_of == [("layers_0", "0"), ("layers_1", "1")]
    assert report.verdict != "semantic"
