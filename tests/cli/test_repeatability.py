"""One seed, one machine: the same bits, whatever is shown, called, kept, shared or interrupted.

With dropout, batch norm, a schedule and a ragged last batch; all that a training has come to is
compared, but for times: parameters, running statistics, optimiser state, key, history.
"""

import contextlib
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks import kills
from jaxnn import callbacks, checkpoint, cli, losses, models, optim, train
from jaxnn.cli import programs
from tests.test_resume import assert_same, digits

ALL_OF_IT = {
    "model": models.image_classifier((28, 28), (16,), 10, batch_norm=True, dropout=0.3),
    "optimizer": optim.adamw(optim.warmup_cosine_decay_schedule(0.0, 1e-2, 5, 15)),
    "loss": losses.softmax_cross_entropy,
    "validation": digits(50),
    "batch_size": 32,
    "key": jax.random.key(3),
}


def fit(epochs: int = 3, **changes) -> train.FitResult:
    """A training of four batches of 32 and one of 22 an epoch."""
    return train.fit(dataset=digits(150), epochs=epochs, **(ALL_OF_IT | changes))


@pytest.fixture(scope="module")
def expected():
    """The training at once, with nothing about it."""
    return fit()


def assert_repeats(found, expected):
    """A callback may add columns to the history, and no more."""
    columns = expected.history[0]
    assert_same(
        found._replace(history=[{name: row[name] for name in columns} for row in found.history]),
        expected,
    )


def test_the_training_has_all_that_could_differ(expected):
    paths = [
        jax.tree_util.keystr(path)
        for path, _ in jax.tree_util.tree_leaves_with_path(expected.train_state)
    ]
    for part in ("['kernel']", "['mean']", "['var']", ".mu", ".nu", ".count", ".key", ".step"):
        assert any(part in path for path in paths), part
    assert int(expected.train_state.step) == 15
    figures = {row[name] for row in expected.history for name in ("loss", "validation_loss")}
    assert len(figures) == 6, "it learns"


def test_another_seed_gives_other_bits(expected):
    other = fit(key=jax.random.key(4))
    with pytest.raises(AssertionError):
        assert_same(other, expected)


def test_a_bar_that_is_shown_changes_nothing(expected, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # which rich takes for a terminal
    with callbacks.progress_bar(3) as advance:
        found = fit(callbacks=[advance])
    assert "━" in capsys.readouterr().out
    assert_repeats(found, expected)


def test_callbacks_change_nothing_not_even_those_that_draw(expected, tmp_path):
    def draws(progress):
        jax.random.normal(progress.train_state.key, (3,)).block_until_ready()
        np.random.default_rng().random(3)

    schedule = lambda step: 0.1 * 0.99**step
    found = fit(
        callbacks=[
            draws,
            callbacks.print_epochs(lambda line: None),
            callbacks.log_learning_rate(schedule),
            callbacks.early_stopping(patience=3),
            callbacks.append_history(tmp_path / "history.jsonl"),
            callbacks.save_checkpoints(tmp_path / "checkpoints", {}),
            callbacks.plot_curves(tmp_path),
        ],
    )
    assert found.history[-1]["learning_rate"] == pytest.approx(0.1 * 0.99**14)
    assert_repeats(found, expected)


def test_a_training_that_may_be_stopped_and_is_not_repeats(expected):
    """Its epochs are taken in pieces, whose lengths follow from the clock."""
    assert_repeats(fit(stop=lambda: None), expected)


def test_epochs_in_calls_of_their_own_are_those_of_one_call(expected):
    found = None
    for epochs in (1, 2, 3):
        found = fit(epochs, resume=found)
    assert_repeats(found, expected)


def test_taken_up_from_a_file_it_repeats(expected, tmp_path):
    fit(1, callbacks=[callbacks.save_checkpoints(tmp_path, {})])
    assert_repeats(fit(resume=checkpoint.load(tmp_path)), expected)


ROOT = Path(cli.__file__).parents[2]
OPTIONS = [
    *("train", "--data", "./digits", "--hidden", "128", "64", "--batch-norm", "--dropout", "0.2"),
    *("--max-shift", "1", "--schedule", "cosine", "--batch-size", "96", "--epochs", "3"),
    *("--seed", "5", "--out"),
]
"""Of 450 digits, 50 being held out: four batches of 96 and one of 66 an epoch."""

KILLED_AFTER_ITS_FIRST_EPOCH = """
import os, signal
from jaxnn import callbacks, cli

save_checkpoints = callbacks.save_checkpoints

def save_and_die(*arguments):
    save = save_checkpoints(*arguments)
    return lambda progress: (save(progress), os.kill(os.getpid(), signal.SIGKILL))

callbacks.save_checkpoints = save_and_die
cli.main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with 500 digits, where a training has run quietly and without a kept program."""
    folder = tmp_path_factory.mktemp("work")
    kills.write_digits(folder / "digits", 500)
    finished(start(folder, "alone", "--quiet"))
    return folder


def start(
    folder: Path, run: str, *options: str, cache: str = "cache", program=("-m", "jaxnn"), **settings
) -> subprocess.Popen:
    """`jaxnn train`, started in a folder."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JAX_COMP")},
        **{"PYTHONPATH": str(ROOT), "JAXNN_CACHE": str(folder / cache), "TERM": "xterm"},
    }
    return subprocess.Popen(
        [sys.executable, *program, *OPTIONS, run, *options],
        cwd=folder,
        env=environment,
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | settings),
    )


def finished(process: subprocess.Popen) -> str:
    """What a process printed that ended well and complained of nothing."""
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    return out


def kept(folder: Path, cache: str = "cache") -> dict[str, int]:
    """The names of the kept programs, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / cache).glob("programs/*/*")}


