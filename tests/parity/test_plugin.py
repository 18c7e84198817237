"""The fixture `parity`, in a test session of its own."""

import subprocess
import sys
import tomllib
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import torch

import torch_port
from torch_port import parity

pytest_plugins = ["pytester"]

TESTS = """
import jax.numpy as jnp
import numpy as np
import torch

X = np.linspace(0.1, 1, 5, dtype=np.float32)

def test_right(parity):
    assert parity.compare(jnp.tanh, torch.tanh, X, gradients=False).verdict != "semantic"

def test_wrong(parity):
    parity.compare(jnp.tanh, torch.relu, X, gradients=False)
"""


@pytest.fixture(scope="module", autouse=True)
def _loaded():
    """A session within this process forgets the modules that it was the first to load."""
    parity.compare(jnp.tanh, torch.relu, np.ones(1, np.float32), gradients=False)


def test_the_plugin_is_declared():
    project = Path(torch_port.__file__).parents[1] / "pyproject.toml"
    points = tomllib.loads(project.read_text())["project"]["entry-points"]
    assert points["pytest11"] == {"parity": "torch_port.pytest_plugin"}


def test_the_plugin_loads_neither_framework():
    program = (
        "import sys, torch_port.pytest_plugin; "
        "print({'torch', 'jax', 'flax', 'numpy', 'rich', 'matplotlib'} & {*sys.modules})"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.stdout == "set()\n", process.stderr


def test_a_difference_fails_the_test_with_the_ten_lines(pytester: pytest.Pytester):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("--parity-html=pages")
    result.assert_outcomes(passed=1, failed=1)
    shown = [line for line in result.outlines if line.startswith("E ")]
    assert (
        shown[0] == "E       AssertionError: semantic: the two sides compute different functions."
    )
    assert len(shown) <= 11, "the ten lines and where the page is"
    assert not [line for line in result.outlines if "pytest_plugin.py" in line]
    (page,) = (pytester.path / "pages").iterdir()
    assert str(page) in shown[-1]
    assert "compute different functions" in page.read_text("utf-8")


def test_the_folder_may_stand_in_the_ini_file_and_each_failure_has_its_page(
    pytester: pytest.Pytester,
):
    pytester.makeini("[pytest]\nparity_html = kept/pages\n")
    wrong = "with pytest.raises(AssertionError):\n        parity.compare(jnp.tanh, torch.relu, X)"
    source = f"import pytest\n{TESTS}\ndef test_twice(parity):\n    {wrong}\n    {wrong}\n"
    pytester.makepyfile(source)
    pytester.runpytest_inprocess("-k", "test_twice").assert_outcomes(passed=1)
    assert len([*(pytester.path / "kept" / "pages").iterdir()]) == 2


def test_without_a_folder_nothing_is_written(pytester: pytest.Pytester):
    pytester.makepyfile(TESTS)
    before = {*pytester.path.iterdir()}
    pytester.runpytest_inprocess("-k", "test_wrong", "-p", "no:cacheprovider")
    assert {path.suffix for path in {*pytester.path.iterdir()} - before} <= {""}
