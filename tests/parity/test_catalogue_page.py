"""The pages of the catalogue: every entry is on them, and the one to be searched is searched."""

import html
import json
import re
import shutil
import subprocess

import pytest

from benchmarks.catalogue_page import DOCS, FIGURES, filled, markdown, page, size
from torch_port.parity import CATALOGUE, Entry

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)

MEASURED = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}

SEARCH = """
addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument;
  const search = (words, about) => {
    page.getElementById("words").value = words;
    page.getElementById("about").value = about;
    page.getElementById("words").dispatchEvent(new Event("input"));
    const shown = [...page.querySelectorAll("tbody tr")].filter(row => row.offsetHeight > 0);
    return [shown.map(row => row.id), page.getElementById("count").value];
  };
  const found = [search("", ""), search("EPSILON flax", ""), search("", "settings"),
                 search("xyzzy", "")];
  document.body.innerHTML = "<pre></pre>";
  document.body.firstChild.textContent = JSON.stringify(found);
});
"""


@pytest.mark.parametrize("name", ["catalogue.md", "catalogue-search.html"])
def test_the_pages_are_those_of_the_catalogue(name):
    write = markdown if name.endswith("md") else page
    same = (DOCS / name).read_text(encoding="utf-8") == write(CATALOGUE, MEASURED)
    assert same, "python -m benchmarks.catalogue_page"


def test_every_entry_has_a_row_a_section_and_no_open_constant():
    text = markdown(CATALOGUE, {})
    for entry in CATALOGUE:
        assert f"](#{entry.id}) | — | — |" in text
        assert f"\n### {entry.id}\n" in text
    assert "{torch}" not in text + page(CATALOGUE, {})
    assert filled("{torch} for {jax}") == "PyTorch's for JAX's"


def test_what_an_entry_says_is_text_and_its_figures_are_short():
    entry = Entry("a-b", "a < b | c", "<b>", "x & {jax}", "y", "z", "data", lambda: ())
    figures = {"a-b": {"step": 1.84e-4, "epoch": 0.5, "of": "<i> at 2"}}
    row = page([entry], figures)
    assert "a &lt; b | c" in row
    assert "<p>&lt;b&gt;</p>" in row
    assert "x &amp; JAX" in row
    assert "Measured: &lt;i&gt; at 2</p>" in row
    assert "\n- Measured: <i> at 2\n" in markdown([entry], figures)
    assert "| [a < b \\| c](#a-b) | 1.8e-4 | 0.5 |" in markdown([entry], figures)
    assert [size({"step": x}, "step") for x in (0, 3.0, 1e-12, None)] == ["0", "3", "1.0e-12", "—"]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
def test_the_search_shows_the_rows_that_have_all_words(tmp_path):
    frame = (
        f'<iframe style="width:1280px;height:900px" srcdoc="{html.escape(page(CATALOGUE, {}))}">'
    )
    harness = tmp_path / "search.html"
    harness.write_text(f"<!DOCTYPE html><body>{frame}</iframe><script>{SEARCH}</script>", "utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", harness.as_uri(),
    ]  # fmt: skip
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    measured = re.search(r"<pre>(.*)</pre>", process.stdout, re.DOTALL)
    assert measured, process.stdout[-500:] + process.stderr[-2000:]
    everything, epsilon, settings, nothing = json.loads(html.unescape(measured[1]))
    total = len(CATALOGUE)
    assert everything == [[entry.id for entry in CATALOGUE], f"{total} of {total}"]
    assert "normalization-epsilon" in epsilon[0]
    assert "flatten-order" not in epsilon[0]
    assert settings[0] == [entry.id for entry in CATALOGUE if entry.about == "settings"]
    assert nothing == [[], f"0 of {total}"]
