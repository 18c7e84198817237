"""Parameters, statistics, masks and files from one framework to the other and back."""

from copy import deepcopy
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from jaxnn import checkpoint, layers, losses, models, optim, train
from jaxnn.activations import relu
from jaxnn.typing import Dataset
from torch_port import convert

KEY = jax.random.key(0)


def lecture_network(*, normalised, hidden=256):
    """The lecture's network under names of somebody else's, features counted by hand."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, hidden)
            if normalised:
                self.norm = nn.BatchNorm1d(hidden)
            self.fc2 = nn.Linear(hidden, 10)

        def forward(self, x):
            x = self.fc1(x.flatten(1))
            x = self.norm(x) if normalised else x
            return self.fc2(torch.relu(x))

    return Network()


def assert_same_trees(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b, strict=True), ours, theirs)


leaf_layers = st.sampled_from(
    [
        lambda: layers.dense(4, 4),
        lambda: layers.dense(4, 4, use_bias=False),
        lambda: layers.batch_norm(4),
        lambda: layers.layer_norm(4),
        lambda: layers.dropout(0.5),
        lambda: layers.activation(relu),
        lambda: layers.normalize_images(0.5, 0.5),
    ]
).map(lambda make: make())
networks = st.recursive(
    leaf_layers,
    lambda children: st.one_of(
        st.lists(children, min_size=1, max_size=3).map(lambda parts: layers.serial(*parts)),
        children.map(layers.residual),
        st.lists(children, min_size=1, max_size=2).map(
            lambda parts: layers.branches(*parts, combine=sum)
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(networks)
def test_there_and_back_again_nothing_has_changed(model):
    params, state = model.init(KEY, jnp.float64)
    assert_same_trees(convert.from_torch(convert.to_torch(params, state), model), (params, state))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_every_floating_dtype_goes_across(dtype):
    model = layers.serial(layers.dense(3, 2), layers.batch_norm(2))
    params, state = model.init(KEY, jnp.dtype(dtype))
    state_dict = convert.to_torch(params, state)
    assert state_dict["0.weight"].dtype == getattr(torch, dtype)
    assert state_dict["1.num_batches_tracked"].dtype == torch.int64
    assert_same_trees(convert.from_torch(state_dict, model), (params, state))


@pytest.mark.parametrize("normalised", [False, True])
def test_names_of_somebody_elses_are_matched_in_order(normalised):
    torch.manual_seed(0)  # of some weights a logit is near 0
    module = lecture_network(normalised=normalised).double().eval()
    model = models.image_classifier((28, 28), (256,), 10, batch_norm=normalised)
    params, state = convert.from_torch(module.state_dict(), model)
    images = np.random.default_rng(0).integers(256, size=(4, 28, 28)).astype(np.uint8)
    logits, _ = model.apply(params, state, jnp.array(images))
    expected = module((torch.tensor(images).double() / 255 - 0.5) / 0.5)
    np.testing.assert_allclose(logits, expected.detach(), rtol=1e-10)


@pytest.mark.parametrize(
    "module",
    [
        nn.Linear(3, 2),
        nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2)),
        nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False)),
        nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Linear(2, 2)),
        nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)),
    ],
)
def test_what_does_not_fit_is_refused_with_both_sides_listed(module):
    model = layers.serial(layers.dense(3, 4), layers.activation(relu), layers.dense(4, 2))
    with pytest.raises(
        ValueError, match=r"from_torch[\s\S]*expected\n  0.weight \(4, 3\)[\s\S]*got\n  "
    ):
        convert.from_torch(module.state_dict(), model)


class Functional(nn.Module):
    """Drops in a layer and in a function."""

    def __init__(self):
        super().__init__()
        self.first = nn.Dropout(0.5)

    def forward(self, x):
        return functional.dropout(self.first(x), 0.2, training=self.training)


def test_given_masks_reach_layers_and_functions_in_order():
    module, x = Functional(), torch.ones(1, 2)
    masks = [np.array([[True, False]]), np.array([[True, True]])]
    with convert.with_masks(module, masks):
        torch.testing.assert_close(module(x), torch.tensor([[2.5, 0.0]]))
        torch.testing.assert_close(module(x), torch.tensor([[2.5, 0.0]]))
        torch.testing.assert_close(module.eval()(x), x)
    assert torch.equal(module(x), x)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([[[True, False]]], "expected a mask for each dropout, got 1"),
        ([[[True, False]]] * 3, "the module dropped 2 times, got 3 masks"),
        ([[[True, False]], [True, False]], r"mask 2 must be \(1, 2\), got \(2,\)"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, message):
    module = Functional()
    with convert.with_masks(module, masks), pytest.raises(ValueError, match=message):
        module(torch.ones(1, 2))
    assert module(torch.ones(1, 2)).shape == (1, 2)  # and it draws again


def test_a_rate_of_1_leaves_nothing_and_its_gradient_is_0():
    module, x = nn.Dropout(1.0), torch.ones(2, requires_grad=True)
    with convert.with_masks(module, [np.zeros(2, bool)]):
        y = module(x)
    assert y.tolist() == [0, 0]
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [0, 0]


def test_the_masks_are_those_that_the_model_draws():
    model = layers.serial(
        layers.dropout(0.5), layers.residual(layers.serial(layers.dropout(0.2))), layers.dense(4, 4)
    )
    params, state = model.init(KEY)
    x = jnp.ones((8, 4), jnp.float32)
    masks = convert.dropout_masks(model, params, state, x, key=KEY)
    assert list(masks) == ["0/dropout", "1/0/0/dropout"]
    dropped = jax.tree.map(
        lambda a: a == 0, layers.intermediates(model, params, state, x, key=KEY, train=True)
    )
    np.testing.assert_array_equal(dropped["0/dropout"], ~masks["0/dropout"])
    np.testing.assert_array_equal(
        dropped["1/0/0/dropout"], ~(masks["0/dropout"] & masks["1/0/0/dropout"])
    )


def test_a_file_of_pytorchs_loads_in_jaxnn(tmp_path):
    module = lecture_network(normalised=True)
    save_file(module.state_dict(), tmp_path / "model.safetensors", metadata={"format": "pt"})
    model = models.image_classifier((28, 28), (256,), 10, batch_norm=True)
    params, _ = convert.from_torch(convert.load_safetensors(tmp_path / "model.safetensors"), model)
    np.testing.assert_array_equal(params[2]["kernel"].T, module.fc1.weight.detach())


def test_a_checkpoint_of_jaxnns_loads_in_pytorch(tmp_path):
    model = models.image_classifier((28, 28), (256,), 10, batch_norm=True)
    start = train.init_train_state(model, optim.adam(1e-3), KEY)
    path = checkpoint.save(tmp_path, start, step=0, config={}, loss=1.0)
    expected = convert.to_torch(start.params, start.state)
    state_dict = convert.load_safetensors(path)
    assert state_dict.keys() == expected.keys()
    torch.testing.assert_close(state_dict, expected, rtol=0, atol=0)


def test_weights_saved_for_pytorch_are_what_pytorch_programs_expect(tmp_path):
    model = layers.serial(layers.dense(3, 2), layers.batch_norm(2))
    params, state = model.init(KEY)
    convert.save_safetensors(tmp_path / "model.safetensors", params, state)
    state_dict = load_file(tmp_path / "model.safetensors")
    assert nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).load_state_dict(state_dict)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match="not a file of safetensors"):
        convert.load_safetensors(tmp_path / "model.safetensors")


def test_a_file_with_modules_of_equal_shapes_is_refused_rather_than_guessed(tmp_path):
    module = nn.Sequential(*(nn.Linear(4, 4) for _ in range(11)))  # the file has 10 before 2
    module = nn.ModuleDict({"hidden": module})
    save_file(module.state_dict(), tmp_path / "model.safetensors")
    model = models.mlp((4,) * 12)
    with pytest.raises(ValueError, match=r"equal shapes have no order.*module\.state_dict\(\)"):
        convert.from_torch(convert.load_safetensors(tmp_path / "model.safetensors"), model)
    params, _ = convert.from_torch(module.state_dict(), model)
    np.testing.assert_array_equal(params[20]["kernel"].T, module["hidden"][10].weight.detach())


@pytest.mark.parametrize("make", [torch.optim.Adam, partial(torch.optim.SGD, lr=0.1, momentum=0.9)])
def test_a_training_goes_on_in_the_other_framework_and_comes_back(make):
    """Five steps in PyTorch, five in jaxnn, five in PyTorch: equal to fifteen in PyTorch."""
    model = models.image_classifier((28, 28), (16,), 10, batch_norm=True)
    torch.manual_seed(0)
    module = lecture_network(normalised=True, hidden=16).double()
    alone = deepcopy(module)
    torch_optimizer, alone_optimizer = make(module.parameters()), make(alone.parameters())
    rng = np.random.default_rng(0)
    data = [
        (rng.integers(256, size=(8, 28, 28)).astype(np.uint8), rng.integers(10, size=8))
        for _ in range(15)
    ]

    def torch_steps(module, torch_optimizer, data):
        for images, labels in data:
            logits = module((torch.tensor(images).double() / 255 - 0.5) / 0.5)
            torch_optimizer.zero_grad()
            functional.cross_entropy(logits, torch.tensor(labels)).backward()
            torch_optimizer.step()

    torch_steps(alone, alone_optimizer, data)
    torch_steps(module, torch_optimizer, data[:5])
    params, state, opt_state = convert.training_from_torch(module, torch_optimizer, model)
    optimizer = convert.optimizer(torch_optimizer)
    step = train.make_train_step(model, optimizer, losses.softmax_cross_entropy)
    handed_over = train.TrainState(params, state, opt_state, KEY, jnp.array(5))
    for images, labels in data[5:10]:
        handed_over, _ = step(handed_over, Dataset(jnp.array(images), jnp.array(labels)))
    convert.training_to_torch(*handed_over[:3], module, torch_optimizer)
    torch_steps(module, torch_optimizer, data[10:])
    for (name, value), expected in zip(
        module.state_dict().items(), alone.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(value, expected, rtol=1e-8, atol=1e-10, msg=name)
