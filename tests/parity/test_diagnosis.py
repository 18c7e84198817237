"""Causes are named, proved and placed; what is not known is described."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen
from torch.nn import functional

from torch_port import parity

X = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(8, 8)
        self.norm = torch.nn.LayerNorm(8)
        self.second = torch.nn.Linear(8, 4)

    def forward(self, x):
        return self.second(functional.gelu(self.norm(self.first(x))))


class Port(linen.Module):
    epsilon: float = 1e-5
    approximate: bool = False
    factor: float = 1.0

    @linen.compact
    def __call__(self, x):
        x = linen.LayerNorm(epsilon=self.epsilon)(linen.Dense(8)(x))
        return self.factor * linen.Dense(4)(jax.nn.gelu(x, approximate=self.approximate))


def ids(report):
    return [[cause.id for cause in fault.causes] for fault in report.faults]


def test_a_constant_is_recovered_with_its_place_and_the_fix():
    (fault,) = parity.compare(Port(epsilon=3e-6), Net(), X).faults
    (cause,) = fault.causes
    assert cause.id == "normalization-epsilon"
    assert cause.constants == {"torch": 1e-5, "jax": 3e-6}
    assert (cause.jax_path, cause.torch_path) == ("LayerNorm_0", "norm")
    assert "epsilon=1e-05" in cause.fix
    assert "eps=3e-06" in cause.fix
    assert "to rounding" in cause.evidence


def test_two_mistakes_in_two_places_are_two_faults():
    report = parity.compare(Port(epsilon=1e-6, approximate=True), Net(), X)
    assert ids(report) == [["normalization-epsilon"], ["gelu-approximation"]]
    assert [fault.difference.jax_path for fault in report.faults] == ["LayerNorm_0", "Dense_1"]


SQUARE = X[:3, 3:6]

TWO_IN_ONE_PLACE = {
    ("loss-reduction", "gelu-approximation"): (
        lambda x, w: jnp.sum(jax.nn.gelu(x @ w) ** 2),
        lambda x, w: functional.gelu(x @ w).square().mean(),
    ),
    ("kernel-transposed", "leaky-relu-slope"): (
        lambda x, w: jnp.tanh(jax.nn.leaky_relu(x @ w.T, 0.05)),
        lambda x, w: torch.tanh(functional.leaky_relu(x @ w)),
    ),
    ("loss-constant-factor", "elu-alpha"): (
        lambda x, w: jnp.mean((jax.nn.elu(x @ w, 0.7) - 1) ** 2) / 2,
        lambda x, w: functional.mse_loss(functional.elu(x @ w), torch.ones(6, 3)),
    ),
    ("activation-missing", "variance-correction"): (
        lambda x, w: jnp.std(x @ w, 0),
        lambda x, w: torch.tanh(x @ w).std(0),
    ),
}


@pytest.mark.parametrize("expected", TWO_IN_ONE_PLACE, ids=" and ".join)
def test_two_mistakes_in_one_place_are_named_together(expected):
    (fault,) = parity.compare(*TWO_IN_ONE_PLACE[expected], (X[:, :3], SQUARE)).faults
    assert {cause.id for cause in fault.causes} == {*expected}
    assert "both together" in fault.causes[0].evidence


def test_no_fit_is_described_and_no_cause_is_claimed():
    report = parity.compare(Port(factor=1.37), Net(), X)
    (fault,) = report.faults
    assert fault.causes == ()
    assert "PyTorch is 0.729927 times JAX everywhere" in fault.evidence
    assert report.verdict == "semantic"


def test_explanations_that_fit_alike_are_parted_by_other_values():
    # of positive numbers a ReLU and no activation make the same
    (fault,) = parity.compare(
        lambda x: jax.nn.silu(x), lambda x: functional.elu(x) - 0.0, np.abs(X) + 0.1
    ).faults
    assert [cause.id for cause in fault.causes] == ["activation-different"]
    assert fault.causes[0].constants["jax"] == "silu"


def test_what_the_given_values_hide_is_found_by_others():
    report = parity.compare(jax.nn.softplus, functional.softplus, X)
    assert report.verdict == "rounding"
    (note,) = report.notes
    assert note.startswith("the same on these values, but not with all inputs times 30: softplus")


@pytest.mark.parametrize("right", [jnp.tanh, jax.nn.silu, lambda x: x / (1 + jnp.exp(-x))])
def test_right_functions_hide_nothing(right):
    theirs = torch.tanh if right is jnp.tanh else functional.silu
    assert parity.compare(right, theirs, X).notes == ()


def test_a_parameter_without_a_partner_is_named_though_it_is_zero():
    module = torch.nn.Linear(8, 4)
    torch.nn.init.zeros_(module.bias)
    (fault,) = parity.compare(linen.Dense(4, use_bias=False), module, X).faults
    assert [cause.id for cause in fault.causes] == ["bias-missing"]
    assert fault.difference.kind == "parameter"


class WrittenOutGelu(torch.nn.Module):
    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def test_an_activation_that_a_module_writes_out_is_known_as_a_whole():
    module = torch.nn.Sequential(torch.nn.Linear(8, 5), WrittenOutGelu(), torch.nn.Linear(5, 3))
    exact = lambda x: jax.nn.gelu(x, approximate=False)
    port = linen.Sequential([linen.Dense(5), exact, linen.Dense(3)])
    (fault,) = parity.compare(port, module, X).faults
    assert [cause.id for cause in fault.causes] == ["gelu-approximation"]


def test_what_a_change_calls_is_not_counted_among_the_calls():
    images, kernel = np.abs(X), np.float32(np.eye(8)) + X[:1]
    scaled = lambda x, w: jax.nn.leaky_relu((2 * x - 1) @ w, 0.2)
    (fault,) = parity.compare(
        scaled, lambda x, w: functional.leaky_relu(x @ w), (images, kernel)
    ).faults
    assert {cause.id for cause in fault.causes} == {"input-scaling", "leaky-relu-slope"}


def test_a_kernel_without_a_partner_is_told_and_not_called_a_scale():
    class Extra(torch.nn.Linear):
        def __init__(self):
            super().__init__(8, 4)
            self.unused = torch.nn.Parameter(torch.zeros(2, 3))

    (fault,) = parity.compare(linen.Dense(4), Extra(), X).faults
    assert fault.causes == ()
    assert fault.evidence == "unused is there on the PyTorch side only"
