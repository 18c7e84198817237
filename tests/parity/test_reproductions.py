"""Every difference of the catalogue shown with PyTorch and JAX alone, as a script that runs."""

import ast
import re
import runpy
from pathlib import Path

import jax
import pytest

import torch_port
from torch_port import parity

FOLDER = Path(torch_port.__file__).parent / "parity" / "reproductions"
IDS = [path.stem.replace("_", "-") for path in sorted(FOLDER.glob("*.py"))]


def path_of(id):
    return FOLDER / f"{id.replace('-', '_')}.py"


@pytest.fixture(autouse=True)
def _as_strangers_run_scripts():
    dtypes, ranks = jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow")
    with jax.enable_x64(False), dtypes, ranks:
        yield


@pytest.mark.parametrize("id", IDS)
def test_the_script_shows_a_difference(id, capsys):
    found = runpy.run_path(str(path_of(id)), run_name="__main__")
    shown = re.search(r"largest difference:? (\S+)", capsys.readouterr().out)[1]
    assert shown == "an" or float(shown) > 0
    if report := reported(found):
        assert report.verdict == "semantic", str(report)
        cause = report.causes[0]
        assert cause.id == id, str(report)
        constants = {side: found[side.upper()] for side in cause.constants if side.upper() in found}
        assert constants.items() <= cause.constants.items()


def reported(found):
    """What the engine says of a script, if it can be given to it."""
    if "optimizers" in found:
        return parity.compare_optimizers(*found["optimizers"])
    if "jax_side" in found:
        given = found["jax_side"], found["torch_side"], found["inputs"]
        settings = {name: found[name] for name in ("params", "train") if name in found}
        return parity.compare(*given, **settings)
    return None


def test_every_entry_of_the_catalogue_has_its_script():
    assert {entry.id for entry in parity.CATALOGUE} <= {*IDS}


@pytest.mark.parametrize("id", IDS)
def test_the_script_is_short_and_needs_neither_of_our_packages(id):
    text = path_of(id).read_text()
    assert len(text.splitlines()) <= 30
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not [name for name in imported if name.startswith(("torch_port", "jaxnn"))]
