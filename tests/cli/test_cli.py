"""The command line as a user has it: real processes, real MNIST, real folders."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxnn import cli, data

QUICK = ["--hidden", "16", "--epochs", "2", "--batch-size", "500"]


def jaxnn(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    """Runs `jaxnn` in a folder, as from a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "jaxnn", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])},
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which `jaxnn train` has run, and what it printed."""
    folder = tmp_path_factory.mktemp("work")
    return folder, jaxnn("train", *QUICK, folder=folder)


def test_train_prints_a_line_an_epoch_and_the_test_accuracy(trained):
    _, process = trained
    assert (process.returncode, process.stderr) == (0, "")
    lines = process.stdout.splitlines()
    assert lines[0].startswith("runs/mnist-1: train 12,730 parameters on 54,000 images")
    assert [line[:10] for line in lines[1:3]] == ["epoch 1/2 ", "epoch 2/2 "]
    assert lines[-2] == "report runs/mnist-1/report.html"
    assert lines[-1].startswith("test accuracy 0.8") or lines[-1].startswith("test accuracy 0.9")


def test_train_leaves_a_run_folder(trained):
    run = trained[0] / "runs" / "mnist-1"
    names = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert {name for name in names if "checkpoints" not in name} == {
        ".lock", "config.json", "history.jsonl", "report.html", "results.json", "plots/loss.png",
        "plots/accuracy.png", "plots/confusion.png", "plots/samples.png",
        "plots/predictions.png", "plots/errors.png",
    }  # fmt: skip
    assert "checkpoints/step-0000000216.safetensors" in names
    config = json.loads((run / "config.json").read_text())
    assert config["options"]["model"]["hidden"] == [16]
    assert config["options"]["seed"] == 0
    assert {"jaxnn", "jax", "numpy", "python", "device"} <= config["environment"].keys()
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[0].keys() >= {"loss", "accuracy", "validation_loss", "learning_rate", "seconds"}


def test_a_bar_is_shown_on_a_terminal_and_only_there(trained, tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxnn", "train", *QUICK],
        cwd=tmp_path,
        stdout=theirs,
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2]), "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal says that its program has ended
        while part := os.read(ours, 65536):
            shown += part
    assert process.wait() == 0
    os.close(ours)
    assert b"0/2" in shown
    assert "━" in shown.decode()
    assert "━" not in trained[1].stdout


def test_evaluate_finds_what_train_reported(trained):
    folder, process = trained
    evaluated = jaxnn("evaluate", "runs/mnist-1", folder=folder)
    assert evaluated.returncode == 0
    assert evaluated.stdout.splitlines()[-1] == process.stdout.splitlines()[-1]


def test_predict_recognises_a_test_image_saved_as_a_picture(trained, tmp_path):
    from PIL import Image

    _, test_set = data.load("mnist")
    ones = np.flatnonzero(np.asarray(test_set.labels) == 1)[:2]
    for number, index in enumerate(ones):
        Image.fromarray(test_set.images[index]).save(tmp_path / f"{number}.png")
    files = [str(tmp_path / "0.png"), str(tmp_path / "1.png")]
    predicted = jaxnn("predict", "runs/mnist-1", *files, folder=trained[0])
    assert (predicted.returncode, predicted.stderr) == (0, "")
    for line, file in zip(predicted.stdout.splitlines(), files, strict=True):
        path, first, *_ = line.split("  ")
        assert path == file
        assert first.startswith("1 ")
        assert line.count("%") == 3


def test_plot_draws_the_pictures_again(trained):
    folder, _ = trained
    run = folder / "runs" / "mnist-1"
    before = (run / "plots" / "confusion.png").read_bytes()
    (run / "plots" / "confusion.png").unlink()
    drawn = jaxnn("plot", "runs/mnist-1", folder=folder)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert (run / "plots" / "confusion.png").read_bytes() == before
    assert drawn.stdout.splitlines()[-1] == "runs/mnist-1/report.html"


def test_a_second_run_gets_a_folder_of_its_own(trained):
    folder, first = trained
    second = jaxnn("train", *QUICK, "--quiet", folder=folder)
    assert second.stdout == first.stdout.splitlines()[-1] + "\n", "the same seed, the same network"
    assert (folder / "runs" / "mnist-2" / "report.html").is_file()


def test_every_option_together_trains(tmp_path):
    process = jaxnn(
        "train", *QUICK, "--activation", "gelu", "--batch-norm", "--dropout", "0.1",
        "--initializer", "he_normal", "--optimizer", "adamw", "--learning-rate", "3e-3",
        "--schedule", "warmup_cosine", "--warmup-epochs", "1", "--b1", "0.8", "--weight-decay",
        "1e-3", "--clip-norm", "1", "--label-smoothing", "0.1", "--l1", "1e-6", "--l2", "1e-6",
        "--max-shift", "1", "--validation", "0.2", "--early-stopping", "5", "--seed", "7",
        "--out", "run", folder=tmp_path,
    )  # fmt: skip
    assert (process.returncode, process.stderr) == (0, "")
    assert (tmp_path / "run" / "report.html").is_file()


def test_sweep_trains_every_combination_as_train_does_and_goes_on(trained):
    folder, _ = trained
    arguments = ["sweep", "learning-rate=1e-3,1e-2", *QUICK, "--out", "sweep"]
    first = jaxnn(*arguments, folder=folder)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[-1].startswith("best learning-rate=0.01: validation loss 0.")
    names = {path.name for path in (folder / "sweep").rglob("*") if path.is_file()}
    assert names == {
        ".lock", "config.json", "sweep.json", "results.jsonl", "table.csv", "coordinates.png",
        "curves-learning-rate.png",
    }  # fmt: skip
    results = folder / "sweep" / "results.jsonl"
    records = [json.loads(line) for line in results.read_text().splitlines()]
    ours = next(record["history"] for record in records if record["member"] == 0)
    lines = (folder / "runs" / "mnist-1" / "history.jsonl").read_text().splitlines()
    for row, line in zip(ours, lines, strict=True):
        alone = json.loads(line)
        np.testing.assert_allclose([*row.values()], [alone[name] for name in row], rtol=1e-5)

    results.write_text(results.read_text().splitlines(keepends=True)[0])
    assert (
        jaxnn(*arguments, "--quiet", folder=folder).stdout == first.stdout.splitlines()[-1] + "\n"
    )
    other = jaxnn(*arguments, "--activation", "tanh", folder=folder)
    assert other.returncode == 2
    assert "holds another sweep: its config.model.activation is relu, here tanh" in other.stderr


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "amsgrad", "nadam", "adagrad"])
def test_every_optimizer_trains(optimizer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.main(["train", *QUICK, "--epochs", "1", "--optimizer", optimizer, "--quiet"])
    assert json.loads(Path("runs/mnist-1/results.json").read_text())["accuracy"] > 0.2


def test_summary_shows_the_network(capsys):
    cli.main(["summary", "--hidden", "32", "--batch-norm"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["layer", "shapes", "parameters"]
    assert lines[-1].split() == ["total", "25,514"]


def test_info_tells_versions_and_data(capsys):
    cli.main(["info"])
    text = capsys.readouterr().out
    assert "60,000 training and 10,000 test images, verified" in text
    assert "[torch]" in text


@pytest.mark.parametrize("command", [[], *([name] for name in cli.COMMANDS)], ids=" ".join)
def test_help_is_shown(command, capsys):
    with contextlib.suppress(SystemExit):
        cli.main([*command, "--help"])
    assert "jaxnn" in capsys.readouterr().out


WRONG = [
    (
        ["trian"],
        "expected one of train, sweep, evaluate, predict, verify, play, plot, summary, info",
    ),
    (["train", "--dropuot", "0.5"], "--dropout"),
    (["train", "--dropout", "much"], "'much'"),
    (["train", "--dropout", "1.5"], "--dropout must be a number in [0, 1), got 1.5"),
    (["train", "--activation", "rule"], "'relu'"),
    (["train", "--optimizer", "adma"], "'adam'"),
    (["train", "--preset", "weak"], "'strong'"),
    (["train", "--hidden", "256", "0"], "--hidden must be a whole number of at least 1, got 0"),
    (["train", "--epochs", "0"], "--epochs must be a whole number of at least 1, got 0"),
    (["train", "--batch-size", "-1"], "--batch-size must be a whole number of at least 1, got -1"),
    (["train", "--learning-rate", "-1"], "--learning-rate must be a number in (0, inf), got -1.0"),
    (["train", "--validation", "1"], "--validation must be a number in [0, 1), got 1.0"),
    (["train", "--momentum", "0.9"], "--momentum is not a setting of adam"),
    (["train", "--early-stopping", "3", "--validation", "0"], "--early-stopping needs validation"),
    (["train", "--data", "mnits"], "mnist"),
    (["train", "--data", "./nowhere"], "nowhere"),
    (["train", "--label-smoothing", "2"], "--label-smoothing must be a number in [0, 1], got 2.0"),
    (["train", "--schedule", "warmup_cosine", "--warmup-epochs", "9"], "--warmup-epochs"),
    (["sweep"], "expected what to sweep, such as learning-rate=1e-3,1e-2"),
    (["sweep", "learning-rate"], "expected NAME=VALUE,VALUE, got 'learning-rate'"),
    (["sweep", "rate=1"], "rate cannot be swept, expected one of hidden, activation,"),
    (["sweep", "warmup-epochs=1"], "warmup-epochs cannot be swept"),
    (["sweep", "seed=0", "seed=1"], "seed is given twice"),
    (["sweep", "learning-rate=much"], "learning-rate=much: expected a number"),
    (["sweep", "momentum=0.9,"], "momentum=: expected a number"),
    (["sweep", "seed=0.5"], "seed=0.5: expected a whole number"),
    (["sweep", "hidden=128|64"], "hidden=128|64: expected widths joined by x"),
    (["sweep", "batch-norm=1"], "batch-norm=1: expected true or false"),
    (["sweep", "optimizer=adma"], "optimizer=adma: expected one of sgd, rmsprop, adam"),
    (["sweep", "dropout=0.1,1.5"], "--dropout must be a number in [0, 1), got 1.5"),
    (["sweep", "hidden=16x0"], "--hidden must be a whole number of at least 1, got 0"),
    (["sweep", "b1=0.8,0.9", "--optimizer", "sgd"], "--b1 is not a setting of sgd"),
    (["sweep", "epochs=0,1"], "epochs must be a whole number of at least 1, got 0"),
    (["sweep", "seed=0,1", "--early-stopping", "3"], "--early-stopping is of jaxnn train"),
    (["sweep", "seed=0,1", "--data", "mnits"], "mnist"),
    (["evaluate"], "run folder"),
    (["evaluate", "nowhere"], "nowhere is not a run folder: it has no config.json"),
    (["predict", "nowhere"], "at least one picture file"),
    (["predict", "nowhere", "nothing.png"], "nothing.png"),
    (["plot", "nowhere"], "nowhere is not a run folder"),
    (["summary", "--hidden", "many"], "'many'"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=lambda value: " ".join(value)[:60])
def test_wrong_use_is_one_line_status_2_and_nothing_written(
    arguments, says, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    out, err = capsys.readouterr()
    assert stop.value.code == 2
    assert out == ""
    assert says in err
    assert err.startswith("jaxnn")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "--out", "mine"])
    assert stop.value.code == 2
    assert "--out must not exist yet, but mine does" in capsys.readouterr().err
    assert list(Path("mine").iterdir()) == []
