"""Callbacks: what they say, when they stop, what they leave on disk."""

import json

import jax
import jax.numpy as jnp
import pytest

from jaxnn import callbacks, checkpoint, models, optim, train
from jaxnn.train import Progress

MODEL, OPTIMIZER = models.mlp((3, 2)), optim.adam(1e-3)


def progress(history, epochs=10, step=7):
    train_state = train.init_train_state(MODEL, OPTIMIZER, jax.random.key(0))
    train_state = train_state._replace(step=jnp.array(step, jnp.int32))
    return Progress(len(history), epochs, train_state, history)


def rows(*losses):
    return [
        {"epoch": number, "loss": loss, "accuracy": 0.5, "seconds": 0.25}
        for number, loss in enumerate(losses, 1)
    ]


def test_print_epochs_writes_one_line_with_every_figure():
    lines = []
    callback = callbacks.print_epochs(lines.append)
    callback(progress(rows(3.0, 0.125)))
    callback(progress([rows(3.0)[0] | {"validation_loss": 4.0, "validation_accuracy": 0.25}]))
    callback(progress([{"epoch": 1, "loss": 3.0, "seconds": 0.25}]))
    assert lines == [
        "epoch  2/10  loss 0.1250  accuracy 0.5000  0.2 s",
        "epoch  1/10  loss 3.0000 (4.0000)  accuracy 0.5000 (0.2500)  0.2 s",
        "epoch  1/10  loss 3.0000  0.2 s",
    ]


@pytest.mark.parametrize(
    ("losses", "patience", "reason"),
    [
        ([3, 2, 1], 1, None),
        ([3, 2, 2.5], 1, "loss has not fallen since epoch 2"),
        ([3, 2, 2], 1, "loss has not fallen since epoch 2"),
        ([3, 2, 2.5], 2, None),
        ([3, 2, 2.5, 2.1], 2, "loss has not fallen since epoch 2"),
        ([1], 1, None),
    ],
)
def test_early_stopping_waits_for_its_patience(losses, patience, reason):
    assert callbacks.early_stopping("loss", patience=patience)(progress(rows(*losses))) == reason


def test_early_stopping_names_the_columns_that_there_are():
    with pytest.raises(ValueError, match=r"expected one of \['epoch', 'loss', .* 'validation_los"):
        callbacks.early_stopping(patience=1)(progress(rows(1.0)))


@pytest.mark.parametrize("patience", [0, 1.5])
def test_early_stopping_refuses_a_patience_that_is_none(patience):
    with pytest.raises(ValueError, match=f"at least 1, got {patience}"):
        callbacks.early_stopping(patience=patience)


def test_log_learning_rate_is_that_of_the_last_step():
    history = rows(1.0)
    callbacks.log_learning_rate(optim.linear_schedule(1.0, 0.0, 10))(progress(history, step=4))
    assert history[-1]["learning_rate"] == pytest.approx(0.7)


def test_save_checkpoints_keeps_what_restore_reads(tmp_path):
    callback = callbacks.save_checkpoints(tmp_path, {"seed": 3})
    for step, loss in [(1, 0.5), (2, 0.1), (3, 0.2)]:
        callback(progress(rows(loss), step=step))
    template = progress(rows(0.0)).train_state
    assert int(checkpoint.restore(tmp_path, template, step="best").step) == 2
    assert int(checkpoint.restore(tmp_path, template).step) == 3


def test_save_checkpoints_judges_by_validation_where_there_is_one(tmp_path):
    callback = callbacks.save_checkpoints(tmp_path, {})
    for step, loss, validation_loss in [(1, 0.5, 0.1), (2, 0.1, 0.3), (3, 0.05, 0.4)]:
        callback(progress([rows(loss)[0] | {"validation_loss": validation_loss}], step=step))
    template = progress(rows(0.0)).train_state
    assert int(checkpoint.restore(tmp_path, template, step="best").step) == 1


def test_append_history_adds_a_line_an_epoch(tmp_path):
    callback, history = callbacks.append_history(tmp_path / "history.jsonl"), rows(3.0, 2.0)
    callback(progress(history[:1]))
    callback(progress(history))
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == history


def test_plot_curves_draws_both(tmp_path):
    callbacks.plot_curves(tmp_path)(progress(rows(3.0, 2.0)))
    assert {path.name for path in tmp_path.iterdir()} == {"loss.png", "accuracy.png"}
