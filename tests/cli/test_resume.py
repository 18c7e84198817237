"""A run folder through kills, signals and wrong company: real processes, real signals."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import kills
from jaxnn import cli

ROOT = Path(cli.__file__).parents[2]
QUICK = ["--data", "./digits", "--hidden", "8", "--batch-size", "96", "--epochs", "3"]
LONG = [*QUICK[:-1], "100000"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with 500 digits, where a training has run to its end, in three epochs."""
    folder = tmp_path_factory.mktemp("work")
    kills.write_digits(folder / "digits", 500)
    assert jaxnn("train", *QUICK, "--out", "alone", folder=folder).returncode == 0
    return folder


def start(*arguments: str, folder: Path, **settings) -> subprocess.Popen:
    """`jaxnn`, started in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAXNN_CACHE": str(folder / "cache")}
    return subprocess.Popen(
        [sys.executable, "-m", "jaxnn", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **{"env": environment, **settings},
    )


def jaxnn(*arguments: str, folder: Path, **settings) -> subprocess.CompletedProcess:
    """`jaxnn`, run to its end in a folder."""
    process = start(*arguments, folder=folder, **settings)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def wait_for(path: Path, process: subprocess.Popen) -> None:
    """Waits until a process has written a file."""
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def steps_in(run: Path) -> list[int]:
    return sorted(int(path.stem[5:]) for path in (run / "checkpoints").glob("step-*"))


def test_killed_at_three_random_moments_runs_end_as_if_left_alone():
    """A draw of `python -m benchmarks.kills`: at start-up, in an epoch, while saving."""
    measured = kills.measure(kills=3, seed=7, write=lambda line: None)
    assert sum(row["bit-equal"] for row in measured["kills"].values()) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_within_the_epoch_and_resume_goes_on(folder, tmp_path, number):
    run = tmp_path / "run"
    process = start("train", *LONG, "--out", str(run), folder=folder)
    wait_for(run / "history.jsonl", process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == os.EX_TEMPFAIL == 75
    (step,) = steps_in(run)[-1:]
    said = (
        f"jaxnn train: {number.name}: saved after step {step:,}; jaxnn train --resume --out {run}"
    )
    assert err == f"{said} goes on\n"


def test_within_an_epoch_nothing_is_lost(folder, tmp_path, monkeypatch):
    """Stopped after the first piece, at step 64 of an epoch of more, and taken up."""
    run = ["train", *QUICK, "--batch-size", "4", "--quiet", "--out"]
    alone, stopped = str(tmp_path / "alone"), str(tmp_path / "stopped")
    assert jaxnn(*run, alone, folder=folder).returncode == 0
    process = start(*run, stopped, folder=folder)
    wait_for(Path(stopped, "config.json"), process)  # before the first step is compiled
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert (process.returncode, steps_in(Path(stopped))) == (75, [64])
    assert jaxnn(*run, stopped, "--resume", folder=folder).returncode == 0
    assert kills.result(Path(stopped)) == kills.result(Path(alone))


def test_resume_of_a_complete_run_does_nothing_and_says_so(folder):
    before = {path: path.stat().st_mtime_ns for path in (folder / "alone").rglob("*.png")}
    process = jaxnn("train", "--resume", "--out", "alone", folder=folder)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines()[1:3] == [
        "goes on after step 15", "nothing is left to do: alone/report.html",
    ]  # fmt: skip
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_run_is_repeated_from_its_configuration(folder, tmp_path):
    again = str(tmp_path / "again")
    config = ["--config", "alone/config.json"]
    assert jaxnn("train", *config, "--out", again, folder=folder).returncode == 0
    assert kills.result(Path(again)) == kills.result(folder / "alone")
    assert (tmp_path / "again/config.json").read_text() == (
        folder / "alone/config.json"
    ).read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--epochs", "4"],
            "alone holds another run, whose options differ: epochs 3 there, 4 here",
        ),
        (["--seed", "1"], "seed 0 there, 1 here"),
        (["--data", "mnist"], "data './digits' there, 'mnist' here"),
    ],
)
def test_another_run_does_not_go_on_in_the_folder(folder, arguments, says):
    process = jaxnn("train", "--resume", "--out", "alone", *arguments, folder=folder)
    assert process.returncode == 2
    assert says in process.stderr


def test_other_data_under_the_same_name_are_noticed(folder, tmp_path):
    shutil.copytree(folder / "digits", tmp_path / "digits")
    shutil.copytree(folder / "alone", tmp_path / "alone")
    labels = tmp_path / "digits" / "train-labels-idx1-ubyte"
    content = bytearray(labels.read_bytes())
    content[-1] ^= 1
    labels.write_bytes(content)
    process = jaxnn("train", "--resume", "--out", "alone", folder=tmp_path)
    assert process.returncode == 2
    assert "alone holds another run, whose data differ: sha256" in process.stderr
    process = jaxnn("verify", "alone", folder=tmp_path)
    assert process.returncode == 1
    assert "data: WRONG: not what the run was trained on: sha256" in process.stdout


def test_a_second_process_is_kept_out(folder, tmp_path):
    run = tmp_path / "run"
    first = start("train", *LONG, "--out", str(run), folder=folder)
    wait_for(run / "history.jsonl", first)
    second = jaxnn("train", *LONG, "--resume", "--out", str(run), folder=folder)
    assert (second.returncode, second.stderr) == (
        2, f"jaxnn train: {run} is in use by another process\n",
    )  # fmt: skip
    first.kill()
    first.communicate()
    process = start("train", *LONG, "--resume", "--out", str(run), folder=folder)
    step = steps_in(run)[-1]
    while steps_in(run)[-1] == step:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()


def test_a_checkpoint_cut_in_half_is_passed_over(folder, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(folder / "alone", run)
    newest = run / "checkpoints" / "step-0000000015.safetensors"
    os.truncate(newest, newest.stat().st_size // 2)
    arguments = ["train", "--resume", "--out", str(run)]
    process = jaxnn(*arguments, folder=folder)
    assert process.returncode == 0
    assert "step-0000000010.safetensors is used" in process.stderr
    assert "goes on after step 10" in process.stdout
    assert kills.result(run) == kills.result(folder / "alone")


def test_verify_finds_what_does_not_belong(folder, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(folder / "alone", run)
    process = jaxnn("verify", str(run), folder=folder)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.count("WRONG") == 0
    rows = (run / "history.jsonl").read_text().splitlines()
    (run / "history.jsonl").write_text("\n".join(rows[:-1]) + "\n")
    results = json.loads((run / "results.json").read_text())
    (run / "results.json").write_text(json.dumps(results | {"accuracy": 0.99}))
    process = jaxnn("verify", str(run), folder=folder)
    assert process.returncode == 1
    wrong = [line for line in process.stdout.splitlines() if "WRONG" in line]
    assert wrong == [
        "history.jsonl: WRONG: its 2 epochs are not the newest checkpoint's 3",
        "results.json: WRONG: measured again, accuracy differ",
    ]


def test_eight_at_once_share_the_cache_and_choose_folders_of_their_own(folder, tmp_path):
    shutil.copytree(folder / "digits", tmp_path / "digits")
    processes = [start("train", *QUICK, "--quiet", folder=tmp_path) for _ in range(8)]
    said = [(*process.communicate(timeout=300), process.returncode) for process in processes]
    assert len(set(said)) == 1, said
    assert said[0][1:] == ("", 0)
    runs = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert runs == [f"digits-{number}" for number in range(1, 9)]
    results = [kills.result(tmp_path / "runs" / name) for name in runs]
    assert all(result == results[0] for result in results)
