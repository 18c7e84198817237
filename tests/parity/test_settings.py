"""What is read off both sides before anything runs: by meaning, not by the number."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import linen, nnx
from torch import nn

from jaxnn import activations, layers
from torch_port import parity
from torch_port.parity.catalogue.settings import ENTRIES
from torch_port.parity.matching.matching import match
from torch_port.parity.settings.settings import initial_settings, settings_of
from torch_port.parity.sides.jax_side import jax_side
from torch_port.parity.sides.torch_side import torch_side


def read(jax_program, torch_program, *inputs):
    """All rows that `compare` would show."""
    ours = jax_side(jax_program, [*inputs], params=None, train=False, seed=0)
    theirs = torch_side(torch_program, [*inputs], train=False, seed=0)
    matching = match(ours, theirs)
    settings = settings_of(jax_program, torch_program, matching, [*inputs])
    return [*settings, *initial_settings(ours.values, theirs.values, matching)]


def apart(rows):
    return {(row.place, row.name): (row.jax, row.torch) for row in rows if row.differs}


def named(rows, place, name):
    return next(row for row in rows if (row.place, row.name) == (place, name))


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.batch = nn.BatchNorm2d(4)
        self.norm = nn.LayerNorm(64)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(64, 30)

    def forward(self, x):
        x = self.batch(self.conv(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
        return self.head(self.drop(self.norm(x.flatten(1))))


class LinenImages(linen.Module):
    padding: Any = "SAME"
    epsilon: float = 1e-6
    momentum: float = 0.99
    rate: float = 0.8

    @linen.compact
    def __call__(self, x, train=False):
        x = linen.Conv(4, (3, 3), strides=2, padding=self.padding)(x)
        x = linen.BatchNorm(not train, momentum=self.momentum)(x)
        x = linen.LayerNorm(epsilon=self.epsilon)(x.reshape(len(x), -1))
        x = linen.Dropout(self.rate, deterministic=not train)(x)
        return linen.Dense(30)(x)


IMAGES = np.ones((3, 8, 8, 2), np.float32)


def test_the_settings_of_a_linen_module_are_compared_by_what_they_mean():
    torch.manual_seed(0)
    found = apart(read(LinenImages(), Images(), IMAGES))
    assert found == {
        ("Conv_0 | conv", "padding"): ("SAME", (1, 1)),
        ("BatchNorm_0 | batch", "momentum"): (0.99, 0.1),
        ("LayerNorm_0 | norm", "epsilon"): (1e-6, 1e-5),
        ("Dropout_0 | drop", "rate"): (0.8, 0.2),
        ("Conv_0 | conv", "initial bias"): ("zeros", "several"),
        ("Dense_0 | head", "initial bias"): ("zeros", "uniform ±1/√fan_in"),
        ("Dense_0 | head", "initial kernel"): ("LeCun normal (truncated)", "uniform ±1/√fan_in"),
    }


def test_what_is_written_otherwise_and_means_the_same_does_not_differ():
    port = LinenImages(padding=((1, 1), (1, 1)), epsilon=1e-5, momentum=0.9, rate=0.2)
    rows = read(port, Images(), IMAGES)
    momentum = named(rows, "BatchNorm_0 | batch", "momentum")
    assert (momentum.jax, momentum.torch, momentum.differs) == (0.9, 0.1, False)
    assert not [row for row in rows if row.differs and not row.name.startswith("initial")]


@pytest.mark.parametrize(("size", "differs"), [(8, True), (7, False)])
def test_same_padding_with_stride_2_differs_for_even_sizes_only(size, differs):
    port = linen.Sequential([linen.Conv(4, (3, 3), strides=2)])

    class Theirs(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 4, 3, stride=2, padding=1)

        def forward(self, x):
            return self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    rows = read(port, Theirs(), np.ones((1, size, size, 2), np.float32))
    assert named(rows, "layers_0 | conv", "padding").differs == differs


def test_the_settings_of_layers_and_the_activations_within():
    ours = layers.serial(
        layers.dense(50, 60),
        layers.activation(partial(activations.leaky_relu, negative_slope=0.3)),
        layers.batch_norm(60),
        layers.activation(activations.gelu),
        layers.dropout(0.5),
        layers.dense(60, 3),
        layers.activation(activations.softmax),
    )
    theirs = nn.Sequential(
        nn.Linear(50, 60),
        nn.LeakyReLU(0.2),
        nn.BatchNorm1d(60, momentum=None, eps=1e-3),
        nn.GELU("tanh"),
        nn.Dropout(0.4),
        nn.Linear(60, 3),
        nn.Softmax(0),
    )
    assert apart(read(ours, theirs, np.ones((4, 50), np.float32))) == {
        ("1/leaky_relu | 1", "negative_slope"): (0.3, 0.2),
        ("2/batch_norm | 2", "epsilon"): (1e-5, 1e-3),
        ("2/batch_norm | 2", "momentum"): (0.1, None),
        ("3/gelu | 3", "approximate"): (False, "tanh"),
        ("4/dropout | 4", "rate"): (0.5, 0.4),
        ("6/softmax | 6", "axis"): (-1, 0),
    }


def test_the_settings_of_an_nnx_module():
    class Port(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.first = nnx.Linear(5, 6, rngs=rngs, param_dtype=jnp.bfloat16)
            self.norm = nnx.RMSNorm(6, rngs=rngs)
            self.last = nnx.Linear(6, 2, rngs=rngs, dtype=jnp.bfloat16)

        def __call__(self, x):
            return self.last(self.norm(self.first(x)))

    theirs = nn.Sequential(nn.Linear(5, 6), nn.RMSNorm(6), nn.Linear(6, 2))
    found = apart(read(Port(), theirs, np.ones((4, 5), np.float32)))
    settings = {key: value for key, value in found.items() if not key[1].startswith("initial")}
    assert settings == {
        ("first | 0", "dtype"): (None, "float32"),
        ("first | 0", "param_dtype"): ("bfloat16", "float32"),
        ("norm | 1", "epsilon"): (1e-6, None),
        ("last | 2", "dtype"): ("bfloat16", "float32"),
    }


def test_embeddings_convolutions_and_group_norms():
    class Original(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(200, 8)
            self.conv = nn.Conv1d(8, 6, 4, dilation=2, padding="same")
            self.norm = nn.GroupNorm(3, 6)
            self.head = nn.Linear(6, 2, bias=False)

        def forward(self, x):
            x = self.norm(self.conv(self.embed(x).transpose(1, 2)))
            return self.head(x.transpose(1, 2))

    class Port(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.embed = nnx.Embed(200, 8, rngs=rngs)
            self.conv = nnx.Conv(8, 6, 4, kernel_dilation=2, rngs=rngs)
            self.norm = nnx.GroupNorm(6, num_groups=2, rngs=rngs)
            self.head = nnx.Linear(6, 2, use_bias=False, rngs=rngs)

        def __call__(self, x):
            return self.head(self.norm(self.conv(self.embed(x))))

    torch.manual_seed(0)
    found = apart(read(Port(), Original(), np.arange(10).reshape(2, 5)))
    assert found["norm | norm", "epsilon"] == (1e-6, 1e-5)
    assert found["norm | norm", "num_groups"] == (2, 3)
    assert found["embed | embed", "initial embedding"][1] == "N(0, 1)"
    assert not {name for _, name in found} - {
        *("epsilon", "num_groups", "initial embedding", "initial kernel", "initial bias")
    }


def test_an_attribute_of_a_class_of_ones_own_is_shown_and_not_judged():
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.eps = 1e-3
            self.weight, self.bias = nn.Parameter(torch.ones(5)), nn.Parameter(torch.zeros(5))

        def forward(self, x):
            return self.weight * (x / (x.std(-1, keepdim=True) + self.eps)) + self.bias

    rows = read(linen.LayerNorm(), Norm(), np.eye(5, dtype=np.float32))
    row = named(rows, "the module itself | the module itself", "epsilon")
    assert (row.jax, row.torch, row.differs) == (1e-6, 1e-3, False)


def test_functions_have_no_settings_but_the_precision_is_told():
    rows = settings_of(jnp.sin, torch.sin, None, [np.ones(3)])  # type: ignore[arg-type]
    assert {row.place for row in rows} == {"the whole program"}
    assert [row.name for row in rows] == ["matmul precision", "convolution precision", "float64"]
    assert not any(row.differs for row in rows)


def test_a_reduced_precision_of_products_is_told():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        rows = settings_of(jnp.sin, torch.sin, None, [np.ones(3)])  # type: ignore[arg-type]
    finally:
        torch.set_float32_matmul_precision(before)
    assert apart(rows) == {("the whole program", "matmul precision"): (None, "medium")}


def test_the_figures_of_the_entries_are_measured():
    torch.manual_seed(0)
    dense, embed = linen.Dense(256, use_bias=False), linen.Embed(1000, 64)
    [kernel] = jax.tree.leaves(dense.init(jax.random.key(0), jnp.ones((1, 784), jnp.float32)))
    [embedding] = jax.tree.leaves(embed.init(jax.random.key(0), jnp.zeros(1, int)))
    cut = jax.nn.initializers.truncated_normal(0.02)(jax.random.key(0), (500, 500))
    measured = {
        0.0206: nn.Linear(784, 256).weight.std().item(),
        0.0357: np.std(kernel),
        1.0: nn.Embedding(1000, 64).weight.std().item(),
        0.125: np.std(embedding),
        0.0176: np.std(cut),
        0.02: nn.init.trunc_normal_(torch.empty(500, 500), std=0.02).std().item(),
    }
    np.testing.assert_allclose([*measured.values()], [*measured], rtol=5e-3)


def test_an_index_out_of_range_does_what_its_entry_says():
    x = jnp.arange(3.0)
    assert (x[5], x[jnp.array(-7)]) == (2.0, 0.0)
    assert jnp.isnan(jnp.take(x, 5))
    assert jnp.array_equal(x.at[7].set(1.0), x)
    losses = optax.softmax_cross_entropy_with_integer_labels(jnp.eye(2, 3), jnp.array([5, -1]))
    assert jnp.isnan(losses[0])
    assert jnp.isfinite(losses[1])
    with pytest.raises(IndexError):
        torch.arange(3)[torch.tensor(5)]


def test_entries_are_about_settings_and_put_nothing_in():
    assert len({entry.id for entry in ENTRIES}) == 6
    for entry in ENTRIES:
        assert entry.about == "settings"
        assert not [*entry.hypotheses()]
        assert all([entry.title, entry.explanation, entry.jax_fix, entry.torch_fix, entry.source])


def test_a_comparison_reports_the_settings_and_the_values_before_they_are_copied():
    torch.manual_seed(0)
    ours = linen.Sequential([linen.Dense(60), linen.LayerNorm(), linen.Dense(3)])
    theirs = nn.Sequential(nn.Linear(50, 60), nn.LayerNorm(60), nn.Linear(60, 3))
    report = parity.compare(ours, theirs, np.ones((4, 50), np.float32), gradients=False)
    found = apart(report.settings)
    assert found["layers_1 | 1", "epsilon"] == (1e-6, 1e-5)
    drawn = ("LeCun normal (truncated)", "uniform ±1/√fan_in")
    assert found["layers_0 | 0", "initial kernel"] == drawn
