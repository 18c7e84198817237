"""The twin's right arguments and wrong ones: those of `jaxnn` as tensors, and PyTorch's own."""

import inspect
from typing import Any

import jax
import numpy as np
import torch
from torch import Generator, nn

import torch_port
from jaxnn.typing import Dataset
from tests.test_twins import plain
from tests.wrong_use import arguments
from tests.wrong_use.table import Wrong, public
from torch_port import (
    data,
    evaluation,
    layers,
    losses,
    models,
    numpy_optim,
    penalties,
    seeds,
    steps,
)
from torch_port.activations import relu
from torch_port.train import FitResult

PUBLIC = public(getattr(torch_port, name) for name in torch_port.__all__)
BEHIND = public([evaluation, numpy_optim, penalties, seeds, steps])
"""Modules that have a name of their own, though not all of it is passed on."""

PUBLIC |= {name: value for name, value in BEHIND.items() if value not in PUBLIC.values()}

TWINS = {plain(name): name for name in PUBLIC}
"""The public names of `torch_port`, by what they have in common with those of `jaxnn`."""


def twin_of(function: str) -> str | None:
    return TWINS.get(plain(function))


def parameters_of(function: str) -> list[str]:
    return [*inspect.signature(PUBLIC[function]).parameters]


def in_torch(value: Any) -> Any:
    """A value of the tables of `jaxnn` as PyTorch has it."""
    if isinstance(value, Dataset):
        return data.Dataset(*map(in_torch, value))
    if isinstance(value, Wrong):
        return Wrong(in_torch(value.value), value.shown)
    if isinstance(value, jax.Array | np.ndarray):
        return torch.tensor(np.asarray(value))
    if isinstance(value, type) and hasattr(value, "dtype"):  # such as `jnp.float32`
        return getattr(torch, value.dtype.name)
    return value


def right() -> dict[str, dict[str, Any]]:
    """For every twin, those of the right arguments in `jaxnn` that it takes too."""
    twins = {twin: values for name, values in arguments.RIGHT.items() if (twin := twin_of(name))}
    taken = lambda twin, values: {n: v for n, v in values.items() if n in parameters_of(twin)}
    return {
        twin: {name: in_torch(value) for name, value in taken(twin, values).items()}
        for twin, values in twins.items()
    }


MODEL = models.MLP((2, 2))
PARAMS = [*MODEL.parameters()]
OPTIMIZER = torch.optim.SGD(PARAMS, 0.1)
OTHER = torch.optim.SGD(nn.Linear(2, 2).parameters(), 0.1)
X, POINTS = torch.ones(5, 3), in_torch(arguments.POINTS)
TRAINING = {"model": MODEL, "loss": losses.softmax_cross_entropy, "batch_size": 2}

OWN = {
    **{
        f"optim.{name}": {"params": PARAMS}
        for name in ("SGD", "RMSprop", "Adagrad", "Adam", "AdamW", "AMSGrad", "NAdam")
    },
    "data.Dataset": {"images": POINTS.images, "labels": POINTS.labels},
    "data.Dataset.split": {"generator": Generator()},
    "data.permutation": {"seed": 0},
    "data.shift_images": {"generator": Generator()},
    "layers.BatchNorm.forward": {"self": layers.BatchNorm(3), "input": X},
    "layers.Dense.forward": {"self": layers.Dense(3, 2), "input": X},
    "layers.LayerNorm.forward": {"self": layers.LayerNorm(3), "input": X},
    "layers.NormalizeImages.forward": {"self": layers.NormalizeImages([0.5] * 3, 0.5), "x": X},
    "layers.NormalizeImages": {"std": [0.5] * 3},
    "layers.intermediates": {"model": MODEL},
    "layers.map_layers": {"function": lambda path, leaf: leaf, "model": MODEL},
    "layers.summary": {"model": MODEL},
    "losses.l1": {"model": MODEL},
    "losses.l2": {"model": MODEL},
    "penalties.mask_by_name": {"model": MODEL},
    "seeds.fold_in": {"seed": 0, "number": 0},
    "steps.init_train_state": {"model": MODEL, "optimizer": OPTIMIZER, "seed": 0},
    "steps.make_train_step": {**TRAINING, "optimizer": OPTIMIZER},
    "train.evaluate": TRAINING,
    "train.fit": {**TRAINING, "optimizer": OPTIMIZER, "seed": 0},
    "train.make_epoch": {**TRAINING, "optimizer": OPTIMIZER},
    "train.predict": {"model": MODEL},
}
OWN["steps.make_train_step"].pop("batch_size")

RIGHT = right()
for function, values in OWN.items():
    RIGHT[function] = RIGHT.get(function, {}) | values
for function, values in RIGHT.items():
    if "generator" in parameters_of(function):
        values.setdefault("generator", None)


def standing(model: nn.Module, history: list) -> FitResult:
    """A training of another model, or of another number of steps than its history has."""
    return FitResult(steps.init_train_state(model, OPTIMIZER, 0), history, None)


NO_TENSOR = Wrong(np.ones(2, np.float32), "ndarray")
NO_EXAMPLES = Wrong(data.Dataset(torch.ones(0, 2), torch.zeros(0, dtype=torch.int64)), "none")
NO_SEED = [-1, 0.5, True, "zero"]
CHECKED_WHEN_MADE = {"dataset", "validation"}
"""PyTorch's `TensorDataset` is never of unequal lengths."""
NAMES = {name for function in PUBLIC for name in parameters_of(function)}

WRONG = {
    name: [in_torch(value) for value in values]
    for name, values in arguments.WRONG.items()
    if name in NAMES - CHECKED_WHEN_MADE
}
for name in (
    "x", "logits", "probabilities", "log_probabilities", "predictions", "targets", "labels",
    "class_weights", "weights", "mask",
):  # fmt: skip
    WRONG[name].append(NO_TENSOR)
WRONG |= {
    "dataset": [NO_EXAMPLES], "validation": [NO_EXAMPLES], "seed": NO_SEED, "number": NO_SEED,
    "resume": [
        Wrong(standing(layers.Dense(2, 2), []), "others"),
        Wrong(standing(MODEL, arguments.HISTORY), "0 steps"),
    ],
    "model": [Wrong(relu, "function"), Wrong(nn.Linear, "the class Linear")],
    "order": arguments.WRONG["order"],
    "optimizer": [Wrong(OTHER, "2 of something else"), Wrong(torch.optim.SGD, "SGD")],
    "input": [NO_TENSOR, torch.ones(5, 4), X.double(), X.byte(), torch.ones(())],
    "data.Dataset images": [NO_TENSOR, POINTS.images[:3], torch.ones(())],
    "data.Dataset labels": [NO_TENSOR, POINTS.labels[:3]],
    "data.from_arrays labels": [POINTS.labels[:3], torch.tensor([0, 1, 2, 9])],
    "data.shift_images images": [torch.ones(2, 3)],
    "layers.NormalizeImages.forward x": [NO_TENSOR, torch.ones(5, 4), X.double(), X.int()],
    "metrics.average values": [NO_TENSOR, torch.ones(())],
    "mean": [float("inf"), None, Wrong([0.1, 0.2], "[0.1, 0.2] and [0.5, 0.5, 0.5]")],
}  # fmt: skip
