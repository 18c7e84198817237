"""The programs of the pages in docs/ run as they stand, those of a page one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"

MADE_OF_CODE = re.compile(r"(\.\./)*((gallery|reference|twins)/[\w-]+|lecture)\.md")
"""Pages that the site alone has; its own test looks for them."""


def program(page: Path) -> str:
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S))


PAGES = [path for path in sorted(DOCS.glob("**/*.md")) if program(path)]


@pytest.mark.parametrize("page", PAGES, ids=[path.name for path in PAGES])
def test_the_programs_of_a_page_run(page):
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", program(page)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(DOCS.parent), "JAX_PLATFORMS": "cpu"},
    )
    assert process.returncode == 0, process.stderr


def test_every_picture_and_page_that_is_linked_is_there():
    for page in [*DOCS.glob("**/*.md"), DOCS.parent / "README.md"]:
        links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
        here = [link for link in links if not MADE_OF_CODE.fullmatch(link)]
        missing = [link for link in here if not (page.parent / link).exists()]
        assert not missing, f"{page.name}: {missing}"
