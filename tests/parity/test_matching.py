"""Parameters are matched by order, structure and shape; what is ambiguous is an error."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen, nnx
from torch import nn

from jaxnn import layers
from tests.parity import strangers
from tests.parity.layer_pairs import LAYER_PAIRS, NnxCell, TorchCell
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


class TwoScales(nn.Module):
    """A layer with two parameters of the same shape under names of its own."""

    def __init__(self):
        super().__init__()
        self.norm = nn.Module()
        self.norm.stretch = nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))
        self.norm.push = nn.Parameter(torch.tensor([5.0, 3.0, 1.0, -1.0, -3.0]))

    def forward(self, x):
        return x * self.norm.stretch + self.norm.push


def two_scales(params, x):
    add, times = (jnp.broadcast_to(params["norm"][name], x.shape) for name in ("add", "times"))
    return x * times + add


TWO = {"norm": {"add": normal(5, seed=1), "times": normal(5, seed=2)}}


def test_parameters_of_a_layer_that_only_shapes_could_tell_apart_are_ambiguous():
    with pytest.raises(ValueError, match="'norm/add' of JAX may be any of") as caught:
        parity.compare(two_scales, TwoScales(), X, params=TWO)
    assert "mapping={'norm/add': 'norm.stretch', 'norm/times': 'norm.push'}" in str(caught.value)


def test_a_mapping_of_single_parameters_settles_it():
    mapping = {"norm/add": "norm.push", "norm/times": "norm.stretch"}
    report = parity.compare(two_scales, TwoScales(), X, params=TWO, mapping=mapping)
    assert report.verdict != "semantic", str(report)


def test_of_two_biases_the_sum_counts_and_the_report_says_so():
    ours, theirs, inputs, _ = LAYER_PAIRS["linen GRU cell"]()
    report = parity.compare(ours, theirs, inputs, gradients=False)
    assert report.notes[0] == (
        "of PyTorch's cell.bias_ih and cell.bias_hh only the sum counts, but for the candidate "
        "gate: the first was given it, and the second 0"
    )


def test_a_bias_that_flax_does_not_have_is_named():
    ours = NnxCell(nnx.GRUCell(5, 4, rngs=nnx.Rngs(0)))
    report = parity.compare(ours, TorchCell(nn.GRUCell(5, 4)), X, gradients=False)
    assert report.verdict == "semantic"
    assert ("", "cell.bias_hh") in {(d.jax_path, d.torch_path) for d in report.differences}
