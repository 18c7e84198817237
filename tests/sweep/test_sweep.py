"""Sweeps: each member against a lone `fit`, groups, divergence, wrong use."""

import csv

import jax
import numpy as np
import pytest

from jaxnn import activations, losses, models, optim, sweep, train
from jaxnn.sweep.grid import read_grid
from jaxnn.sweep.programs import Training, compile_programs, largest_piece, program_bytes
from jaxnn.typing import Dataset

LOSS = losses.softmax_cross_entropy
KEY = jax.random.key(7)
rng = np.random.default_rng(0)


def clouds(n: int) -> Dataset:
    """Points of three classes in the plane."""
    labels = rng.integers(0, 3, n)
    return Dataset((labels[:, None] + rng.normal(size=(n, 2))).astype(np.float32), labels)


DATA, HELD_OUT = clouds(70), clouds(30)
COMMON = {"loss": LOSS, "epochs": 3, "batch_size": 16}


def make(learning_rate=1e-2, hidden=(8,), dropout=0.0, b1=0.9, activation=activations.relu):
    model = models.mlp((2, *hidden, 3), dropout=dropout, activation=activation)
    return model, optim.adam(learning_rate, b1=b1)


def lone(row: dict, **more) -> list[dict]:
    """The history of `train.fit` with the settings of a row."""
    row = dict(row)
    key = jax.random.fold_in(KEY, row.pop("seed")) if "seed" in row else KEY
    settings = COMMON | more | {n: row.pop(n) for n in ("epochs", "batch_size") if n in row}
    return train.fit(*make(**row), DATA, key=key, **settings).history


def without_seconds(history: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def test_a_learning_rate_gives_the_numbers_of_a_lone_fit_bit_for_bit():
    grid = [{"learning_rate": 1e-3, "seed": 0}, {"learning_rate": 0.1, "seed": 1}]
    result = sweep.fit(make, grid, DATA, key=KEY, validation=HELD_OUT, **COMMON)
    for row, curve in zip(result.rows, result.curves, strict=True):
        assert curve == without_seconds(lone({n: row[n] for n in grid[0]}, validation=HELD_OUT))
        assert row["validation_loss"] == curve[-1]["validation_loss"]
        assert row["best_accuracy"] == max(epoch["accuracy"] for epoch in curve)
        assert row["status"] == "finished"
    assert result.best == min(result.rows, key=lambda row: row["validation_loss"])


MIXED = [
    {"dropout": 0.3, "b1": 0.8, "activation": activations.tanh, "epochs": 2},
    {"dropout": 0.1, "b1": 0.95, "activation": activations.tanh, "epochs": 2},
]


def test_whatever_varies_gives_the_numbers_of_a_lone_fit_to_rounding():
    rows = [row | {"batch_size": 20, "seed": 5} for row in MIXED]
    expected = [*map(without_seconds, map(lone, rows))]
    for together in (None, 2):  # one after another, by vmap
        result = sweep.fit(make, rows, DATA, key=KEY, together=together, **COMMON)
        for curve, alone in zip(result.curves, expected, strict=True):
            assert [epoch.keys() for epoch in curve] == [epoch.keys() for epoch in alone]
            for ours, theirs in zip(curve, alone, strict=True):
                np.testing.assert_allclose([*ours.values()], [*theirs.values()], rtol=1e-5)


def test_the_product_of_a_grid_and_what_shares_a_program():
    grid = {"dropout": [0.0, 0.1, 0.2], "epochs": [1, 2]}
    members = read_grid(grid, lambda dropout, epochs: ..., batch_size=8, epochs=3)
    pairs = [(0.0, 1), (0.0, 2), (0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2)]
    assert [(*member.row.values(),) for member in members] == pairs
    assert [member.epochs for member in members] == [1, 2] * 3
    groups = [member.group for member in members]
    assert groups[2:4] == groups[4:6], "floats are traced"
    assert len({*groups}) == 4, "0 often means without, so it is not"
    assert members[2].floats == {"dropout": 0.1}
    assert members[2].others == (("epochs", 1),), "make asks for it"


def test_the_order_of_the_rows_changes_nothing_but_the_order():
    rows = [{"learning_rate": rate, "hidden": h} for rate in (1e-3, 1e-2) for h in ((8,), (4,))]
    order = [2, 0, 3, 1]
    straight = sweep.fit(make, rows, DATA, key=KEY, **COMMON)
    permuted = sweep.fit(make, [rows[i] for i in order], DATA, key=KEY, **COMMON)
    assert permuted.curves == [straight.curves[i] for i in order]


def test_a_member_that_diverges_is_recorded_and_is_never_the_best():
    grid = {"learning_rate": [1e-2, 1e38, 1e-3]}
    diverging = lambda learning_rate: (models.mlp((2, 8, 3)), optim.sgd(learning_rate))
    for together in (None, 2):
        result = sweep.fit(diverging, grid, DATA, key=KEY, together=together, **COMMON)
        statuses = [row["status"] for row in result.rows]
        assert statuses == ["finished", "diverged in epoch 1", "finished"]
        assert result.rows[1]["loss"] is None
        assert [len(curve) for curve in result.curves] == [3, 1, 3]
        assert result.ranked()[-1] is result.rows[1]
        assert result.best["status"] == "finished"
    only = result._replace(rows=result.rows[1:2])
    with pytest.raises(ValueError, match="no member finished with a finite loss"):
        _ = only.best


def test_the_second_sweep_compiles_nothing():
    compiled = []
    sweep.fit(make, {"learning_rate": [1e-3], "seed": [0]}, DATA, key=KEY, **COMMON)
    listen = lambda event, duration, **details: compiled.append(event)
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        sweep.fit(make, {"learning_rate": [3e-3], "seed": [5]}, DATA, key=KEY, **COMMON)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert [event for event in compiled if "backend_compile" in event] == []


def test_a_piece_is_halved_until_its_program_fits():
    members = read_grid({"seed": [*range(4)]}, make, batch_size=70, epochs=1)
    training = Training(make, LOSS, None, None)
    data = jax.device_put((DATA, None))
    asked = []

    def compile_piece(size):
        asked.append(size)
        return compile_programs(training, members[:size], KEY, data, jax.devices()[0])

    small, large = (program_bytes(compile_piece(size).epoch) for size in (2, 4))
    assert small < large
    asked.clear()
    assert largest_piece(compile_piece, 4, large) == 4
    assert largest_piece(compile_piece, 4, small) == 2
    assert asked == [4, 4, 2]
    assert largest_piece(compile_piece, 4, 0) == 1


def test_the_settings_of_the_callers_thread_hold_for_all_members():
    with jax.enable_x64(False):
        float32 = sweep.fit(make, {"seed": [3]}, DATA, key=KEY, **COMMON)
        expected = without_seconds(lone({"seed": 3}))
    assert float32.curves == [expected]


def test_the_table_and_the_csv(tmp_path):
    rows = [
        {"rate": 0.1, "hidden": (4, 5), "status": "diverged in epoch 1", "loss": None},
        {"rate": 0.001, "hidden": (4, 5), "status": "finished", "loss": 0.1 + 0.2},
    ]
    result = sweep.SweepResult(rows, [[], []], "loss")
    lines = repr(result).splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["rate", "hidden", "status", "loss"],
        ["0.001", "4x5", "finished", "0.3"],
    ]
    assert lines[2].endswith("diverged in epoch 1  not finite")
    result.to_csv(tmp_path / "table.csv")
    with open(tmp_path / "table.csv", newline="") as file:
        table = [*csv.DictReader(file)]
    assert [row["hidden"] for row in table] == ["4x5", "4x5"]
    assert [row["loss"] for row in table] == ["", "0.30000000000000004"]
    many = result._replace(rows=rows[1:] * 50)
    assert repr(many).splitlines()[-1] == "... and 30 more"


