"""IDX files: every file that is right is read exactly, every other is named."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxnn import data
from jaxnn.data import idx, mnist

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package `dataset-fashion-mnist` puts it."""

KINDS = {np.dtype(dtype): kind for kind, dtype in idx.DTYPES.items()}


def encode(array: np.ndarray) -> bytes:
    """An array, big-endian, as the bytes of an IDX file."""
    header = struct.pack(">HBB", 0, KINDS[array.dtype], array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


ARRAYS = st.sampled_from(sorted(idx.DTYPES.values())).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=4, max_side=5))
)

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([3, 1, 2], np.uint8)
FILES = {
    "train-images-idx3-ubyte": encode(IMAGES),
    "train-labels-idx1-ubyte": encode(LABELS),
    "t10k-images-idx3-ubyte": encode(IMAGES[:2]),
    "t10k-labels-idx1-ubyte": encode(LABELS[:2]),
}

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def write(folder: Path, files: dict[str, bytes | None]) -> Path:
    """Writes those files that have a content."""
    for name, content in files.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def read_or_message(path: Path) -> np.ndarray | str:
    """What a file holds, or what is wrong with it."""
    try:
        return data.read_idx(path)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@given(array=ARRAYS)
@same_folder
def test_what_is_written_is_read(tmp_path, compress, array):
    path = tmp_path / "array"
    path.write_bytes(compress(encode(array)))
    read = data.read_idx(path)
    assert read.dtype.isnative
    assert read.dtype == array.dtype.newbyteorder("=")
    assert read.shape == array.shape
    np.testing.assert_array_equal(read, array)


@given(start=st.integers(0, 2000), new=st.binary(min_size=1, max_size=5), keep=st.booleans())
@same_folder
def test_corrupted_gzip_is_noticed(tmp_path, start, new, keep):
    array = np.random.default_rng(0).integers(0, 256, (30, 60), np.uint8)
    content = bytearray(gzip.compress(encode(array), mtime=0))
    start %= len(content)
    content[start : start + len(new)] = new
    path = tmp_path / "array.gz"
    path.write_bytes(content if keep else content[:start])
    read = read_or_message(path)
    if isinstance(read, str):
        assert str(path) in read
    else:
        np.testing.assert_array_equal(read, array)  # a byte of no meaning in gzip's header


@given(
    content=st.binary(max_size=40), prefix=st.sampled_from([b"", b"\0\0\x08\1", b"\x1f\x8b\x08"])
)
@same_folder
def test_noise_is_named(tmp_path, content, prefix):
    path = tmp_path / "noise"
    path.write_bytes(prefix + content)
    read = read_or_message(path)
    assert str(path) in read if isinstance(read, str) else encode(read) == prefix + content


ZIPPED = gzip.compress(encode(IMAGES), mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with 0000.*got nothing"),
        (b"\0\0\x08", "begins with 0000.*got 000008"),
        (b"\x89PNG\r\n\x1a\n", "begins with 0000.*got 89504e47"),
        (b"\0\0\x0a\1\0\0\0\1\0", "type 08, 09 or 0b to 0e.*got 00000a01"),
        (b"\0\0\x08\0\1", "number of dimensions from 01 on, got 00000800"),
        (b"\0\0\x08\3\0\0\0\1", "truncated: a header of 3 dimensions takes 16 bytes, got 8"),
        (b"\0\0\x08\1\0\0\0\0", r"at least one value, got the shape \(0,\)"),
        (encode(IMAGES)[:-1], r"truncated: got 59 bytes where \(3, 4, 5\) uint8 take 60"),
        (encode(IMAGES) + b"\0", r"overlong: got 61 or more bytes where \(3, 4, 5\) uint8 take 60"),
        (gzip.compress(encode(IMAGES)[:-1], mtime=0), "truncated: got 59 bytes"),
        (gzip.compress(encode(IMAGES) + b"\0", mtime=0), "overlong: got 61 or more bytes"),
        (ZIPPED[:-1], "the gzip data is corrupted"),
        (ZIPPED[:30], "the gzip data is corrupted"),
        (ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:], "the gzip data is corrupted: CRC"),
        (ZIPPED[:10] + bytes([255] * 20), "the gzip data is corrupted: Error -3"),
        (ZIPPED + b"junk", "the gzip data is corrupted"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{path}: .*{message}"):
        data.read_idx(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\x08\3" + struct.pack(">3I", 2**31, 2**31, 2**31) + bytes(100),
        gzip.compress(b"\0\0\x08\3" + struct.pack(">3I", 2**31, 2**31, 2**31) + bytes(100)),
        gzip.compress(b"\0\0\x08\1\0\0\0\1" + bytes(1 << 28), compresslevel=1),
    ],
    ids=["promise", "promise in gzip", "gzip bomb"],
)
def test_memory_follows_what_is_read_not_what_is_promised(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    del content
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"truncated|overlong|at most"):
            data.read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * idx.CHUNK
    finally:
        tracemalloc.stop()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing"):
        data.read_idx(tmp_path / "nothing")


