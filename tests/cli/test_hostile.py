"""A training where the machine does not help: full, read-only and vanishing disks, no home."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from benchmarks import kills
from tests.cli.test_resume import LONG, QUICK, ROOT, jaxnn, start, steps_in, wait_for

WIDE = [*QUICK, "--hidden", "512", "256"]
AS_NOBODY = [
    *("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
]
"""Runs a command as a user without name and home, who may read all (Python may be root's)."""

as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="to mount a disk or to be another user takes root, which CI is",
)


@pytest.fixture(scope="module")
def folder():
    """A folder that every user can write, with digits and a finished training of a wide network."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o777)
        kills.write_digits(folder / "digits", 500)
        assert jaxnn("train", *WIDE, "--out", "alone", folder=folder).returncode == 0
        yield folder


@pytest.fixture
def small_disk(tmp_path):
    """An empty file system of 16 MB: two checkpoints fit, a third does not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


@as_root
def test_a_full_disk_loses_no_checkpoint(folder, small_disk):
    run = small_disk / "run"
    process = jaxnn("train", *WIDE, "--out", str(run), folder=folder)
    assert process.returncode == 2
    assert "No space left on device" in process.stderr
    assert f"{run}/checkpoints/step-0000000015.safetensors" in process.stderr
    assert steps_in(run) == [5, 10]
    assert not [*(run / "checkpoints").glob(".step-*")]
    remount(small_disk, "size=64m")
    assert jaxnn("train", *WIDE, "--resume", "--out", str(run), folder=folder).returncode == 0
    assert kills.result(run) == kills.result(folder / "alone")


@as_root
def test_a_read_only_folder_is_refused_before_anything_is_trained(folder, small_disk):
    run = small_disk / "run"
    shutil.copytree(folder / "alone", run, ignore=shutil.ignore_patterns("checkpoints", "plots"))
    remount(small_disk, "ro")
    process = jaxnn("train", *WIDE, "--resume", "--out", str(run), folder=folder)
    assert process.returncode == 2
    assert process.stderr.endswith(f"Read-only file system: '{run}/.lock'\n")
    assert process.stdout == ""


def test_a_folder_that_is_removed_ends_the_training_by_name(folder, tmp_path):
    run = tmp_path / "run"
    process = start("train", *LONG, "--out", str(run), folder=folder)
    wait_for(run / "history.jsonl", process)
    while run.exists():
        shutil.rmtree(run, ignore_errors=True)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "[Errno 2]" in err
    assert str(run) in err


def test_a_clock_set_back_changes_nothing(folder, tmp_path):
    """What was written before then lies in the future; of two checkpoints the newer is older."""
    run = tmp_path / "run"
    shutil.copytree(folder / "alone", run)
    newest = run / "checkpoints" / "step-0000000015.safetensors"
    newest.unlink()
    for hours, path in enumerate(sorted(run.rglob("*"), reverse=True), 1):
        os.utime(path, (time.time() + 3600 * hours,) * 2)
    assert jaxnn("train", "--resume", "--out", str(run), folder=folder).returncode == 0
    assert kills.result(run) == kills.result(folder / "alone")


@as_root
@pytest.mark.parametrize("cache", [None, "not-ours"], ids=["no home", "no permission"])
def test_a_user_without_home_or_cache_trains_all_the_same(folder, cache):
    """The cache folder is that of a user who has none, or belongs to somebody else."""
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
        "XLA_FLAGS": os.environ.get("XLA_FLAGS", ""),
        "MPLCONFIGDIR": str(folder / "matplotlib"),  # or it says that it has no home
    }
    if cache:
        (folder / cache).mkdir(mode=0o755)
        environment["JAXNN_CACHE"] = str(folder / cache)
    run = str(folder / f"of-{cache}")
    process = subprocess.run(
        [*AS_NOBODY, sys.executable, "-m", "jaxnn", "train", *WIDE, "--out", run],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert kills.result(Path(run)) == kills.result(folder / "alone")
    assert not cache or not [*(folder / cache).iterdir()]


@pytest.mark.parametrize("command", [["--help"], ["info"], ["train", "--help"]])
def test_whoever_has_read_enough_may_close_the_pipe(command):
    reader, writer = os.pipe()
    os.close(reader)
    with contextlib.closing(os.fdopen(writer, "wb")) as closed:
        process = subprocess.run(
            [sys.executable, "-m", "jaxnn", *command],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert (process.returncode, process.stderr) == (1, "")
