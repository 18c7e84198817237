"""`torch-port` as a user has it: help at once, and one line with status 2 on wrong use."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import torch_port
from torch_port import cli


def test_the_command_is_installed_under_its_name():
    project = Path(torch_port.__file__).parents[1] / "pyproject.toml"
    scripts = tomllib.loads(project.read_text())["project"]["scripts"]
    assert scripts["torch-port"] == "torch_port.cli:main"


def test_help_names_the_commands_and_loads_nothing_heavy():
    program = (
        "import sys; from torch_port import cli; cli.main(['--help']); "
        "print({'torch', 'numpy', 'jax', 'tyro', 'matplotlib'} & {*sys.modules})"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    *shown, loaded = process.stdout.splitlines()
    assert (process.returncode, loaded) == (0, "set()")
    assert shown[0] == "usage: torch-port COMMAND [OPTIONS]"
    assert any(line.startswith("  torch-port compare") for line in shown)
    assert any(line.startswith("  torch-port lecture") for line in shown)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_is_shown(arguments, capsys):
    cli.main(arguments)
    assert capsys.readouterr().out == cli.HELP + "\n"


def test_the_help_of_the_command_shows_its_options(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["lecture", "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    for option in ("--epochs", "--seed", "--out", "--as-printed", "--quiet", "softmax,loop,both"):
        assert option in out


WRONG = [
    (["lectrue"], "torch-port: no command 'lectrue'; expected one of compare, lecture"),
    (["lecture", "--epohcs", "2"], "--epochs"),
    (["lecture", "--epochs", "many"], "'many'"),
    (["lecture", "--epochs", "0"], "--epochs must be a whole number of at least 1, got 0"),
    (["lecture", "--seed", "-1"], "--seed must be a whole number of at least 0, got -1"),
    (["lecture", "--as-printed", "loops"], "'loop'"),
    (["lecture", "surplus"], "surplus"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=lambda value: " ".join(value)[:40])
def test_wrong_use_is_one_line_status_2_and_nothing_written(
    arguments, says, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert says in err
    assert err.startswith("torch-port")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_before_the_training(tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as stop:
        cli.main(["lecture", "--out", str(tmp_path / "file" / "run")])
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert "file" in err
