"""What a report says: to people, to programs, to tests."""

import json

import jax.numpy as jnp
import pytest
import torch
from torch import nn

from jaxnn import activations, layers
from tests.parity.right_pairs import X, twins
from torch_port import parity


@pytest.fixture(scope="module")
def wrong():
    ours = layers.serial(layers.dense(5, 6), layers.activation(activations.gelu))
    torch.manual_seed(0)
    theirs = nn.Sequential(nn.Linear(5, 6), nn.GELU(approximate="tanh"))
    return parity.compare(ours, theirs, X)


def test_a_report_says_where_and_how_much(wrong):
    first, where, figures, *_, counts = str(wrong).splitlines()
    assert first == "semantic: the two sides compute different functions."
    assert where == "where         layer 1/gelu (JAX), 1 (PyTorch)"
    assert figures.startswith("figures       relative error ")
    assert figures.endswith("times what rounding explains")
    assert counts == (
        "differ        1 of 2 layers, 1 of 1 output, 2 of 2 parameter gradients, "
        "1 of 1 input gradient"
    )


def test_a_report_is_written_as_json(wrong, tmp_path):
    wrong.to_json(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["verdict"] == "semantic"
    assert found["first"]["jax_path"] == "1/gelu"
    assert [d["kind"] for d in found["differences"]] == [d.kind for d in wrong.differences]
    assert {"error32", "error64", "ratio", "ulps", "hidden"} <= found["differences"][0].keys()


def test_what_is_not_finite_is_null_in_json(tmp_path):
    report = parity.compare(lambda x: x, lambda x: x[None], X, gradients=False)
    report.to_json(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["first"]["ratio"] is None


def test_a_right_pair_is_said_to_be_right_in_few_lines():
    ours, theirs, inputs, _ = twins()
    report = parity.compare(ours, theirs, inputs)
    assert "compute the same function" in str(report) or "same numbers" in str(report)
    assert len(str(report).splitlines()) <= 10


def test_without_gradients_none_is_compared():
    report = parity.compare(jnp.abs, torch.abs, 0 * X, gradients=False)
    assert report.verdict == "equal"
    assert {d.kind for d in report.differences} == {"output"}


def test_what_has_no_partner_is_listed():
    ours = layers.serial(layers.dense(5, 6), layers.activation(activations.relu))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(5, 6)

        def forward(self, x):
            return self.layer(x).relu()

    report = parity.compare(ours, Net(), X)
    assert report.not_compared == ("JAX 1/relu",)
    assert "not compared  JAX 1/relu" in str(report)


def test_inputs_may_be_tensors_in_float64():
    assert parity.compare(jnp.sin, torch.sin, torch.ones(3).double()).verdict != "semantic"
