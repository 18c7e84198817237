"""The embedded MNIST: the right bytes, and a cache that nothing can spoil."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from jaxnn import data
from jaxnn.data import mnist


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder of the test's own; the files will lie in its `mnist`."""
    monkeypatch.setenv("JAXNN_CACHE", str(tmp_path))
    return tmp_path / "mnist"


def run(program: str, **changes) -> subprocess.Popen:
    """A fresh interpreter, in this one's environment but for the changes."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        env=os.environ | changes,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def checksums(folder) -> dict[str, str]:
    """The SHA-256 of each file in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_all_of_mnist_is_there():
    train, test = data.load("mnist")
    assert train.images.shape == (60000, 28, 28)
    assert test.images.shape == (10000, 28, 28)
    assert train.images.dtype == test.images.dtype == np.uint8
    assert train.labels.dtype == test.labels.dtype == np.int32
    assert np.bincount(train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    assert np.bincount(test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip
    assert train.images.mean() / 255 == pytest.approx(0.1306604762738431, rel=1e-12)
    assert train.images.std() / 255 == pytest.approx(0.3081078038564622, rel=1e-12)


def test_an_unknown_name_is_answered():
    with pytest.raises(ValueError, match=r"'mnist', .* got 'fashion'"):
        data.load("fashion")


def test_authors_and_licence_are_named():
    text = (mnist.FILES / "LICENSE").read_text()
    for words in ("Yann LeCun", "Corinna Cortes", "Attribution-ShareAlike 3.0 Unported"):
        assert words in text


def test_the_first_use_fills_the_cache_and_the_next_maps_it(cache, monkeypatch):
    first = data.load("mnist")
    assert checksums(cache) == mnist.CHECKSUMS
    monkeypatch.setattr(mnist, "_decode", lambda name: pytest.fail(f"{name} is decoded again"))
    second = data.load("mnist")
    np.testing.assert_array_equal(first[0].images, second[0].images)
    base = second[0].images
    while isinstance(base, np.ndarray):
        base = base.base
    assert type(base).__name__ == "mmap"


def test_nobody_can_write_into_the_data(cache):
    for _ in ("decoded", "mapped"):
        train, _ = data.load("mnist")
        with pytest.raises(ValueError, match="read-only"):
            train.images[0, 0, 0] = 1


def truncate(path):
    os.truncate(path, path.stat().st_size - 1)


def change_one_byte(path):
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))


def lengthen(path):
    with open(path, "ab") as file:
        file.write(b"\0")


def empty(path):
    os.truncate(path, 0)


def remove(path):
    path.unlink()


@pytest.mark.parametrize("spoil", [truncate, change_one_byte, lengthen, empty, remove])
@pytest.mark.parametrize("name", mnist.CHECKSUMS)
def test_a_spoilt_cache_is_noticed_and_rebuilt(cache, spoil, name):
    right = data.load("mnist")
    spoil(cache / name)
    again = data.load("mnist")
    for part, same in zip(right, again, strict=True):
        np.testing.assert_array_equal(part.labels, same.labels)
        np.testing.assert_array_equal(part.images[-100:], same.images[-100:])
    assert checksums(cache) == mnist.CHECKSUMS


DIGEST = """
import hashlib
from jaxnn import data
train, test = data.load("mnist")
print(hashlib.sha256(train.images.tobytes() + test.images.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def right_digest():
    train, test = data.load("mnist")
    return hashlib.sha256(train.images.tobytes() + test.images.tobytes()).hexdigest()


def finish(process: subprocess.Popen) -> str:
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output.strip()


def test_processes_may_fill_the_cache_at_once(cache, right_digest):
    processes = [run(DIGEST) for _ in range(4)]
    assert [finish(process) for process in processes] == [right_digest] * 4
    assert checksums(cache) == mnist.CHECKSUMS, "and no temporary file is left"


FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"


@pytest.mark.parametrize(
    ("before", "folder"),
    [
        ("", "/proc/self/jaxnn"),
        ("", "{file}/jaxnn"),
        (FULL_DISK, "{empty}"),
    ],
    ids=["no folder can be made", "below a file", "full disk"],
)
def test_without_a_cache_memory_serves(tmp_path, right_digest, before, folder):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    place = folder.format(file=tmp_path / "file", empty=tmp_path / "empty")
    assert finish(run(before + DIGEST, JAXNN_CACHE=place)) == right_digest
    assert [path for path in (tmp_path / "empty").rglob("*") if path.is_file()] == []


def test_without_a_home_memory_serves(tmp_path, monkeypatch, right_digest):
    def nobody(uid):
        raise KeyError(uid)

    for name in ("HOME", "JAXNN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    assert data.cache_folder() is None
    train, test = data.load("mnist")
    digest = hashlib.sha256(train.images.tobytes() + test.images.tobytes()).hexdigest()
    assert digest == right_digest
    assert list(tmp_path.iterdir()) == [], "no folder named ~"


@pytest.mark.parametrize("spoil", [truncate, change_one_byte, empty, remove])
def test_a_damaged_package_is_named(tmp_path, monkeypatch, spoil):
    for name in mnist.CHECKSUMS:
        (tmp_path / f"{name}.gz").write_bytes((mnist.FILES / f"{name}.gz").read_bytes())
    spoil(tmp_path / "t10k-labels-idx1-ubyte.gz")
    monkeypatch.setenv("JAXNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist, "FILES", tmp_path)
    with pytest.raises(
        ValueError, match=r"t10k-labels-idx1-ubyte.gz is missing or damaged: install"
    ):
        data.load("mnist")


def test_reading_data_needs_no_jax(tmp_path):
    program = f"""
import sys
from jaxnn import data
from jaxnn.data import mnist
train, test = data.load("mnist")
data.load_idx(mnist.FILES)
data.from_arrays(test.images, test.labels, num_classes=len(data.class_names("mnist")))
from PIL import Image
Image.fromarray(test.images[0]).save({str(tmp_path / "digit.png")!r})
data.read_image({str(tmp_path / "digit.png")!r})
print("jax" in sys.modules)
"""
    assert finish(run(program)) == "False"
