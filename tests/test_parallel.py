"""One training on 1, 2, 4, 8 devices and in 2, 4 processes gives the numbers of one device."""

import jax
import numpy as np
import pytest

from benchmarks import devices
from jaxnn import parallel
from jaxnn.typing import Dataset

MESHES = ["1", "2", "4", "8", "2x2"]
ROUNDING = 1e-12
"""In float64: a few hundred times what `python -m benchmarks.devices` finds."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The numbers of the same training on one device and on every mesh, in one process of eight."""
    folder = tmp_path_factory.mktemp("devices")
    options = ["--compile-quickly", "--devices", "8"]
    devices.train(folder, *options, "--meshes", "none", *MESHES)
    return folder


def assert_equal_but_for_rounding(folder, mesh, processes=1):
    reference = devices.read(folder, "float64", "none")
    found = devices.read(folder, "float64", mesh, processes)
    assert [row.keys() for row in found["history"]] == [row.keys() for row in reference["history"]]
    assert max(devices.difference(found, reference)) < ROUNDING


@pytest.mark.parametrize("mesh", MESHES)
def test_every_mesh_gives_the_numbers_of_one_device(folder, mesh):
    """With batch norm, dropout, momentum, a schedule; the devices do not divide all batches."""
    assert_equal_but_for_rounding(folder, mesh)


@pytest.mark.parametrize("mesh", MESHES[1:])
def test_every_batch_is_split_over_the_devices(folder, mesh):
    """Full and ragged, of the training and of the evaluation."""
    assert devices.read(folder, "float64", mesh)["split over"] == 4 * [["data"]]


@pytest.mark.parametrize("mesh", ["none", *MESHES])
def test_the_second_epoch_compiles_nothing(folder, mesh):
    assert devices.read(folder, "float64", mesh)["compiled in the last epoch"] == []


def test_wide_kernels_and_their_moments_are_split(folder):
    """Of 2 × (784 · 16 + 16 · 10) numbers in kernels a device of "model" holds one half."""
    whole, split = (devices.read(folder, "float64", mesh) for mesh in ("2", "2x2"))
    saved = whole["bytes on a device"] - split["bytes on a device"]
    assert saved == 8 * (784 * 16 + 16 * 10)


def test_four_processes_give_the_numbers_of_one_device(folder):
    """Two do in `tests/cli/test_distributed.py`, in float32."""
    devices.train(folder, "--compile-quickly", "--meshes", "4", processes=4)
    assert_equal_but_for_rounding(folder, "4", processes=4)


@pytest.mark.parametrize("axes", [("batch",), ("model",), ("data", "pipeline")])
def test_a_mesh_of_other_axes_is_refused(axes):
    mesh = jax.make_mesh((1,) * len(axes), axes)
    expected = (
        r'parallel: mesh must have an axis "data", and beside it at most an axis "model", got \('
    )
    with pytest.raises(ValueError, match=expected):
        parallel.shard(Dataset(np.zeros((4, 2)), np.zeros(4, np.int32)), mesh)
    with pytest.raises(ValueError, match=expected):
        parallel.replicate({"kernel": np.zeros((4, 2))}, mesh)


def test_only_the_rows_of_the_process_are_read():
    """Nothing else is asked of the images: what reads a file reads no more than its part."""
    read = []

    class Images:
        shape, dtype = (6, 2), np.dtype(np.uint8)

        def __getitem__(self, rows):
            read.append(rows)
            return np.full((6, 2), 7, np.uint8)[rows]

    mesh = jax.make_mesh((1,), ("data",))
    images = parallel.shard(Dataset(Images(), np.zeros(6, np.int32)), mesh).images
    np.testing.assert_array_equal(images, np.full((6, 2), 7))
    assert read == [slice(0, 6)]
