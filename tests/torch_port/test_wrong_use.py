"""Wrong uses of the twin, one a row: each is answered with what was expected and what came.

`tests/wrong_use` has those that are one wrong argument; here are layers in use, what takes trees
and files, and what PyTorch refuses well enough itself.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import nn

from jaxnn import layers as jax_layers
from tests.test_wrong_use import Wrong, check
from tests.wrong_use.torch_exemptions import IN_USE, PYTORCHS_OWN
from torch_port import (
    activations,
    convert,
    data,
    initializers,
    layers,
    losses,
    models,
    optim,
    train,
)
from torch_port.activations import relu
from torch_port.lecture import lecture

KEY = jax.random.key(0)
X = torch.ones(5, 3)
SOME_LABELS = torch.tensor([0, 1])
POINTS = data.Dataset(torch.ones(4, 2), torch.zeros(4, dtype=torch.int64))
NO_POINTS = data.Dataset(POINTS.images[:0], POINTS.labels[:0])
NETWORK = models.MLP((2, 2))
TWIN = jax_layers.serial(jax_layers.dense(2, 2), jax_layers.dropout(0.5))
PARAMS, STATE = TWIN.init(KEY)
ADAM = torch.optim.Adam(NETWORK.parameters())
SOME_OF_IT = torch.optim.Adam([NETWORK[0].weight])
TRAINING = convert.training_from_torch(NETWORK, ADAM, jax_layers.serial(jax_layers.dense(2, 2)))
P = [nn.Parameter(torch.ones(2))]


def mean_loss(outputs, labels):
    return losses.mean(losses.softmax_cross_entropy(outputs, labels))


def epoch_of(dataset):
    make = train.make_epoch(NETWORK, ADAM, losses.softmax_cross_entropy, batch_size=2)
    return make(train.init_train_state(NETWORK, ADAM, 0), dataset)


def masked_forward(masks):
    with convert.with_masks(nn.Dropout(), masks) as dropout:
        return dropout(X)


ROWS = [
    Wrong("Dense", lambda: layers.Dense(3, 2)(torch.ones(5, 4)), ValueError, "3 feat", "(5, 4)"),
    Wrong("Dense", lambda: layers.Dense(3, 2)(X.byte()), ValueError,
          "float32", "uint8; begin the model with normalize_images"),
    Wrong("one example", lambda: layers.BatchNorm(3)(torch.ones(1, 3)), ValueError,
          "more than one value per feature", "(1, 3)"),
    Wrong("one example", lambda: layers.BatchNorm(3)(torch.ones(3)), ValueError,
          "more than one value per feature", "(3,)"),
    Wrong("within a network", lambda: models.MLP((3, 4, 2))(torch.ones(5, 4)), ValueError,
          "dense: input must have 3", "(5, 4)"),
    Wrong("layers.Residual.forward", lambda: layers.Residual(layers.Dense(3, 2))(X), ValueError,
          "must keep torch.float32 of shape (5, 3)", "(5, 2)"),
    Wrong("layers.Branches", lambda: layers.Branches(combine=sum), ValueError, "at least one",
          "none"),
    Wrong("ignored", lambda: losses.softmax_cross_entropy(torch.ones(2, 2), torch.ones(2, 2),
          ignore_label=0), ValueError, "integer labels", "torch.float32"),
    Wrong("ignored", lambda: losses.softmax_cross_entropy(torch.ones(2, 2), SOME_LABELS - 1,
          ignore_label=-2), ValueError, "0 … 1", "got -1"),
    Wrong("distribution", lambda: losses.cross_entropy(torch.ones(2, 2), torch.ones(2, 3)),
          ValueError, "(2, 2)", "(2, 3)"),
    Wrong("rank", lambda: losses.mean(torch.ones(2, 2)), ValueError, "(batch,)", "(2, 2)"),
    Wrong("rank", lambda: losses.softmax_cross_entropy(torch.ones(2, 2, 2), SOME_LABELS),
          ValueError, "(batch, classes)", "(2, 2, 2)"),
    Wrong("mean", lambda: train.evaluate(NETWORK, POINTS, loss=mean_loss, batch_size=2),
          ValueError, "batch axis", "()"),
    Wrong("empty data", lambda: epoch_of(NO_POINTS), ValueError, "at least one", "none"),
    Wrong("fraction", lambda: POINTS.split(0.01, torch.Generator()), ValueError, "0.01",
          "leaves one part empty"),
    Wrong("class", lambda: train.evaluate(models.MLP, POINTS, loss=mean_loss, batch_size=2),
          TypeError, "torch.nn.Module", "the class MLP"),
    Wrong("schedule", lambda: optim.Adam(P, optim.constant_schedule(0.1)), TypeError,
          "a learning rate expected", "LambdaLR"),
    Wrong("optim.chain", lambda: optim.chain(optim.scale(0.1), 0.1), TypeError, "init and update",
          "0.1"),
    Wrong("optim.chain", lambda: optim.chain(optim.scale(0.1)).update(P, ()), ValueError,
          "1 members expected", "got 0"),
    Wrong("optim.masked", lambda: optim.masked(0.1, [True]), TypeError, "init and update", "0.1"),
    Wrong("optim.masked", lambda: optim.masked(optim.scale(0.1), [True]).init([X, X]), ValueError,
          "1 of them", "got 2"),
    Wrong("mask", lambda: optim.add_decayed_weights(0.1, [True]).init([X, X]), ValueError,
          "1 of them", "got 2"),
    Wrong("optim.apply_updates", lambda: optim.apply_updates(P, []), ValueError, "0 of them",
          "got 1"),
    Wrong("lecture.lecture", lambda: lecture(0, 0, Path("nowhere")), ValueError, "at least 1",
          "got 0"),
    Wrong("lecture.lecture", lambda: lecture(1, -1, Path("nowhere")), ValueError, "at least 0",
          "got -1"),
    Wrong("lecture.lecture", lambda: lecture(1, 0, Path("nowhere"), "lop"), ValueError,
          "softmax, loop, both", "'lop'"),
    Wrong("convert.to_torch", lambda: convert.to_torch({"params": {"Dense_0": {}}}, ()),
          ValueError, "kernel", "['params']"),
    Wrong("convert.to_torch", lambda: convert.to_torch([*PARAMS], STATE), ValueError, "kernel",
          "list"),
    Wrong("convert.to_torch", lambda: convert.to_torch(STATE, PARAMS), ValueError, "mean",
          "['kernel', 'bias']"),
    Wrong("convert.from_torch", lambda: convert.from_torch(NETWORK, TWIN), TypeError,
          "module.state_dict()", "MLP"),
    Wrong("convert.from_torch", lambda: convert.from_torch({"weight": np.ones(2)}, TWIN),
          TypeError, "tensors by name", "ndarray"),
    Wrong("convert.from_torch", lambda: convert.from_torch(NETWORK.state_dict(), NETWORK),
          TypeError, "a Layer", "MLP"),
    Wrong("convert.from_torch", lambda: convert.from_torch(models.MLP((2, 3)).state_dict(), TWIN),
          ValueError, "0.weight (2, 2)", "0.weight (3, 2)"),
    Wrong("convert.to_array", lambda: convert.to_array("bias", np.ones(2)), TypeError, "tensor",
          "ndarray"),
    Wrong("convert.to_tensor", lambda: convert.to_tensor("kernel", jnp.ones(2)), ValueError,
          "axis", "dimension 1"),
    Wrong("convert.optimizer", lambda: convert.optimizer(optim.scale(0.1)), ValueError,
          "those that can: SGD", "GradientTransformation"),
    Wrong("convert.optimizer_state", lambda: convert.optimizer_state(ADAM, [jnp.ones(3)]),
          ValueError, "[(2, 2), (2,)]", "[(3,)]"),
    Wrong("convert.load_optimizer_state", lambda: convert.load_optimizer_state(ADAM, ()),
          ValueError, "mu=[(2, 2), (2,)]", "got ()"),
    Wrong("convert.training_from_torch", lambda: convert.training_from_torch(NETWORK, SOME_OF_IT,
          TWIN), ValueError, "the 2 parameters", "1 of them and 0 others"),
    Wrong("convert.training_to_torch", lambda: convert.training_to_torch(*TRAINING,
          models.MLP((2, 2)), ADAM), ValueError, "the 2 parameters", "0 of them and 2 others"),
    Wrong("convert.dropout_masks", lambda: convert.dropout_masks(TWIN, PARAMS, STATE,
          jnp.ones((2, 3), jnp.float32), key=KEY), ValueError, "0/dense: input must have 2",
          "(2, 3)"),
    Wrong("convert.with_masks", lambda: masked_forward([]), ValueError, "a mask for each", "got 0"),
    Wrong("convert.with_masks", lambda: masked_forward([np.ones(3, bool)]), ValueError, "(5, 3)",
          "(3,)"),
]  # fmt: skip

FILES = [
    Wrong("convert.load_safetensors", lambda folder: convert.load_safetensors(folder), ValueError,
          "a file of safetensors", "a folder"),
    Wrong("convert.save_safetensors",
          lambda folder: convert.save_safetensors(folder / "model", {"weight": X}, ()), ValueError,
          "kernel", "['weight']"),
    Wrong("data.load_idx", lambda folder: data.load_idx(folder), FileNotFoundError, "idx", "train"),
    Wrong("data.load_tfds", lambda folder: data.load_tfds("mnist", folder), FileNotFoundError,
          "prepare", "nothing"),
]  # fmt: skip

PYTORCHS = [
    Wrong("generator", lambda: initializers.normal(0.1)(0, (2,)), TypeError, "torch.Generator",
          "int"),
    Wrong("generator", lambda: layers.keep_mask(0, 0.5, (2,)), TypeError, "torch.Generator",
          "generator=int"),
    Wrong("generator", lambda: POINTS.split(0.5, 0), TypeError, "torch.Generator",
          "generator=int"),
    Wrong("axis", lambda: activations.softmax(X, 5), IndexError, "[-2, 1]", "got 5"),
    Wrong("axis", lambda: activations.log_softmax(X, "last"), TypeError, "must be int", "str"),
    Wrong("negative_slope", lambda: activations.leaky_relu(X, "steep"), TypeError,
          "'negative_slope' (position 2) must be Number", "str"),
    Wrong("alpha", lambda: activations.elu(X, "steep"), TypeError, "must be Number", "str"),
    Wrong("mu_dtype", lambda: optim.scale_by_adam(mu_dtype="float16").init(P), TypeError,
          "torch.dtype", "str"),
    Wrong("accumulator_dtype", lambda: optim.trace(0.9, accumulator_dtype="float16").init(P),
          TypeError, "torch.dtype", "str"),
    Wrong("params", lambda: optim.SGD([], 0.1), ValueError, "parameter list", "empty"),
    Wrong("params", lambda: optim.NAdam(P[0], 0.1), TypeError, "an iterable of Tensors",
          "FloatTensor"),
    Wrong("params", lambda: optim.Adam([np.ones(2)], 0.1), TypeError, "Tensors", "numpy.ndarray"),
    Wrong("learning rate", lambda: optim.AdamW(P, -0.1), ValueError, "learning rate", "-0.1"),
    Wrong("layer", lambda: layers.Residual(relu), TypeError, "Module", "relu"),
    Wrong("layers", lambda: layers.Branches(relu, combine=sum), TypeError, "Module", "relu"),
    Wrong("args", lambda: layers.Serial(relu), TypeError, "Module", "relu"),
    Wrong("masks", lambda: masked_forward([np.ones((5, 3))]), RuntimeError, "boolean", "Double"),
]  # fmt: skip
"""What comes from PyTorch says what was expected and what came, though not always where."""


@pytest.mark.parametrize("row", [*ROWS, *PYTORCHS], ids=lambda row: f"{row.what}-{row.actual}")
def test_wrong_use_is_answered(row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check(row, row.use)
    assert not [*tmp_path.iterdir()], "nothing is written"


@pytest.mark.parametrize("row", FILES, ids=lambda row: row.what)
def test_a_wrong_file_is_answered(row, tmp_path):
    check(row, lambda: row.use(tmp_path))
    assert not [*tmp_path.iterdir()], "nothing is written"


def test_what_has_no_row_in_the_table_has_one_here():
    shown = {row.what for row in [*ROWS, *FILES, *PYTORCHS]}
    assert shown >= IN_USE | PYTORCHS_OWN
