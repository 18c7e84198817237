"""The twin's layers: PyTorch's modules, with the sizes, axes and names of `jaxnn`."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from torch_port import activations, layers
from torch_port.initializers import constant


def same_numbers(ours: nn.Module, pytorchs: nn.Module) -> bool:
    expected = pytorchs.state_dict()
    return all(torch.equal(value, expected[name]) for name, value in ours.state_dict().items())


@pytest.mark.parametrize("bias", [True, False])
def test_dense_starts_as_linear_does_at_the_same_seed(bias):
    torch.manual_seed(0)
    ours, our_state = layers.Dense(5, 3, use_bias=bias), torch.get_rng_state()
    torch.manual_seed(0)
    pytorchs = nn.Linear(5, 3, bias=bias)
    assert ours.state_dict().keys() == pytorchs.state_dict().keys()
    assert same_numbers(ours, pytorchs)
    assert torch.equal(our_state, torch.get_rng_state())


def test_dense_draws_from_its_generator_alone():
    before = torch.get_rng_state()
    first, second = (layers.Dense(5, 3, generator=torch.Generator().manual_seed(1)) for _ in "ab")
    assert same_numbers(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_dense_takes_initialisers_of_pytorchs_shape():
    seen = []
    shape_of = lambda generator, shape, dtype: seen.append(shape) or torch.ones(shape, dtype=dtype)
    layer = layers.Dense(5, 3, kernel_init=shape_of, bias_init=constant(2.0))
    assert seen == [(3, 5)]
    assert layer(torch.ones(1, 5)).tolist() == [[7.0] * 3]


def test_layers_follow_pytorchs_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        model = layers.Serial(layers.NormalizeImages(0.5, 0.5), layers.Dense(2, 2))
    finally:
        torch.set_default_dtype(torch.float32)
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float64}


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(2, 3),
        lambda: layers.BatchNorm(2),
        lambda: layers.LayerNorm(2),
        lambda: layers.Dropout(0.5),
        lambda: layers.Flatten(),
        lambda: layers.Activation(activations.relu),
        lambda: layers.NormalizeImages(0.5, 0.5),
        lambda: layers.Residual(layers.Dense(2, 2)),
        lambda: layers.Branches(layers.Dense(2, 2), layers.Dense(2, 2), combine=sum),
    ],
)
def test_a_layer_can_be_copied_saved_and_loaded(make, tmp_path):
    layer, x = make().eval(), torch.rand(3, 2)
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    fresh = make().eval()
    fresh.load_state_dict(torch.load(tmp_path / "layer.pt", weights_only=True))
    assert torch.equal(fresh(x), layer(x))
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Dense(0, 3), "dense: in_size must be a whole number"),
        (lambda: layers.Dense(3, 2.5), "dense: out_size must be a whole number"),
        (lambda: layers.Dropout(1.0), r"dropout: rate must be a number in \[0, 1\), got 1.0"),
        (lambda: layers.BatchNorm(0), "batch_norm: size"),
        (lambda: layers.BatchNorm(3, momentum=1.1), "batch_norm: momentum"),
        (lambda: layers.BatchNorm(3, epsilon=0.0), "batch_norm: epsilon"),
        (lambda: layers.LayerNorm(3, epsilon=-1.0), "layer_norm: epsilon"),
        (lambda: layers.NormalizeImages(0.5, 0.0), "normalize_images: std"),
        (lambda: layers.NormalizeImages([0.1, 0.2], [1.0] * 3), "as many channels"),
        (lambda: layers.Branches(combine=sum), "at least one layer"),
    ],
)
def test_wrong_settings_are_refused_when_the_layer_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("shape", [(6, 4), (6, 5, 4), (2, 3, 5, 4)])
def test_batch_norm_has_its_features_last_where_pytorch_has_them_second(shape):
    x = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours, pytorchs = layers.BatchNorm(4).double(), nn.BatchNorm1d(4).double()
    expected = pytorchs(x.reshape(shape[0], -1, 4).movedim(-1, 1)).movedim(1, -1).reshape(shape)
    torch.testing.assert_close(ours(x), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(dict(ours.state_dict()), dict(pytorchs.state_dict()))


def test_batch_norm_of_one_value_per_feature_is_refused():
    with pytest.raises(ValueError, match="more than one value per feature"):
        layers.BatchNorm(3)(torch.ones(1, 3))


def test_a_dropout_mask_does_what_dropout_does():
    x, rate = torch.arange(1.0, 1001), 0.3
    dropped = layers.Dropout(rate)(x)
    torch.testing.assert_close(layers.apply_mask(x, dropped != 0, rate), dropped)
    mask = layers.keep_mask(torch.Generator().manual_seed(0), rate, x.shape)
    assert mask.dtype == torch.bool
    assert mask.float().mean().item() == pytest.approx(0.7, abs=0.05)
    assert torch.equal(layers.Dropout(rate).eval()(x), x)


def test_the_pixels_statistics_are_saved_and_moved_with_the_model():
    layer = layers.NormalizeImages([0.1, 0.2], [0.5, 2.0])
    assert list(layer.state_dict()) == ["mean", "std"]
    assert not list(layer.parameters())
    images = torch.tensor([[0, 255]], dtype=torch.uint8)
    assert layer.double()(images).dtype == torch.float64
    torch.testing.assert_close(
        layer(images), torch.tensor([[-0.2, 0.4]]).double(), rtol=1e-6, atol=0
    )
    assert torch.equal(layer(images), layer(images.double() / 255))


@pytest.mark.parametrize(
    "images", [torch.zeros(1, 2).int(), torch.zeros(1, 2).double(), torch.zeros(1, 1)]
)
def test_images_that_pytorch_would_promote_or_broadcast_are_refused(images):
    with pytest.raises(ValueError, match="normalize_images: images must"):
        layers.NormalizeImages([0.1, 0.2], [0.5, 2.0])(images)


def test_an_activation_is_named_after_its_function():
    assert repr(layers.Activation(activations.leaky_relu)) == "leaky_relu()"
    assert repr(layers.Activation(partial(activations.elu, alpha=2.0))) == "elu()"


def test_a_residual_layer_that_changes_the_shape_is_refused():
    model = layers.Residual(layers.Dense(3, 1))
    with pytest.raises(ValueError, match=r"must keep torch.float32 of shape \(5, 3\)"):
        model(torch.ones(5, 3))


def nested() -> nn.Sequential:
    """`jaxnn`'s tree of the same calls has the same paths."""
    return layers.Serial(
        layers.Dense(4, 3),
        layers.Residual(layers.Serial(layers.BatchNorm(3), layers.Activation(activations.relu))),
        layers.Branches(layers.Dense(3, 2), layers.Dropout(0.5), combine=partial(torch.cat, dim=1)),
        layers.Serial(),
    )


