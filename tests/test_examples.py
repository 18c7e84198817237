"""Every example runs, leaves its picture and its findings, and agrees with its twin."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from tools import notebook

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery"
EXAMPLES = [
    path
    for path in sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
    if "_torch" not in path.stem
]
NUMBERS = [int(path.stem[:2]) for path in EXAMPLES]
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])

OF_THE_MACHINE = ("seconds", "approximately")
"""How findings begin that are times, or that rounding parts in a training's course."""


def findings(program: Path, out: Path) -> dict:
    """What a program finds at its small size, run as a user runs it."""
    process = subprocess.run(
        [sys.executable, str(program), "--small", "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    assert process.stdout.strip()
    return json.loads((out / f"{program.stem}.json").read_text("utf-8"))


def test_every_part_of_the_lecture_has_an_example():
    assert list(range(1, 19)) == NUMBERS


@each_example
def test_an_example_runs_and_its_twin_finds_the_same(example, tmp_path):
    ours = findings(example, tmp_path)
    assert (tmp_path / f"{example.stem}.png").read_bytes().startswith(b"\x89PNG")
    twin = example.with_stem(f"{example.stem}_torch")
    theirs = findings(twin, tmp_path)
    shared = [key for key in ours.keys() & theirs if not key.startswith(OF_THE_MACHINE)]
    assert shared
    for key in shared:
        # float32 on both sides, through a few steps of training
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-4, atol=1e-5, err_msg=key)


@each_example
def test_an_example_says_what_it_shows_what_to_look_for_and_what_was_found(example):
    text = example.read_text("utf-8")
    assert re.search(r'^"""[^\n]+\.\n\nShows: .+?\n\nLook for: .+?\n\nFound: .+?"""', text, re.S)


@each_example
def test_the_gallery_has_what_a_full_run_leaves(example):
    for suffix in ("png", "txt", "json"):
        assert (GALLERY / f"{example.stem}.{suffix}").stat().st_size > 0


def test_the_notebook_is_its_example_and_runs_from_top_to_bottom(tmp_path):
    """A real kernel in a folder with the examples' helper alone: it writes nothing there."""
    kept = nbformat.read(notebook.NOTEBOOK, as_version=4)
    made = notebook.notebook(notebook.EXAMPLE)
    assert [cell.source for cell in made.cells] == [cell.source for cell in kept.cells]
    (tmp_path / "gallery.py").write_bytes((ROOT / "examples" / "gallery.py").read_bytes())
    printed, shown = notebook.executed(made, tmp_path).cells[-1].outputs
    assert printed.text == (GALLERY / f"{notebook.EXAMPLE.stem}.txt").read_text("utf-8")
    assert "image/png" in shown.data
