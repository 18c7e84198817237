"""The twin's initialisers: PyTorch's draws, its shape (out, in), the distributions of `jaxnn`."""

import math

import pytest
import torch
from torch import nn
from torch.nn import init

from torch_port import initializers

BY_SHAPE = {
    "lecun_normal": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "lecun_uniform": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "glorot_normal": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "glorot_uniform": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "he_normal": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "he_uniform": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "torch_linear": lambda fan_in, fan_out: math.sqrt(1 / (3 * fan_in)),
}
"""The standard deviations of the initialisers whose scale follows from the shape."""

EVERY = {
    "zeros": initializers.zeros,
    "constant": initializers.constant(0.5),
    "normal": initializers.normal(0.1),
    "truncated_normal": initializers.truncated_normal(0.1),
    "uniform": initializers.uniform(0.1),
    "torch_linear_bias": initializers.torch_linear_bias(9),
    "orthogonal": initializers.orthogonal,
} | {name: getattr(initializers, name) for name in BY_SHAPE}

every = pytest.mark.parametrize("initializer", EVERY.values(), ids=EVERY)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_generator_decides_every_number(initializer, dtype):
    before = torch.get_rng_state()
    drawn = initializer(seeded(), (5, 3), dtype)
    assert drawn.shape == (5, 3)
    assert drawn.dtype == dtype
    assert torch.equal(drawn, initializer(seeded(), (5, 3), dtype))
    assert torch.equal(torch.get_rng_state(), before)


@every
def test_without_a_generator_pytorchs_global_one_is_used(initializer):
    torch.manual_seed(7)
    drawn = initializer(None, (5, 3))
    assert torch.equal(drawn, initializer(seeded(7), (5, 3)))


@pytest.mark.parametrize("shape", [(300, 200), (60, 40, 3, 3)])
@pytest.mark.parametrize("name", BY_SHAPE)
def test_the_standard_deviation_follows_from_out_and_in(name, shape):
    """In a convolution's shape the sizes that follow multiply both."""
    fan_out, fan_in = (size * math.prod(shape[2:]) for size in shape[:2])
    drawn = getattr(initializers, name)(seeded(), shape, torch.float64)
    assert drawn.std().item() == pytest.approx(BY_SHAPE[name](fan_in, fan_out), rel=0.02)
    assert abs(drawn.mean().item()) < 0.02 * drawn.std().item()


@pytest.mark.parametrize(
    ("name", "pytorchs"),
    [
        ("glorot_uniform", init.xavier_uniform_),
        ("he_uniform", init.kaiming_uniform_),
        ("orthogonal", init.orthogonal_),
    ],
)
def test_where_pytorch_has_it_the_numbers_are_pytorchs(name, pytorchs):
    expected = pytorchs(torch.empty(5, 3), generator=seeded())
    assert torch.equal(getattr(initializers, name)(seeded(), (5, 3)), expected)


def test_torch_linear_is_what_a_linear_layer_starts_from():
    torch.manual_seed(3)
    layer = nn.Linear(4, 6)
    generator = seeded(3)
    assert torch.equal(initializers.torch_linear(generator, (6, 4)), layer.weight)
    assert torch.equal(initializers.torch_linear_bias(4)(generator, (6,)), layer.bias)


@pytest.mark.parametrize(
    ("name", "pytorchs"),
    [("glorot_normal", init.xavier_normal_), ("he_normal", init.kaiming_normal_)],
)
def test_normals_are_truncated_where_pytorchs_are_not(name, pytorchs):
    bound = 2 * BY_SHAPE[name](300, 200) / initializers.STD_OF_TRUNCATED
    assert getattr(initializers, name)(seeded(), (200, 300)).abs().max() <= bound
    assert pytorchs(torch.empty(200, 300), generator=seeded()).abs().max() > bound


def test_truncated_normal_is_cut_off_at_two_standard_deviations_and_is_not_corrected():
    drawn = initializers.truncated_normal(0.01)(seeded(), (100_000,), torch.float64)
    assert drawn.abs().max() <= 0.02
    assert drawn.std().item() == pytest.approx(0.01 * initializers.STD_OF_TRUNCATED, rel=0.01)


def test_a_width_of_zero_gives_zeros():
    for make in (initializers.normal, initializers.truncated_normal, initializers.uniform):
        assert make(0.0)(seeded(), (3,)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["normal", "truncated_normal", "uniform"])
@pytest.mark.parametrize("width", [-1.0, math.nan, math.inf])
def test_a_width_that_is_none_is_refused(name, width):
    with pytest.raises(ValueError, match=rf"{name}: \w+ must be a number in \[0, inf\)"):
        getattr(initializers, name)(width)


@pytest.mark.parametrize("name", BY_SHAPE)
def test_a_shape_without_in_and_out_is_refused(name):
    with pytest.raises(ValueError, match=r"\(out, in, ...\)|fewer than 2 dimensions"):
        getattr(initializers, name)(seeded(), (3,))


def test_what_is_made_has_a_name_for_summaries():
    assert initializers.truncated_normal(0.02).__name__ == "truncated_normal(0.02)"