def test_the_original_files_are_mnist():
    for read, right in zip(data.load_idx(mnist.FILES), data.load("mnist"), strict=True):
        np.testing.assert_array_equal(read.images, right.images)
        np.testing.assert_array_equal(read.labels, right.labels)
        assert read.labels.dtype == np.int32


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name,
        lambda name: name.replace("-idx", ".idx"),
        lambda name: name.replace("t10k", "test"),
        lambda name: f"kuzushiji-{name}",
        lambda name: f"{name}.gz",
    ],
    ids=["as MNIST", "with a dot", "test", "prefix", "gz"],
)
def test_folders_are_read_whatever_the_names(tmp_path, rename):
    compress = gzip.compress if rename("").endswith(".gz") else bytes
    write(tmp_path, {rename(name): compress(content) for name, content in FILES.items()})
    write(tmp_path, {"README.md": b"", "train-images.png": b""})
    train, test = data.load_idx(tmp_path)
    np.testing.assert_array_equal(train.images, IMAGES)
    np.testing.assert_array_equal(train.labels, LABELS.astype(np.int32), strict=True)
    np.testing.assert_array_equal(test.images, IMAGES[:2])


def test_of_a_file_and_its_gzip_the_file_is_read(tmp_path):
    write(tmp_path, FILES)
    write(tmp_path, {f"{name}.gz": b"unread" for name in FILES})
    np.testing.assert_array_equal(data.load_idx(tmp_path)[0].images, IMAGES)


def test_the_images_of_emnist_are_turned_upright(tmp_path):
    files = {f"emnist-letters-{name}": content for name, content in FILES.items()}
    train, _ = data.load_idx(write(tmp_path, files))
    np.testing.assert_array_equal(train.images, IMAGES.transpose(0, 2, 1))
    assert train.images.flags.c_contiguous


TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({TRAIN_LABELS: None}, FileNotFoundError, f"no file {TRAIN_LABELS} or {TRAIN_LABELS}.gz"),
        ({"t10k-images-idx3-ubyte": None}, FileNotFoundError, "no file t10k-images-idx3-ubyte or"),
        (
            {TRAIN_LABELS: FILES[TRAIN_IMAGES]},
            ValueError,
            r"labels must be \(n,\), got \(3, 4, 5\)",
        ),
        ({TRAIN_IMAGES: FILES[TRAIN_LABELS]}, ValueError, r"\(n, height, width\), got \(3,\)"),
        ({TRAIN_LABELS: encode(LABELS[:2])}, ValueError, "holds 3 images and .* 2 labels"),
        ({TRAIN_IMAGES: encode(IMAGES[:0])}, ValueError, "at least one value"),
        ({f"emnist-digits-{TRAIN_IMAGES}": b""}, ValueError, "more than one data set: emnist-d"),
    ],
    ids=["no labels", "no images", "images as labels", "labels as images", "fewer", "none", "two"],
)
def test_a_wrong_folder_is_answered(tmp_path, changes, error, message):
    write(tmp_path, FILES | changes)
    with pytest.raises(error, match=message):
        data.load_idx(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        data.load_idx(tmp_path / "nowhere")


@pytest.mark.skipif(
    not FASHION_MNIST.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed"
)
def test_debians_fashion_mnist_is_read():
    train, test = data.load_idx(FASHION_MNIST)
    assert train.images.shape == (60000, 28, 28)
    assert test.images.shape == (10000, 28, 28)
    assert np.bincount(train.labels).tolist() == [6000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert [data.class_names(str(FASHION_MNIST))[label] for label in train.labels[:3]] == [
        "Ankle boot", "T-shirt/top", "T-shirt/top"
    ]  # fmt: skip
