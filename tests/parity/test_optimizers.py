"""Optimisers: right pairs raise no alarm, and what makes wrong ones wrong is named."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from jaxnn import optim
from tests.parity.optimizer_makers import Adam, hooked, made
from tests.parity.optimizer_pairs import FAULTS, RIGHT, TWO_FAULTS
from torch_port.convert import optimizers as convert
from torch_port.parity import compare_optimizers
from torch_port.parity.catalogue import OPTIMIZER_ENTRIES

SETTINGS = [
    ("SGD", {"lr": 1.0}),
    ("SGD", {"lr": 1e-4, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 1.0, "centered": True, "momentum": 0.9}),
    ("Adam", {"lr": 1.0}),
    ("Adam", {"lr": 1e-4, "amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    ("AdamW", {"lr": 1e-2, "eps": 1e-3}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("NAdam", {"lr": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("kind", "settings"), SETTINGS)
def test_a_converted_optimizer_raises_no_alarm(kind, settings):
    factory = made(getattr(torch.optim, kind), **settings)
    transformation = convert.optimizer(factory([torch.nn.Parameter(torch.zeros(2))]))
    assert compare_optimizers(transformation, factory).verdict in ("equal", "rounding")


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_pair_raises_no_alarm(name):
    report = compare_optimizers(*RIGHT[name])
    assert report.verdict in ("equal", "rounding"), str(report)
    assert len(report.differences) == 20 * 4
    assert not report.causes


def of_one_layer(name):
    """What is compared in twelve steps over two parameters, which is enough for most faults."""
    transformation, factory, cause = FAULTS[name]
    if "layer" in name:
        return compare_optimizers(transformation, factory), cause
    params = {"bias": np.ones(5), "kernel": np.linspace(-1, 1, 15).reshape(3, 5)}
    return compare_optimizers(transformation, factory, params, steps=12), cause


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(name):
    report, cause = of_one_layer(name)
    assert report.verdict == "semantic"
    assert report.faults[0].difference == report.first
    assert [c.id for c in report.faults[0].causes] == [cause], report.faults


@pytest.mark.parametrize("name", TWO_FAULTS)
def test_two_faults_are_both_named(name):
    transformation, factory, causes = TWO_FAULTS[name]
    report = compare_optimizers(transformation, factory)
    assert {c.id for c in report.faults[0].causes} == causes, report.faults


def test_every_entry_has_a_fault_that_shows_it():
    assert {entry.id for entry in OPTIMIZER_ENTRIES} == {cause for *_, cause in FAULTS.values()}


def test_constants_are_recovered():
    report = compare_optimizers(optax.adam(3e-4, eps=1e-5), made(Adam, lr=1e-3))
    assert [c.constants for c in report.faults[0].causes] == [
        {"torch": 1e-3, "jax": 3e-4},
        {"torch": 1e-8, "jax": 1e-5},
    ]
    assert "set ε to 1e-08" in report.faults[0].causes[1].fix


def test_what_part_from_the_second_step_says_so():
    report = compare_optimizers(*FAULTS["decay after momentum"][:2])
    assert report.first is not None
    assert report.first.step == 2
    assert report.first.kind == "update"
    assert report.faults[0].causes[0].step == 2


def test_explanations_that_cannot_be_told_apart_are_alternatives():
    fault = compare_optimizers(*FAULTS["average"][:2]).faults[0]
    assert [[c.id for c in other] for other in fault.alternatives] == [["optimizer-hyperparameter"]]
    assert "momentum" in fault.evidence


def test_the_parameters_may_be_given():
    params = {"w": jnp.ones((300, 40)), "b": np.zeros(40)}
    factory = hooked(Adam, lambda ps: torch.nn.utils.clip_grad_norm_(ps, 0.7) and None, lr=0.1)
    report = compare_optimizers(optim.adam(0.1), factory, params, steps=9)
    assert {d.jax_path for d in report.differences} == {"w", "b"}
    assert report.causes[0].constants == {"torch": "global norm + 1e-06 at 0.7", "jax": "none"}


def test_an_optimizer_outside_the_catalogue_gives_evidence():
    report = compare_optimizers(optax.lion(0.01), made(Adam, lr=0.01), steps=4)
    assert report.verdict == "semantic"
    assert not report.causes
    assert "nothing in the catalogue fits" in report.faults[0].evidence
    report = compare_optimizers(optax.adam(0.1), made(torch.optim.Adamax, lr=0.1), steps=4)
    assert "Adamax cannot be read" in report.faults[0].evidence


def test_an_equal_optimizer_outside_the_catalogue_raises_no_alarm():
    report = compare_optimizers(optax.adadelta(0.1, 0.9, 1e-6), made(torch.optim.Adadelta, lr=0.1))
    assert report.verdict in ("equal", "rounding")


def test_parameters_that_an_optimizer_leaves_out_are_told():
    first = lambda params: torch.optim.SGD(params[:1], lr=0.1)
    report = compare_optimizers(optax.sgd(0.1), first, {"a": np.ones(3), "s": np.float32(2)})
    assert report.notes == ("PyTorch's optimizer does not hold s",)
    assert report.first.jax_path == "s"


def test_updates_that_are_not_finite_say_so():
    spoiled = optax.chain(optax.scale(float("nan")), optax.sgd(0.1))
    report = compare_optimizers(spoiled, made(torch.optim.SGD, lr=0.1), steps=2)
    assert report.verdict == "semantic"
    assert "not finite" in report.faults[0].evidence


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"steps": 0}, ValueError, "at least 1 step"),
        ({"params": {"n": np.arange(3)}}, ValueError, r"n: int64\[3\]"),
        ({"params": {"e": np.ones((0, 2))}}, ValueError, "none empty, got e: float64"),
        ({"transformation": optax.polyak_sgd(1.0)}, ValueError, "needs more than gradients"),
        ({"params": {}}, ValueError, "got no array"),
        ({"transformation": 0.1}, TypeError, "a transformation with `init` and `update`"),
        ({"torch_factory": lambda params: None}, TypeError, "an optimizer of PyTorch"),
        (
            {"torch_factory": lambda params: torch.optim.SGD([torch.zeros(2)], lr=0.1)},
            ValueError,
            "over the parameters that it is given",
        ),
        ({"torch_factory": made(torch.optim.SparseAdam)}, ValueError, "SparseAdam cannot be read"),
        ({"torch_factory": made(torch.optim.LBFGS)}, ValueError, "LBFGS cannot be read"),
        (
            {"transformation": optax.stateless(lambda updates, params: updates["first"])},
            ValueError,
            "updates of shapes",
        ),
    ],
)
def test_wrong_use_is_refused(change, error, message):
    factory = made(torch.optim.SGD, lr=0.1)
    given = {"transformation": optax.sgd(0.1), "torch_factory": factory, "params": None, "steps": 2}
    given |= change
    with pytest.raises(error, match=message):
        compare_optimizers(
            given["transformation"], given["torch_factory"], given["params"], steps=given["steps"]
        )
