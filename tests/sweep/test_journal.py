"""The folder of a sweep: killed processes, torn lines, other sweeps' folders."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sweep import program

ROOT = Path(__file__).parents[2]


def lines(folder: Path) -> list[str]:
    path = folder / "results.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def test_a_killed_sweep_goes_on_where_it_stopped(tmp_path):
    folder = tmp_path / "sweep"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_ENABLE_X64": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sweep.program", str(folder)], cwd=ROOT, env=environment
    )
    while len(lines(folder)) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    before = [json.loads(line) for line in lines(folder)]
    assert 3 <= len(before) < program.MEMBERS

    with open(folder / "results.jsonl", "a") as file:
        file.write('{"member": 39, "stat')  # as a kill within a write would leave it
    result = program.run(folder)
    after = [json.loads(line) for line in lines(folder)]
    assert after[: len(before)] == before, "no member is trained again"
    assert sorted(record["member"] for record in after) == [*range(program.MEMBERS)]
    assert result.curves == program.run().curves
    assert lines(folder) == [json.dumps(record) for record in after]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps") / "a"
    program.run(folder, rates=2, epochs=1)
    return folder


def test_a_finished_sweep_is_read_and_nothing_is_trained(finished):
    content = (finished / "results.jsonl").read_bytes()
    result = program.run(finished, rates=2, epochs=1)
    assert [row["status"] for row in result.rows] == ["finished"] * 2
    assert (finished / "results.jsonl").read_bytes() == content


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rates": 3}, "a holds another sweep: its grid has 2 entries, here 3"),
        ({"epochs": 2}, r"a holds another sweep: its epochs\[0\] is 1, here 2"),
    ],
    ids=["grid", "epochs"],
)
def test_the_folder_of_another_sweep_is_refused(change, says, finished):
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    with pytest.raises(ValueError, match=says):
        program.run(finished, **{"rates": 2, "epochs": 1} | change)
    assert {path.name: path.read_bytes() for path in finished.iterdir()} == before


def test_a_folder_that_is_not_a_sweeps_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(ValueError, match="out must be a new folder or a sweep's"):
        program.run(tmp_path, rates=2, epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_line_that_is_no_record_is_refused_by_its_number(finished, tmp_path):
    for path in finished.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with open(tmp_path / "results.jsonl", "a") as file:
        file.write("nonsense\n")
    with pytest.raises(ValueError, match=r"results.jsonl: line 3 is not a member's record"):
        program.run(tmp_path, rates=2, epochs=1)
