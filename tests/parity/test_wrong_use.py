"""What is used wrongly gets an error that says what was expected and what came, or a verdict."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen
from torch import nn

from jaxnn import layers
from tests.parity.right_pairs import X, normal
from torch_port import parity

IMAGES = normal(2, 6, 5, 3)


class Noisy(linen.Module):
    @linen.compact
    def __call__(self, x):
        return x + jax.random.normal(self.make_rng("noise"), x.shape)


class Failing(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(5, 6), nn.Linear(5, 3)

    def forward(self, x):
        return self.second(self.first(x))


def dense():
    return layers.serial(layers.dense(5, 6), layers.dense(6, 3))


def network():
    return nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 3))


TYPE_ERRORS = {
    "a string for the JAX side": (("dense", nn.Linear(5, 3), X), "JAX side must be .* got str"),
    "a string for the PyTorch side": ((jnp.sin, "sin", X), "PyTorch side must be .* got str"),
    "nothing for a side": ((None, torch.sin, X), "JAX side must be .* got NoneType"),
    "a class for a module": ((jnp.sin, nn.Tanh, X), "got the class Tanh; make an instance"),
    "a Flax class for a module": ((linen.Dense, nn.Linear(5, 3), X), "got the class Dense"),
    "the sides exchanged": ((nn.Tanh(), jnp.tanh, X), "JAX side comes first .* Tanh first"),
    "two sides of JAX": ((jnp.tanh, layers.dense(5, 3), X), "PyTorch side second, got a Layer"),
    "a string for an input": ((jnp.sin, torch.sin, "x"), "input 0 must be .* got str"),
    "an object for an input": ((jnp.sin, torch.sin, object()), "input 0 .* got object"),
    "complex numbers": ((jnp.sin, torch.sin, np.ones(3, complex)), "dtype complex128"),
    "inputs in a dictionary": ((jnp.sin, torch.sin, {"x": X}), "a tuple of them.* got a dict"),
    "inputs in a list": ((jnp.sin, torch.sin, [X]), "a tuple of them.* got a list"),
    "a list for a mapping": (
        (dense(), network(), X, {"mapping": ["0"]}), "mapping must be a dict .* got list"
    ),
    "a number in a mapping": (
        (dense(), network(), X, {"mapping": {0: "0"}}), "mapping must be of strings, got 0: '0'"
    ),
}  # fmt: skip

VALUE_ERRORS = {
    "another number of outputs": (
        (lambda x: (x, x), lambda x: x, X), r"JAX gives 2 \(0 \(8, 5\), 1 \(8, 5\)\) and PyTorch 1"
    ),
    "other names of outputs": (
        (lambda x: {"a": x, "b": x}, lambda x: {"a": x, "c": x}, X), "must have the same names"
    ),
    "nothing returned by JAX": ((lambda x: None, torch.sin, X), "JAX side must return arrays"),
    "nothing returned by PyTorch": ((jnp.sin, lambda x: None, X), "PyTorch side must return"),
    "an empty batch": ((jnp.sin, torch.sin, X[:0]), r"JAX side are empty, of shape \(0, 5\)"),
    "another number of parameters": ((dense(), nn.Linear(5, 6), X), "parameters do not match"),
    "no parameters on one side": ((jnp.sin, nn.Linear(5, 3), X), "JAX side has none"),
    "a JAX side that raises": (
        (dense(), network(), normal(8, 4)), "JAX side raised .* in its layer '0/dense'"
    ),
    "a PyTorch side that raises": (
        (dense(), Failing(), X), "PyTorch side raised RuntimeError in its layer 'second': mat1"
    ),
    "a PyTorch function that raises": ((jnp.sin, lambda x: x / "a", X), "TypeError"),
    "an input too many for JAX": ((jnp.sin, torch.add, (X, X)), "JAX side raised TypeError"),
    "an input too many for PyTorch": ((jnp.add, torch.sin, (X, X)), "PyTorch side raised TypeErr"),
    "an input too few": ((jnp.add, torch.add, X), "JAX side raised TypeError"),
    "a module that needs a key": ((Noisy(), nn.Identity(), X), "JAX side raised InvalidRngError"),
    "NumPy's draws in JAX": (
        (lambda x: x + np.random.default_rng().random(), lambda x: x, X),
        "JAX side computes something else each time",
    ),
    "NumPy's draws in PyTorch": (
        (lambda x: x, lambda x: x + np.random.default_rng().random(), X),
        "PyTorch side computes something else each time",
    ),
    "PyTorch's draws": ((lambda x: x, lambda x: x + torch.rand(()), X), "draws random numbers"),
    "one value to a channel": (
        (layers.batch_norm(5), nn.BatchNorm1d(5), X[:1], {"train": True}),
        "JAX side raised LayerError in its layer .batch_norm.",
    ),
    "a mapping to nowhere": (
        (dense(), network(), X, {"mapping": {"0/dens": "0"}}),
        "JAX has no layer '0/dens', near it are 0/dense",
    ),
    "a mapping of a layer to a parameter": (
        (dense(), network(), X, {"mapping": {"0/dense": "0.weight"}}),
        "'0/dense' and '0.weight' must be two layers or two parameters",
    ),
}  # fmt: skip

VERDICTS = {
    "another shape": ((lambda x: x.sum(0), lambda x: x.sum(1), X), "semantic"),
    "NaN on one side": ((jnp.log, lambda x: torch.log(x.abs()), X), "semantic"),
    "NaN on both sides": ((jnp.log, torch.log, X), "rounding"),
    "infinite on both sides": ((lambda x: x / 0, lambda x: x / 0, X), "equal or rounding"),
    "a dictionary and a dictionary in another order": (
        (lambda x: {"b": jnp.sin(x), "a": x}, lambda x: {"b": x.sin(), "a": x}, X), "rounding"
    ),
    "a tuple and a dictionary": (
        (lambda x: (x, jnp.sin(x)), lambda x: {"one": x, "two": x.sin()}, X), "rounding"
    ),
    "integers in and out": ((lambda x: x + 1, lambda x: x + 1, np.arange(4)), "equal"),
    "booleans": ((lambda x: ~x, lambda x: ~x, np.array([True, False])), "equal"),
    "a batch of one": ((dense(), network(), X[:1]), "rounding"),
    "a number": ((jnp.sin, torch.sin, 0.5), "equal or rounding"),
    "no inputs' gradients": ((jnp.round, torch.round, X), "equal"),
}  # fmt: skip


def compared(ours, theirs, inputs, settings=None):
    return parity.compare(ours, theirs, inputs, **(settings or {}))


@pytest.mark.parametrize("name", TYPE_ERRORS)
def test_a_wrong_type_is_refused(name):
    arguments, message = TYPE_ERRORS[name]
    with pytest.raises(TypeError, match=message):
        compared(*arguments)


@pytest.mark.parametrize("name", VALUE_ERRORS)
def test_a_wrong_value_is_refused(name):
    arguments, message = VALUE_ERRORS[name]
    with pytest.raises(ValueError, match=message) as caught:
        compared(*arguments)
    assert str(caught.value).startswith("compare: ")
    assert (caught.value.__cause__ is not None) == ("raised" in str(caught.value))


@pytest.mark.parametrize("name", VERDICTS)
def test_what_can_be_compared_gets_a_verdict(name):
    arguments, verdict = VERDICTS[name]
    report = compared(*arguments)
    assert report.verdict in verdict, str(report)


def test_shapes_that_differ_are_named():
    report = parity.compare(lambda x: x.sum(0), lambda x: x.sum(1), X)
    assert report.first.kind == "output"
    assert report.first.judgement.note == "the shapes are (5,) and (8,)"


def test_outputs_without_common_names_are_taken_in_order_and_the_report_says_so():
    report = parity.compare(lambda x: (x, jnp.sin(x)), lambda x: {"one": x, "two": x.sin()}, X)
    assert any(note.startswith("outputs are taken in order") for note in report.notes)


def test_a_side_that_changes_its_inputs_changes_those_of_nobody_else():
    x = X.copy()
    tensor = torch.from_numpy(X.copy())
    for given in (x, tensor):
        report = parity.compare(lambda x: 2 * x, lambda x: x.mul_(2), given)
        assert report.verdict == "equal"
    assert np.array_equal(x, X)
    assert np.array_equal(tensor.numpy(), X)


def test_layers_of_other_shapes_are_listed_as_not_compared():
    heads = linen.DenseGeneral((2, 3))
    flat = nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (2, 3)))
    report = parity.compare(linen.Sequential([heads]), flat, np.ones((5, 4), np.float32))
    assert report.verdict == "rounding"
    assert "layer layers_0 | 0, for their shapes differ" in report.not_compared
