"""The wheel and the sdist: complete, and at work outside the checkout."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def run(*command: str, cwd: Path, **environment: str) -> str:
    """What a command prints; it must succeed."""
    process = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel, an sdist, and the wheel's content in a folder of its own."""
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    installed = folder / "installed"
    run("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(wheel),
        cwd=folder)  # fmt: skip
    return wheel, sdist, installed


def test_wheel_and_sdist_hold_all_that_is_needed(built):
    wheel, sdist, _ = built
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    tracked = run(
        "-c", "import subprocess; print(subprocess.check_output(['git', 'ls-files'], text=True))",
        cwd=ROOT,
    ).split()  # fmt: skip
    packages = {name for name in tracked if name.startswith(("jaxnn/", "torch_port/"))}
    assert packages - in_wheel == set()
    assert {"jaxnn/py.typed", "torch_port/py.typed", "jaxnn/__init__.pyi"} <= in_wheel
    assert any(name.endswith("licenses/LICENSE") for name in in_wheel)
    assert any(name.endswith("licenses/jaxnn/data/files/LICENSE") for name in in_wheel)
    assert packages | {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml"} <= in_sdist


def test_the_wheel_trains_and_imports_the_twin_outside_the_checkout(built, tmp_path):
    _, _, installed = built
    home = {"PYTHONPATH": str(installed), "HOME": str(tmp_path)}
    where = run("-c", "import jaxnn, torch_port; print(jaxnn.__file__)", cwd=tmp_path, **home)
    assert where.startswith(str(installed))
    printed = run("-m", "jaxnn", "train", "--epochs", "1", cwd=tmp_path, **home)
    assert printed.splitlines()[-1].startswith("test accuracy 0.9")
    assert (tmp_path / "runs" / "mnist-1" / "report.html").is_file()


def test_info_names_what_is_missing(built, tmp_path):
    """With the extras hidden from the import system, as where they are not installed."""
    _, _, installed = built
    hidden = "flax", "optax", "torch", "tensorflow_datasets"
    program = f"""
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {hidden} else find(name, *rest)
from jaxnn.cli import main
main(["info"])
"""
    printed = run("-c", program, cwd=tmp_path, PYTHONPATH=str(installed))
    for extra in ("flax", "tfds", "torch"):
        assert f"not installed: pip install 'jaxnn[{extra}]'" in printed


def test_the_lock_of_ci_fits_what_the_project_asks_for():
    """Every package that the extras `test` and `fuzz` need is locked, in a version they allow."""
    lines = (ROOT / "requirements-ci.txt").read_text().splitlines()[1:]
    locked = dict(re.match(r"([\w.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}$", line).groups()
                  for line in lines)  # fmt: skip
    locked = {canonicalize_name(name): version for name, version in locked.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras, left = project["optional-dependencies"], ["test", "fuzz"]
    wanted = list(project["dependencies"])
    while left:
        for line in extras[left.pop()]:
            requirement = Requirement(line)
            left += requirement.extras if requirement.name == "jaxnn" else []
            wanted += [] if requirement.name == "jaxnn" else [line]
    assert len(wanted) > 15
    for requirement in map(Requirement, wanted):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (requirement, version)
