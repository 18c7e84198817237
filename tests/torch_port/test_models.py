"""The twin's networks: PyTorch's `Sequential`, its parameters named by place."""

import math

import pytest
import torch
from torch import nn

from torch_port import initializers, layers, models
from torch_port.activations import tanh

IMAGES = torch.randint(
    256, (5, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


def kinds(model: nn.Sequential) -> list[str]:
    return [row.path.partition("/")[2] for row in layers.summary(model)]


def seeded(make, seed=0):
    return make(generator=torch.Generator().manual_seed(seed))


def test_parameters_are_named_by_place():
    assert list(models.SimpleNN().state_dict()) == [
        "0.mean", "0.std", "2.weight", "2.bias", "4.weight", "4.bias", "6.weight", "6.bias",
    ]  # fmt: skip


def test_between_two_dense_layers_stand_norm_activation_and_dropout():
    model = models.MLP((4, 3, 2), activation=tanh, batch_norm=True, dropout=0.5)
    assert kinds(model) == ["dense", "batch_norm", "tanh", "dropout", "dense"]
    assert kinds(models.MLP((4, 2))) == ["dense"]


def test_the_lectures_network_takes_raw_images():
    model = seeded(models.SimpleNN)
    assert model(IMAGES).shape == (5, 10)
    assert torch.equal(model(IMAGES), model(IMAGES.float() / 255))
    assert layers.summary(model).parameters == 235_146


def test_with_softmax_the_same_network_gives_probabilities():
    plain = seeded(models.SimpleNN)
    printed = seeded(lambda generator: models.SimpleNN(softmax_output=True, generator=generator))
    assert kinds(printed) == [*kinds(plain), "softmax"]
    assert torch.equal(printed(IMAGES), plain(IMAGES).softmax(-1))


def test_confident_probabilities_leave_the_loss_of_logits_above_a_floor():
    probabilities = torch.eye(10, dtype=torch.float64)
    floor = nn.functional.cross_entropy(probabilities, torch.arange(10)).item()
    assert floor == pytest.approx(math.log(1 + 9 / math.e))


@pytest.mark.parametrize(
    "make",
    [
        models.SimpleNN,
        lambda generator: models.MLP((4, 3, 2), generator=generator),
        lambda generator: models.ImageClassifier((2, 2), (3,), 2, generator=generator),
    ],
)
def test_a_generator_decides_every_initial_parameter(make):
    before = torch.get_rng_state()
    first, second, other = seeded(make), seeded(make), seeded(make, 1)
    assert torch.equal(torch.get_rng_state(), before)
    vector = lambda model: nn.utils.parameters_to_vector(model.parameters())
    assert torch.equal(vector(first), vector(second))
    assert not torch.equal(vector(first), vector(other))


def test_without_one_pytorchs_seed_does_and_the_numbers_are_those_of_linear_layers():
    torch.manual_seed(0)
    ours = models.MLP((4, 3, 2))
    torch.manual_seed(0)
    pytorchs = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    x = torch.ones(1, 4)
    assert torch.equal(ours(x), pytorchs(x))


def test_kernels_are_drawn_as_told_and_biases_as_ever():
    model = models.MLP((4, 3, 2), kernel_init=initializers.zeros)
    assert not any(model[i].weight.any() for i in (0, 2))
    assert all(model[i].bias.all() for i in (0, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.MLP((4,)), r"sizes must hold input and output at least, got \(4,\)"),
        (lambda: models.MLP((4, 0, 2)), "sizes must be a whole number of at least 1, got 0"),
        (lambda: models.MLP((4, 3, 2), dropout=1.0), "dropout: rate"),
    ],
)
def test_wrong_sizes_and_rates_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_network_without_its_last_layer_is_a_sequential():
    model = models.SimpleNN()
    assert kinds(model[:-1]) == kinds(model)[:-1]
    assert model[2] is model.get_submodule("2")
    assert model[:-1](IMAGES).shape == (5, 128)
