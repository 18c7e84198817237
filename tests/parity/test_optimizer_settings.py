"""What two optimisers were made with, read off both before a step is taken."""

import optax
import pytest
import torch

from jaxnn import optim
from torch_port.parity.settings.optimizer_settings import optimizer_settings

OPTIMIZERS = {
    "the same": (optax.adam(1e-3), torch.optim.Adam, {}, set()),
    "decay": (optax.adamw(1e-3), torch.optim.AdamW, {}, {"weight_decay"}),
    "no decay": (optim.adam(1e-3), torch.optim.Adam, {"weight_decay": 0.1}, {"weight_decay"}),
    "place of decay": (
        optax.chain(optax.add_decayed_weights(1e-2), optax.adam(1e-3)),
        torch.optim.AdamW,
        {},
        {"weight decay is"},
    ),
    "rms": (optax.rmsprop(1e-2), torch.optim.RMSprop, {}, {"alpha", "place of eps"}),
    "accumulator": (
        optim.adagrad(0.01),
        torch.optim.Adagrad,
        {},
        {"eps", "place of eps", "initial_accumulator_value"},
    ),
    "dampening": (
        optax.sgd(0.1, 0.9),
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
        {"dampening"},
    ),
    "schedule of momentum": (optax.nadam(2e-3), torch.optim.NAdam, {}, {"momentum_decay"}),
    "a schedule": (optax.sgd(optax.cosine_decay_schedule(0.1, 9)), torch.optim.SGD, {}, set()),
    "hidden": (optax.inject_hyperparams(optax.adam)(0.1), torch.optim.Adam, {}, set()),
}


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_the_settings_of_optimizers(case):
    transformation, make, arguments, expected = OPTIMIZERS[case]
    rows = optimizer_settings(transformation, make([torch.zeros(1)], **arguments))
    assert {row.name for row in rows if row.differs} == expected


def test_each_group_of_parameters_has_its_rows():
    groups = [{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "weight_decay": 0.0}]
    rows = optimizer_settings(optax.adamw(1e-3, weight_decay=1e-2), torch.optim.AdamW(groups))
    found = [(row.place, row.name, row.jax, row.torch) for row in rows if row.differs]
    assert found == [("optimizer, group 1", "weight_decay", 0.01, 0.0)]