ROWS = {"learning_rate": [1e-2]}
WRONG = [
    (ValueError, {"grid": {}}, "grid must hold at least one hyperparameter, got {}"),
    (ValueError, {"grid": []}, r"grid must hold at least one hyperparameter, got \[\]"),
    (ValueError, {"grid": {"learning_rate": 1e-2}}, r"grid\['learning_rate'\] must be a list"),
    (ValueError, {"grid": {"activation": "relu"}}, r"grid\['activation'\] must be a list"),
    (ValueError, {"grid": [{"b1": 0.1}, {"dropout": 0.1}]}, r"\['b1'\], got \['dropout'\] in row"),
    (ValueError, {"grid": {"hidden": [[8]]}}, r"'hidden' must be hashable, .* got \[8\]"),
    (ValueError, {"grid": {"seed": [0.5]}}, "seed must be a whole number, got 0.5"),
    (ValueError, {"grid": {"epochs": [0]}}, "epochs must be a whole number of at least 1, got 0"),
    (ValueError, {"grid": {"loss": [1.0]}}, "'loss' is a column of the result"),
    (ValueError, {"grid": {"dropout": [0.1, 1.5]}}, r"rate must be a number in \[0, 1\), got 1.5"),
    (TypeError, {"grid": {"rate": [0.1]}}, "rate"),
    (TypeError, {"make": lambda b1: models.mlp((2, 3)), "grid": {"b1": [0.1]}}, "make must return"),
    (ValueError, {"make": lambda b1: (models.mlp((5, 3)), optim.sgd(b1)), "grid": {"b1": [0.1]}},
     "input must have 5 features"),
    (ValueError, {"together": 0}, "together must be a whole number of at least 1, got 0"),
    (ValueError, {"dataset": clouds(0)}, "dataset must hold as many images as labels, at least"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "wrong", "says"), WRONG, ids=[says for *_, says in WRONG])
def test_wrong_use_is_noticed_before_anything_is_written(error, wrong, says, tmp_path):
    arguments = {"make": make, "grid": ROWS, "dataset": DATA, "key": KEY, **COMMON, **wrong}
    with pytest.raises(error, match=says):
        sweep.fit(**arguments, out=tmp_path / "out")
    assert [*tmp_path.iterdir()] == []
