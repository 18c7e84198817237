"""One training on 1, 2, 4, 8 devices and in 2, 4 processes gives the numbers of one device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import devices
from jaxnn import losses, models, optim, parallel, train
from jaxnn.typing import Dataset

MESHES = ["1", "2", "4", "8", "2x2"]
ROUNDING = {"float64": 1e-12, "float32": 1e-4}
"""A few hundred times what `python -m benchmarks.devices` finds."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The numbers of the same training on one device and on every mesh, in one process of eight."""
    folder = tmp_path_factory.mktemp("devices")
    options = ["--compile-quickly", "--devices", "8"]
    devices.train(folder, *options, "--meshes", "none", *MESHES)
    devices.train(folder, *options, "--dtypes", "float32", "--meshes", "none", "8")
    return folder


def assert_equal_but_for_rounding(folder, dtype, mesh, processes=1):
    reference = devices.read(folder, dtype, "none")
    found = devices.read(folder, dtype, mesh, processes)
    assert [row.keys() for row in found["history"]] == [row.keys() for row in reference["history"]]
    assert max(devices.difference(found, reference)) < ROUNDING[dtype]


@pytest.mark.parametrize(
    ("dtype", "mesh"), [*(("float64", mesh) for mesh in MESHES), ("float32", "8")]
)
def test_every_mesh_gives_the_numbers_of_one_device(folder, dtype, mesh):
    """With batch norm, dropout, momentum, a schedule, and batches that the devices do not divide."""
    assert_equal_but_for_rounding(folder, dtype, mesh)


@pytest.mark.parametrize(("processes", "mesh"), [(2, "4"), (4, "4")])
def test_processes_together_give_the_numbers_of_one_device(folder, processes, mesh):
    """Two of two devices, four of one."""
    options = ["--compile-quickly", "--devices", str(4 // processes)]
    devices.train(folder, *options, "--meshes", mesh, processes=processes)
    assert_equal_but_for_rounding(folder, "float64", mesh, processes)
