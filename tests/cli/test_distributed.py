"""`jaxnn train --distributed`: real processes that meet on this machine, and those that do not."""

import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.devices import free_port, run_together
from jaxnn import cli

QUICK = ["train", "--hidden", "16", "--epochs", "2", "--batch-size", "1000"]


def jaxnn(folder, *commands):
    """Runs `jaxnn` side by side, once for each list of arguments."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    full = [[sys.executable, "-m", "jaxnn", *command] for command in commands]
    return run_together(full, seconds=180, cwd=folder, env=environment)


def identity(index, count, port):
    where = ["--distributed", "--coordinator", f"localhost:{port}"]
    return [*where, "--process-count", str(count), "--process-index", str(index)]


def figures(run):
    """Losses and accuracies, epoch by epoch."""
    rows = map(json.loads, (run / "history.jsonl").read_text().splitlines())
    return [value for row in rows for name, value in sorted(row.items()) if name != "seconds"]


def test_two_processes_train_one_network_and_one_of_them_reports(tmp_path, monkeypatch):
    port = free_port()
    commands = [[*QUICK, "--out", "two", *identity(index, 2, port)] for index in range(2)]
    first, second = jaxnn(tmp_path, *commands)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    lines = [line for line in first.stdout.splitlines() if "[Gloo]" not in line]
    assert lines[0].startswith("two: train 12,730 parameters on 54,000 images")
    assert lines[-1].startswith("test accuracy 0.")
    assert [line for line in second.stdout.splitlines() if "[Gloo]" not in line] == []
    assert (tmp_path / "two" / "report.html").is_file()
    config = json.loads((tmp_path / "two" / "config.json").read_text())
    assert config["environment"]["processes"] == "2"

    monkeypatch.chdir(tmp_path)
    cli.main([*QUICK, "--out", "one"])
    assert figures(Path("two")) == pytest.approx(figures(Path("one")), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--process-index", "1"], "--process-index is for training with --distributed"),
        (["--distributed", "--coordinator", "here:1"], "go together, got only --coordinator"),
        (identity(2, 2, 1), "--process-index must be one of 0 to 2 − 1, got 2"),
        (identity(-1, 2, 1), "--process-index must be one of 0 to 2 − 1, got -1"),
        (identity(0, 0, 1), "--process-count must be a whole number of at least 1, got 0"),
        (identity(0, 2, "here"), "--coordinator must be HOST:PORT, got 'localhost:here'"),
        ([*identity(0, 2, 1), "--start-timeout", "0"], "--start-timeout must be a whole number"),
    ],
    ids=lambda value: " ".join(value)[:60],
)
def test_wrong_use_is_one_line_and_status_2(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", *arguments])
    out, err = capsys.readouterr()
    assert (stop.value.code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert list(tmp_path.iterdir()) == []


def test_processes_that_do_not_meet_say_so(tmp_path):
    """One whose coordinator is not there, a coordinator that is alone, one that nobody tells."""
    alone = "not all processes have met at localhost"
    port, other = free_port(), free_port()
    commands = {
        (*identity(1, 2, port), "--start-timeout", "1"): alone,
        (*identity(0, 2, other), "--start-timeout", "1"): alone,
        ("--distributed",): "--distributed finds no SLURM, Kubernetes or Open MPI to ask: give",
    }
    results = jaxnn(tmp_path, *(["train", *command] for command in commands))
    for says, result in zip(commands.values(), results, strict=True):
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert says in result.stderr
    assert list(tmp_path.iterdir()) == []
