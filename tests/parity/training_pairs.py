"""Trainings as people write them, by name: what `compare_training` is given."""

import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import linen, nnx
from torch import nn
from torch.nn import functional

from jaxnn import losses, models, optim
from torch_port import models as torch_models

DRAW = np.random.default_rng(0)
BATCHES = [(DRAW.standard_normal((8, 5), np.float32), DRAW.integers(0, 3, 8)) for _ in range(4)]
RAGGED = [*BATCHES[:2], (BATCHES[2][0][:5], BATCHES[2][1][:5])]
REGRESSION = [(x, x[:, :3] ** 2) for x, _ in BATCHES]

SGD = (optim.sgd(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))
ADAM = (optax.adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01))
CROSS_ENTROPY = (losses.softmax_cross_entropy, functional.cross_entropy)
OPTAX_LOSS = (optax.softmax_cross_entropy_with_integer_labels, functional.cross_entropy)
SQUARES = (lambda y, labels: (y - labels) ** 2, functional.mse_loss)


class Linen(linen.Module):
    momentum: float = 0.9

    @linen.compact
    def __call__(self, x, train=False):
        x = linen.Dense(6)(x)
        x = linen.LayerNorm(epsilon=1e-5)(x)
        x = linen.Dropout(0.3)(linen.gelu(x, approximate=False), deterministic=not train)
        return linen.Dense(3)(x)


class Torch(nn.Module):
    def __init__(self, approximate="none"):
        super().__init__()
        self.first, self.norm, self.second = nn.Linear(5, 6), nn.LayerNorm(6), nn.Linear(6, 3)
        self.dropout, self.approximate = nn.Dropout(0.3), approximate

    def forward(self, x):
        x = functional.gelu(self.norm(self.first(x)), approximate=self.approximate)
        return self.second(self.dropout(x))


class Nnx(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.first, self.second = nnx.Linear(5, 6, rngs=rngs), nnx.Linear(6, 3, rngs=rngs)

    def __call__(self, x):
        return self.second(jnp.tanh(self.first(x)))


def small():
    return models.mlp((5, 6, 3)), torch_models.MLP((5, 6, 3))


def tanh():
    return Nnx(), nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))


def normed(rate=0.2):
    sizes = (5, 6, 3)
    return (
        models.mlp(sizes, batch_norm=True, dropout=rate),
        torch_models.MLP(sizes, batch_norm=True, dropout=rate),
    )


RIGHT = {
    "jaxnn with SGD": (small, BATCHES, SGD, CROSS_ENTROPY),
    "batch norm, dropout and Adam": (normed, BATCHES, ADAM, CROSS_ENTROPY),
    "linen with Adam": (lambda: (Linen(), Torch()), BATCHES, ADAM, OPTAX_LOSS),
    "nnx with SGD, a small last batch": (tanh, RAGGED, SGD, OPTAX_LOSS),
    "regression": (tanh, REGRESSION, SGD, SQUARES),
    "loaders of their own, one-hot": (
        small,
        {"jax": [(x, np.eye(3, dtype=np.float32)[y]) for x, y in RAGGED], "torch": RAGGED},
        SGD,
        (optax.softmax_cross_entropy, functional.cross_entropy),
    ),
}
"""Name: (sides, batches, optimizers, losses)."""

SMOOTHED = (
    CROSS_ENTROPY[0],
    lambda y, labels: functional.cross_entropy(y, labels, label_smoothing=0.1),
)
SUMMED = (CROSS_ENTROPY[0], lambda y, t: functional.cross_entropy(y, t, reduction="sum"))
FASTER = (optim.sgd(0.2), lambda p: torch.optim.SGD(p, lr=0.1))
SLOWER = (optim.sgd(0.1, momentum=0.8), SGD[1])
FASTER_MOMENTUM = (optim.sgd(0.2, momentum=0.9), SGD[1])
NESTEROV = (optim.sgd(0.1, momentum=0.9, nesterov=True), SGD[1])
COUPLED = (
    optax.adamw(0.01, weight_decay=0.1),
    lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
)
SHIFTED = [(x, y - 1) for x, y in BATCHES]
SCALED = [(2 * x - 1, y) for x, y in BATCHES]

FAULTS = {
    "in the model": (
        lambda: (Linen(), Torch("tanh")), BATCHES, ADAM, OPTAX_LOSS,
        {("gelu-approximation", 1)},
    ),
    "in the optimiser": (small, BATCHES, COUPLED, CROSS_ENTROPY, {("weight-decay-coupled", 1)}),
    "from the second step": (
        small, BATCHES,
        (optim.sgd(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, 0.1, 0.9, 0.5)),
        CROSS_ENTROPY, {("momentum-dampening", 2)},
    ),
    "in loss and optimiser": (
        small, BATCHES, FASTER, SMOOTHED,
        {("label-smoothing", 1), ("optimizer-hyperparameter", 1)},
    ),
}  # fmt: skip
"""Name: (sides, batches, optimizers, losses, ids of the causes with their steps)."""


MISTAKES = {
    "the rate is doubled": ("optimizers", FASTER_MOMENTUM, ("optimizer-hyperparameter", 1)),
    "the momentum is 0.8": ("optimizers", SLOWER, ("optimizer-hyperparameter", 2)),
    "Nesterov's momentum": ("optimizers", NESTEROV, ("nesterov", 1)),
    "labels are smoothed": ("losses", SMOOTHED, ("label-smoothing", 1)),
    "the loss is summed": ("losses", SUMMED, ("loss-reduction", 1)),
    "the inputs are scaled": (
        "batches", {"jax": SCALED, "torch": BATCHES}, ("input-scaling", 1)
    ),
    "the labels begin at 1": (
        "batches", {"jax": BATCHES, "torch": SHIFTED}, ("label-encoding", 1)
    ),
    "the order is reversed after the first batch": (
        "batches", {"jax": BATCHES, "torch": [BATCHES[0], *BATCHES[:0:-1]]}, ("batch-order", 2)
    ),
    "the last batch is dropped": (
        "batches", {"jax": RAGGED[:2], "torch": RAGGED}, ("last-batch", 3)
    ),
}  # fmt: skip
"""What is wrong: the part of a training that is exchanged, by what, the cause and its step."""

MODELS = {
    "jaxnn": small,
    "jaxnn with batch norm and dropout": normed,
    "linen with layer norm and dropout": lambda: (Linen(), Torch()),
    "nnx": tanh,
}
"""The models of the trainings in which the mistakes are made."""


def mistaken(model, mistake):
    """A training with a mistake, as keywords of `compare_training`, and the cause with its step."""
    part, value, cause = MISTAKES[mistake]
    training = {"batches": BATCHES, "optimizers": SGD, "losses": CROSS_ENTROPY, part: value}
    return MODELS[model](), training, cause
