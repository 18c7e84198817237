"""Dropout while training and while evaluating."""

import torch
from flax import linen
from torch import nn

from tests.parity.ports.port import Pair, Port, wrong
from tests.parity.right_pairs import normal


class LinenDropoutNet(linen.Module):
    rate: float = 0.3
    deterministic: bool | None = None
    kept: float = 1.0
    activation: object = linen.relu
    last_bias: bool = True

    @linen.compact
    def __call__(self, x, train):
        x = self.activation(linen.Dense(12)(x))
        fixed = self.deterministic
        x = linen.Dropout(self.rate, deterministic=not train if fixed is None else fixed)(x)
        return linen.Dense(3, use_bias=self.last_bias)(x * self.kept)


class DropoutNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(5, 12)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.drop(torch.relu(self.hidden(x))))


def dropout_in_training_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    x = normal(8, 5, scale=scale, seed=seed)
    return LinenDropoutNet(**settings), DropoutNet(), x, {"train": True, "seed": seed}


DROPOUT = Port(
    dropout_in_training_in_linen,
    (
        *wrong("dropout-rate-complement", "layer Dropout_0", "rate", 0.7),
        *wrong("dropout-rate", "layer Dropout_0", "rate", 0.5, 0.1, 0.35),
        *wrong("dropout-mode", "layer Dropout_0", "deterministic", True),
        *wrong("dropout-scaling", "layer Dense_1", "kept", 0.7),
        *wrong("activation-different", "layer Dropout_0", "activation", linen.elu, linen.gelu),
        *wrong("activation-missing", "layer Dropout_0", "activation", lambda x: x),
        *wrong("bias-missing", "layer Dense_1", "last_bias", False),
    ),
)


def dropout_in_evaluation_in_linen(*, seed=0, scale=1.0, **settings) -> Pair:
    x = normal(8, 5, scale=scale, seed=seed)
    return LinenDropoutNet(**settings), DropoutNet(), x, {"train": False, "seed": seed}


DROPOUT_EVALUATION = Port(
    dropout_in_evaluation_in_linen,
    (
        *wrong("dropout-mode", "layer Dropout_0", "deterministic", False),
        *wrong("dropout-scaling", "layer Dense_1", "kept", 0.7),
        *wrong("activation-different", "layer Dropout_0", "activation", linen.silu),
    ),
)


PORTS = (DROPOUT, DROPOUT_EVALUATION)
