"""Trainings: right pairs raise no alarm, and faults are named with the step where they show."""

import math

import jax
import numpy as np
import pytest
import torch

from tests.parity.training_pairs import (
    ADAM,
    BATCHES,
    CROSS_ENTROPY,
    FAULTS,
    MISTAKES,
    RIGHT,
    SGD,
    mistaken,
    normed,
    small,
)
from torch_port.parity import compare_training


def compared(sides, batches, optimizers, losses, **settings):
    return compare_training(*sides(), batches, optimizers=optimizers, losses=losses, **settings)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_training_raises_no_alarm(name):
    report = compared(*RIGHT[name])
    assert report.verdict in ("equal", "rounding"), str(report)
    assert not report.faults
    kinds = {d.kind for d in report.differences}
    assert {"layer", "output", "parameter gradient", "update"} <= kinds
    assert not [what for what in report.not_compared if "model outputs" in what]
    between, own = report.trajectory.between[-1], report.trajectory.jax_own[-1]
    assert between < 100 * own


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_its_step(name):
    *training, causes = FAULTS[name]
    report = compared(*training)
    assert report.verdict == "semantic"
    assert {(c.id, c.step) for c in report.causes} == causes, report.faults
    assert report.first.step == min(step for _, step in causes)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_step(mistake):
    sides, training, cause = mistaken("jaxnn", mistake)
    report = compare_training(*sides, **training)
    assert [(c.id, c.step) for c in report.causes] == [cause], report.faults
    assert report.first.step == cause[1]


def test_noise_that_adam_turns_into_steps_is_no_fault():
    """The true gradient of a bias before batch norm is 0: free trainings part, in lock-step not."""
    report = compared(lambda: normed(0.0), BATCHES, ADAM, CROSS_ENTROPY, steps=8)
    assert report.verdict == "rounding"
    assert report.trajectory.between[-1] > 1e-4
    assert report.trajectory.between[-1] < 30 * report.trajectory.torch_own[-1]


def test_a_fault_makes_free_trainings_part_faster_than_their_copies():
    report = compared(*FAULTS["in loss and optimiser"][:4], steps=8)
    trajectory = report.trajectory
    assert trajectory.steps == tuple(range(1, 9))
    assert trajectory.between[-1] > 1e3 * max(trajectory.jax_own[-1], trajectory.torch_own[-1])
    assert all(map(math.isfinite, trajectory.losses_jax + trajectory.losses_torch))
    assert trajectory.losses_jax[0] != trajectory.losses_torch[0]


def test_parameters_may_be_given_and_sides_are_left_as_they_are():
    ours, theirs = small()
    before = {name: p.detach().clone() for name, p in theirs.named_parameters()}
    params, _ = ours.init(jax.random.key(1))
    report = compare_training(
        ours, theirs, BATCHES, params=params, optimizers=SGD, losses=CROSS_ENTROPY, steps=2
    )
    assert report.verdict in ("equal", "rounding")
    assert all(torch.equal(before[name], p) for name, p in theirs.named_parameters())
    assert "model outputs" not in dict(theirs.named_modules())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"steps": 0}, ValueError, "at least 1 step"),
        ({"batches": []}, ValueError, "at least one batch"),
        ({"batches": [np.ones((2, 5))]}, ValueError, "pairs"),
        ({"batches": [(np.ones((2, 5)), np.zeros(3, int))]}, ValueError, "batch 1 has 2 and 3"),
        ({"batches": {"jax": BATCHES}}, ValueError, "the keys 'jax' and 'torch'"),
        ({"optimizers": (0.1, SGD[1])}, TypeError, "a transformation with `init` and `update`"),
        ({"torch_side": torch.sin}, TypeError, "a torch.nn.Module"),
    ],
)
def test_wrong_use_is_refused(change, error, message):
    ours, theirs = small()
    given = {"batches": BATCHES, "optimizers": SGD, "losses": CROSS_ENTROPY, "torch_side": theirs}
    given |= change
    with pytest.raises(error, match=message):
        compare_training(ours, given.pop("torch_side"), given.pop("batches"), **given)