def assert_same_run(folder: Path, run: str) -> None:
    """All that two runs have come to is the same; `alone` is none that says nothing."""
    checkpoints, history, results = kills.result(folder / "alone")
    assert len(history) == 3
    assert results["accuracy"] > 0.2
    arrays = checkpoints["step-0000000015.safetensors"]
    for part in ("kernel", "mean", "var", ".mu", ".nu", ".key", ".step"):
        assert any(part in name for name in arrays), part
    assert kills.result(folder / run) == (checkpoints, history, results)


@pytest.mark.skipif(not programs.loads_quietly(), reason="with an older jaxlib nothing is kept")
def test_kept_programs_lines_and_a_callback_change_nothing(folder):
    before = kept(folder)
    out = finished(start(folder, "warm", "--early-stopping", "3"))
    assert any("epoch" in name for name in before)
    assert kept(folder) == before
    assert "epoch 3/3" in out
    assert_same_run(folder, "warm")


def test_without_kept_programs_it_repeats(folder):
    finished(start(folder, "without", "--no-compilation-cache", cache="unused"))
    assert kept(folder, "unused") == {}
    assert_same_run(folder, "without")


def test_a_bar_in_a_terminal_changes_nothing(folder):
    ours, theirs = pty.openpty()
    process = start(folder, "terminal", stdout=theirs, stderr=theirs, text=False)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal says that its program has ended
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    assert process.wait() == 0
    assert "━" in shown.decode()
    assert_same_run(folder, "terminal")


def test_two_processes_at_once_repeat(folder):
    """Each compiles what the other may be keeping at that moment."""
    processes = [start(folder, run, cache="shared") for run in ("left", "right")]
    for process in processes:
        finished(process)
    assert_same_run(folder, "left")
    assert_same_run(folder, "right")


def test_killed_after_its_first_epoch_and_resumed_it_repeats(folder):
    process = start(folder, "killed", program=("-c", KILLED_AFTER_ITS_FIRST_EPOCH))
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert len((folder / "killed" / "history.jsonl").read_text().splitlines()) == 1
    assert "goes on after step 5\n" in finished(start(folder, "killed", "--resume"))
    assert_same_run(folder, "killed")
