"""What stands behind a quick start: kept programs, and pictures drawn in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxnn import cli
from jaxnn.cli import pictures, programs
from jaxnn.cli.beside import Beside

keeps = pytest.mark.skipif(
    not programs.loads_quietly(), reason="with an older jaxlib nothing is kept"
)

TRAIN = ["train", "--data", "./tiny", "--hidden", "4", "--batch-size", "50", "--epochs"]


def command(folder: Path, *arguments: str, cache: Path, **settings) -> subprocess.Popen:
    """`jaxnn`, started in a folder, with a cache folder of its own."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JAX")},
        "JAX_PLATFORMS": "cpu",
        "JAXNN_CACHE": str(cache),
        "PYTHONPATH": str(Path(cli.__file__).parents[2]),
        **settings,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "jaxnn", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen) -> str:
    """What a process printed that ended well and complained of nothing."""
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    return out


def write_idx(path: Path, array: np.ndarray) -> None:
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes())
    with path.open("ab") as file:
        file.write(array.astype(np.uint8).tobytes())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a small data set and a picture, where `jaxnn train` has run the first time."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "tiny").mkdir()
    random = np.random.default_rng(0)
    for part, n in (("train", 120), ("t10k", 60)):
        labels = np.arange(n) % 3
        images = random.integers(0, 80, (n, 28, 28)) + 80 * labels[:, None, None]
        write_idx(folder / "tiny" / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / "tiny" / f"{part}-labels-idx1-ubyte", labels)
    Image.fromarray(images[0].astype(np.uint8)).save(folder / "picture.png")
    finished(command(folder, *TRAIN, "2", "--out", "first", cache=folder / "cache"))
    return folder


def kept(cache: Path) -> dict[str, int]:
    """The names of the kept programs, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in cache.glob("programs/*/*")}


@keeps
def test_a_second_run_compiles_nothing_and_leaves_the_same_folder(trained):
    before = kept(trained / "cache")
    assert any("epoch" in name for name in before)
    finished(command(trained, *TRAIN, "2", "--out", "again", cache=trained / "cache"))
    assert kept(trained / "cache") == before
    first, again = (
        {path.name for path in (trained / name).rglob("*")} for name in ("first", "again")
    )
    assert first == again
    for path in (trained / "first" / "plots").iterdir():
        assert path.read_bytes() == (trained / "again" / "plots" / path.name).read_bytes()


def test_the_switch_keeps_nothing(trained, tmp_path):
    arguments = ["predict", "first", "picture.png", "--no-compilation-cache"]
    finished(command(trained, *arguments, cache=tmp_path))
    assert kept(tmp_path) == {}


def test_a_folder_of_the_users_own_is_left_to_jax(trained, tmp_path):
    own = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "own")}
    finished(command(trained, "predict", "first", "picture.png", cache=tmp_path, **own))
    assert kept(tmp_path) == {}


def test_a_cache_that_cannot_be_written_is_done_without(trained, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    finished(command(trained, "predict", "first", "picture.png", cache=tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "not a folder"


@keeps
def test_a_damaged_program_is_compiled_again_and_does_not_stay(trained, tmp_path):
    predict = lambda: finished(command(trained, "predict", "first", "picture.png", cache=tmp_path))
    said = predict()
    (damaged,) = (path for path in tmp_path.glob("programs/*/*") if "program-" in path.name)
    damaged.write_bytes(damaged.read_bytes()[:-100])
    assert predict() == said
    assert kept(tmp_path) == {}


def children(process: int) -> list[int]:
    return [
        int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for children")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_training_that_is_ended_leaves_no_process_behind(number, trained, tmp_path):
    process = command(
        trained, *TRAIN, "100000", "--out", str(tmp_path / "run"), cache=trained / "cache"
    )
    assert process.stdout
    while "epoch" not in process.stdout.readline():
        pass
    beside = children(process.pid)
    assert len(beside) == 2
    process.send_signal(number)
    process.communicate()
    assert process.returncode != 0
    ended = lambda child: (
        not Path(f"/proc/{child}/fd").exists() or not os.listdir(f"/proc/{child}/fd")
    )
    deadline = time.monotonic() + 60
    while not all(map(ended, beside)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(map(ended, beside))


def test_what_drawing_raises_is_raised_here(tmp_path):
    (tmp_path / "plots").write_text("a file where the folder of the pictures should be")
    with pictures.beside() as drawn:
        drawn.draw(tmp_path / "plots", samples=[np.zeros((1, 2, 2), np.uint8), np.array([0])])
        with pytest.raises(OSError, match="plots"):
            drawn.by_caption()


def test_the_process_beside_takes_large_arguments_while_it_gives_large_results():
    with Beside() as process:
        results = [process.call(bytes, 1 << 20) for _ in range(3)]
        lengths = [process.call(len, bytes(1 << 20)) for _ in range(3)]
        assert {len(result.result()) for result in results} == {1 << 20}
        assert {length.result() for length in lengths} == {1 << 20}


def test_a_process_beside_that_dies_is_an_error():
    with Beside() as process, pytest.raises(RuntimeError, match="status 3"):
        process.call(os._exit, 3).result()
