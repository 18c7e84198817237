"""What could fool the ladder, each with its right answer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen
from torch import nn
from torch.nn import functional

from tests.parity.right_pairs import X, lively, normal, twins
from torch_port import parity


def sine_in_float32(factor):
    return lambda x: jnp.sin(x.astype(jnp.float32) * jnp.float32(factor))


def test_a_hidden_cast_to_float32_is_named_and_float32_decides():
    report = parity.compare(sine_in_float32(2), lambda x: torch.sin(2 * x), X)
    assert report.verdict == "rounding"
    assert "JAX casts to float32" in str(report)


def test_a_fault_beside_a_hidden_cast_is_still_found():
    report = parity.compare(sine_in_float32(2.0001), lambda x: torch.sin(2 * x), X)
    assert report.verdict == "semantic"


def test_a_hidden_cast_of_pytorch_is_named():
    report = parity.compare(jnp.sin, lambda x: torch.sin(x.float()).to(x), X)
    assert report.verdict == "rounding"
    assert "PyTorch casts to float32" in str(report)


@pytest.mark.parametrize(
    ("ours", "theirs", "framework"),
    [
        (lambda x: np.float32(0.9) * x, lambda x: 0.9 * x, "JAX"),
        (lambda x: 0.9 * x, lambda x: torch.tensor([0.9], dtype=torch.float32) * x, "PyTorch"),
    ],
)
def test_a_constant_held_in_float32_is_named(ours, theirs, framework):
    report = parity.compare(ours, theirs, X)
    assert report.verdict in ("equal", "rounding")
    assert f"{framework} holds a constant in float32" in str(report)


def test_one_pass_variance_is_rounding_and_the_bad_side_is_named():
    ours, theirs = linen.LayerNorm(epsilon=1e-5), nn.LayerNorm(64)
    report = parity.compare(ours, theirs, np.float32(1e3) + normal(8, 64), gradients=False)
    assert report.verdict == "rounding"
    assert "JAX is" in str(report)
    assert "less accurate" in str(report)


def test_a_gradient_whose_true_value_is_zero_is_called_noise():
    ours, theirs, inputs, settings = twins(depth=2, norm=True, train=True)
    report = parity.compare(ours, theirs, inputs, **settings)
    assert report.verdict == "rounding"
    assert "gradient 3/dense/bias: in float32 it is noise" in "\n".join(report.notes)


def test_a_kink_is_named():
    report = parity.compare(lambda x: x.max(-1), lambda x: x.max(-1)[0], np.ones((2, 3)))
    assert report.verdict == "semantic"
    assert report.first.kind == "input gradient"
    assert "at a kink or a tie" in report.first.judgement.note


def test_flushed_denormals_are_rounding():
    report = parity.compare(jnp.exp, torch.exp, np.float32([-100.0, -1.0, 0.0]))
    assert report.verdict == "rounding"


def test_a_module_that_draws_for_itself_is_refused():
    noisy = lambda x: x + torch.randn_like(x)
    with pytest.raises(ValueError, match="draws random numbers other than dropout's masks"):
        parity.compare(lambda x: x, noisy, X)


def test_dropout_called_as_a_function_gets_the_mask_too():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(5, 3)

        def forward(self, x):
            return functional.dropout(self.out(x), 0.5, self.training)

    class LinenNet(linen.Module):
        @linen.compact
        def __call__(self, x, deterministic):
            return linen.Dropout(0.5)(linen.Dense(3)(x), deterministic=deterministic)

    report = parity.compare(LinenNet(), lively(Net()), X, train=True)
    assert report.verdict == "rounding", str(report)


def test_the_random_numbers_and_the_precision_of_the_user_stay_as_they_are():
    before, dtype = torch.get_rng_state(), torch.get_default_dtype()
    module = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    copy = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    after_making = torch.get_rng_state()
    parity.compare(jnp.sin, torch.sin, X)
    from jaxnn import layers

    ours = layers.serial(layers.dense(5, 4), layers.batch_norm(4), layers.dropout(0.5))
    parity.compare(ours, module, X, train=True)
    assert not torch.equal(before, after_making)
    assert torch.equal(torch.get_rng_state(), after_making)
    assert torch.get_default_dtype() == dtype
    assert all(torch.equal(tensor, copy[name]) for name, tensor in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())


def test_a_program_that_branches_on_values_is_compared():
    ours = lambda x: jnp.sin(x) if x.sum() > 0 else jnp.cos(x)
    theirs = lambda x: torch.sin(x) if x.sum() > 0 else torch.cos(x)
    assert parity.compare(ours, theirs, np.abs(X)).verdict == "rounding"
    assert parity.compare(ours, torch.cos, np.abs(X)).verdict == "semantic"


def test_a_layer_used_twice_is_followed_twice():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.same = nn.Linear(5, 5)

        def forward(self, x):
            return self.same(torch.tanh(self.same(x)))

    class LinenNet(linen.Module):
        @linen.compact
        def __call__(self, x):
            same = linen.Dense(5)
            return same(jax.nn.tanh(same(x)))

    report = parity.compare(LinenNet(), Net(), X)
    assert report.verdict == "rounding"
    assert [d.jax_path for d in report.differences[:2]] == ["Dense_0", "Dense_0#2"]
