"""Whole networks against PyTorch's in float64: values, gradients and running statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from jaxnn import layers, losses, models
from jaxnn.activations import elu, relu
from jaxnn.layers import activation, batch_norm, branches, dense, layer_norm, residual, serial

KEY = jax.random.key(0)


class Nested(nn.Module):
    """A residual block with batch norm, then two branches side by side."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(784, 6)
        self.block = nn.Sequential(nn.BatchNorm1d(6), nn.ELU(), nn.Linear(6, 6), nn.BatchNorm1d(6))
        self.left = nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4))
        self.right = nn.Linear(6, 6)

    def forward(self, x):
        x = self.first(x.flatten(1))
        x = x + self.block(x)
        return torch.cat([self.left(x), self.right(x)], 1)


def nested():
    block = serial(batch_norm(6), activation(elu), dense(6, 6), batch_norm(6))
    return serial(
        layers.flatten(),
        dense(784, 6),
        residual(block),
        branches(
            serial(dense(6, 4), layer_norm(4)),
            dense(6, 6),
            combine=lambda outputs: jnp.concatenate(outputs, axis=-1),
        ),
    )


def lecture():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
        nn.Linear(128, 10),
    )  # fmt: skip


def normed():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 10)
    )


MODELS = {
    "simple_nn": (models.simple_nn, lecture),
    "image_classifier": (
        lambda: models.image_classifier((28, 28), (9,), 10, batch_norm=True, activation=relu),
        normed,
    ),
    "nested": (lambda: serial(layers.normalize_images(0.5, 0.5), nested()), Nested),
}


def dictionaries(tree):
    """The params or state of the leaf layers, in order, of those that have any."""
    return [d for d in jax.tree.leaves(tree, is_leaf=lambda x: isinstance(x, dict)) if d]


def modules(network):
    return [m for m in network.modules() if getattr(m, "weight", None) is not None]


def weight_of(leaf):
    """PyTorch's `weight`: a scale as it is, a kernel (in, out) turned to (out, in)."""
    return np.array(leaf["kernel"].T if "kernel" in leaf else leaf["scale"])


def copy_parameters(params, network):
    with torch.no_grad():
        for leaf, module in zip(dictionaries(params), modules(network), strict=True):
            module.weight.copy_(torch.tensor(weight_of(leaf)))
            module.bias.copy_(torch.tensor(np.array(leaf["bias"])))


def assert_close(actual, expected):
    """To a relative 1e-10, or to rounding: before a batch norm a bias changes nothing."""
    np.testing.assert_allclose(actual, np.asarray(expected), rtol=1e-10, atol=1e-14, strict=True)


@pytest.mark.parametrize(("make", "make_torch"), MODELS.values(), ids=MODELS)
def test_networks_agree_on_real_steps(make, make_torch):
    """On raw images: three batches in training, the last of them ragged, one in evaluation."""
    model, network = make(), make_torch().double()
    params, state = model.init(KEY, jnp.float64)
    copy_parameters(params, network)
    rng = np.random.default_rng(0)

    for batch, train in [(8, True), (8, True), (3, True), (8, False)]:
        images = rng.integers(256, size=(batch, 28, 28)).astype(np.uint8)
        labels = rng.integers(10, size=batch)

        def objective(params, state, images=images, labels=labels, train=train):
            logits, state = model.apply(params, state, jnp.array(images), train=train)
            values = losses.softmax_cross_entropy(logits, jnp.array(labels))
            return losses.mean(values), (logits, state)

        (loss, (logits, state)), grads = jax.value_and_grad(objective, has_aux=True)(params, state)

        network.train(train).zero_grad()
        theirs = network((torch.tensor(images).double() / 255 - 0.5) / 0.5)
        expected = F.cross_entropy(theirs, torch.tensor(labels))
        expected.backward()

        assert_close(logits, theirs.detach())
        assert_close(loss, expected.detach())
        for leaf, module in zip(dictionaries(grads), modules(network), strict=True):
            assert_close(weight_of(leaf), module.weight.grad)
            assert_close(leaf["bias"], module.bias.grad)
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d)]
        for leaf, module in zip(dictionaries(state)[1:], norms, strict=True):
            assert_close(leaf["mean"], module.running_mean)
            assert_close(leaf["var"], module.running_var)
            assert int(leaf["count"]) == int(module.num_batches_tracked)


@pytest.mark.parametrize(("make", "make_torch"), MODELS.values(), ids=MODELS)
def test_the_summary_counts_as_pytorch_does(make, make_torch):
    count = sum(p.numel() for p in make_torch().parameters())
    assert layers.summary(make()).parameters == count
