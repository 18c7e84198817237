"""The twin's activations are PyTorch's own; what their docstrings say of PyTorch is so."""

import pytest
import torch
import torch.nn.functional as F

from torch_port import activations

X = torch.linspace(-9, 9, 101, dtype=torch.float64).reshape(1, 101)

PYTORCHS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": F.softplus,  # X stays below its threshold
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
}


def slope(function, *values):
    x = torch.tensor(values, requires_grad=True)
    return torch.autograd.grad(function(x).sum(), x)[0].tolist()


@pytest.mark.parametrize("name", PYTORCHS)
def test_an_activation_is_pytorchs_to_the_last_bit(name):
    assert torch.equal(getattr(activations, name)(X), PYTORCHS[name](X))


def test_settings_have_the_names_of_jaxnn():
    assert torch.equal(activations.leaky_relu(X, negative_slope=0.2), F.leaky_relu(X, 0.2))
    assert torch.equal(activations.elu(X, alpha=0.7), F.elu(X, 0.7))
    assert torch.equal(activations.gelu(X, approximate=True), F.gelu(X, approximate="tanh"))
    assert activations.softmax(X, axis=0).eq(1).all()
    assert activations.log_softmax(X, axis=0).eq(0).all()


def test_softplus_is_right_to_the_last_digit_where_pytorchs_is_not():
    x = torch.linspace(20.5, 60, 100, dtype=torch.float64)
    exactly = x + torch.log1p(torch.exp(-x))
    torch.testing.assert_close(activations.softplus(x), exactly, rtol=3e-16, atol=0)
    assert ((F.softplus(x) - exactly).abs() / exactly).max() > 5e-11


@pytest.mark.parametrize(
    ("name", "expected"), [("relu", 0), ("leaky_relu", 0.01), ("elu", 1), ("softplus", 0.5)]
)
def test_the_slope_at_a_kink(name, expected):
    assert slope(getattr(activations, name), 0.0) == pytest.approx([expected])


def test_pytorch_loses_the_slope_of_a_saturated_sigmoid():
    assert slope(activations.sigmoid, 17.0) == [0]


def test_pytorch_loses_the_tail_of_gelu_in_float32():
    for approximate in (False, True):
        assert activations.gelu(torch.tensor([-6.0]), approximate).tolist() == [0]
        assert activations.gelu(torch.tensor([-6.0]).double(), approximate).item() < 0


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_pytorch_gives_nan_at_minus_infinity(name):
    assert getattr(activations, name)(torch.tensor([-torch.inf])).isnan().all()