PATHS = ["0/dense", "1/0/0/batch_norm", "1/0/1/relu", "2/0/dense", "2/1/dropout"]


def test_intermediates_are_the_outputs_of_the_leaves_in_order():
    model, x = nested().eval(), torch.rand(6, 4)
    outputs = layers.intermediates(model, x)
    assert list(outputs) == PATHS
    assert torch.equal(outputs["0/dense"], model[0](x))
    last = torch.cat([outputs["2/0/dense"], outputs["2/1/dropout"]], 1)
    assert torch.equal(last, model(x))


def test_intermediates_leave_the_model_as_it_was():
    model = nested().train()
    with pytest.raises(ValueError, match="dense: input must have 4 features"):
        layers.intermediates(model, torch.ones(6, 5))
    assert not any(module._forward_hooks for module in model.modules())
    layers.intermediates(model, torch.rand(6, 4))
    assert not any(module._forward_hooks for module in model.modules())
    assert all(module.training for module in model.modules())


def test_a_module_in_two_places_has_two_outputs():
    shared = layers.Dense(2, 2)
    outputs = layers.intermediates(layers.Serial(shared, nn.ReLU(), shared), torch.rand(1, 2))
    assert list(outputs) == ["0/dense", "1/re_lu", "2/dense"]
    assert torch.equal(outputs["2/dense"], shared(outputs["1/re_lu"]))


def test_modules_of_ones_own_have_their_own_names():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last, self.none = nn.Linear(2, 2), nn.Linear(2, 1), None

        def forward(self, x):
            return self.last(self.first(x))

    assert [row.path for row in layers.summary(Network())] == ["first/linear", "last/linear"]
    assert list(layers.intermediates(Network(), torch.ones(1, 2))) == [
        "first/linear",
        "last/linear",
    ]


def test_map_layers_rebuilds_the_network_and_leaves_the_old_one():
    model = nested().eval()
    without = layers.map_layers(
        lambda path, leaf: layers.Serial() if path.endswith("dropout") else leaf, model
    )
    assert [row.path for row in layers.summary(without)] == PATHS[:-1]
    assert [row.path for row in layers.summary(model)] == PATHS
    assert without[0].weight is model[0].weight
    assert not without.training
    assert without(torch.rand(6, 4)).shape == (6, 5)


def test_a_summary_shows_pytorchs_names_and_shapes():
    rows = layers.summary(nested())
    assert rows[0] == ("0/dense", {"weight": (3, 4), "bias": (3,)}, 15)
    assert rows[1] == ("1/0/0/batch_norm", {"weight": (3,), "bias": (3,)}, 6)
    assert rows.parameters == sum(p.numel() for p in nested().parameters())
