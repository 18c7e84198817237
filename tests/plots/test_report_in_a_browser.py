"""The report as a browser lays it out: at 1280 and at 400 pixels nothing is cut off.

A page of our own holds the report in frames of both widths, measures them, and is read back as
text from a Chromium without a window; the report itself needs no scripts.
"""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from jaxnn import plots

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium or Chrome is installed to open the report in"
)

MEASURE = """
const name = element => element.outerHTML.slice(0, 80);
const measure = frame => {
  const page = frame.contentDocument;
  const room = page.documentElement.clientWidth;
  const elements = [...page.querySelectorAll("body *")];
  const right = element => element.getBoundingClientRect().right;
  const scrolls = element => element.clientWidth && element.scrollWidth > element.clientWidth + 1;
  return {
    room,
    width: page.documentElement.scrollWidth,
    beyond: elements.filter(e => !e.closest(".scroll table") && right(e) > room + 1).map(name),
    scrolled: elements.filter(scrolls).map(name),
    images: [...page.images].map(image => image.complete && image.naturalWidth && image.width),
    loaded: frame.contentWindow.performance.getEntriesByType("resource").map(e => e.name),
    headings: [...page.querySelectorAll("h1, h2, figcaption")].map(e => e.textContent),
  };
};
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map(measure);
  document.body.innerHTML = "<pre></pre>";
  document.body.firstChild.textContent = JSON.stringify(found);
});
"""


def open_in_browser(report, folder, widths=(1280, 400)) -> dict[int, dict]:
    """What a browser measures of the report in frames of these widths."""
    frames = [
        f'<iframe style="border:0;width:{width}px;height:900px"'
        f' srcdoc="{html.escape(report.read_text("utf-8"))}"></iframe>'
        for width in widths
    ]
    page = folder / "measure.html"
    page.write_text(f"<!DOCTYPE html><body>{''.join(frames)}<script>{MEASURE}</script>", "utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000", "--dump-dom",
        page.as_uri(),
    ]  # fmt: skip
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    measured = re.search(r"<pre>(.*)</pre>", process.stdout, re.DOTALL)
    assert measured, process.stdout[-500:] + process.stderr[-2000:]
    return dict(zip(widths, json.loads(html.unescape(measured[1])), strict=True))


def write(path, word: str):
    """A report as the command line writes it, with a word wherever a word can stand."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels, probabilities = np.arange(20) % 10, rng.dirichlet(np.ones(10), 20)
    matrix = rng.poisson(3, (10, 10)) + 900 * np.eye(10, dtype=int)
    history = [
        {
            "epoch": epoch, "loss": 0.31234, "accuracy": 0.91234, "validation_loss": 0.21234,
            "validation_accuracy": 0.95123, "learning_rate": 0.001, "seconds": 3.412,
        }
        for epoch in range(1, 6)
    ]  # fmt: skip
    return plots.write_report(
        path,
        title=f"mnist-1: {word}",
        results={"test accuracy": 0.97, "loss": 0.1, "time": "18.1 s", "parameters": 235146},
        history=history,
        figures={
            "Loss": plots.loss_curves(history),
            "Accuracy": plots.accuracy_curves(history),
            "Confusion": plots.confusion_matrix(matrix),
            "Predictions": plots.predictions(images[:10], labels[:10], probabilities[:10]),
            "Errors": plots.worst_errors(images, labels, probabilities),
            word: plots.confusion_matrix(np.eye(26, dtype=int)),
        },
        config={"out": word, "optimizer": {"learning_rate": 0.001, word: word}},
        environment={"platform": word},
        layers=[{"path": "0/normalize_images", "output": "784", "parameters": 0}] * 8,
        classes=plots.class_table(matrix),
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return open_in_browser(write(folder / "report.html", "784-256-128-10"), folder)


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_cut_off(measured, width):
    assert width - 20 < measured[width]["room"] <= width, "but for a scroll bar"
    assert measured[width]["width"] == measured[width]["room"]
    assert measured[width]["beyond"] == []
    assert measured[width]["scrolled"] == []


@pytest.mark.parametrize("width", [1280, 400])
def test_all_pictures_show_and_fill_their_column(measured, width):
    column = {1280: 540, 400: 350}[width]
    assert len(measured[width]["images"]) == 6
    assert min(measured[width]["images"]) >= column


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_loaded_from_outside(measured, width):
    assert measured[width]["loaded"] == []


def test_all_parts_are_there(measured):
    assert measured[1280]["headings"] == [
        "mnist-1: 784-256-128-10", "Figures", "Loss", "Accuracy", "Confusion", "Predictions",
        "Errors", "784-256-128-10", "Epochs", "Classes", "Layers", "Settings", "Environment",
    ]  # fmt: skip


def test_words_without_end_do_not_widen_the_page(tmp_path):
    report = write(tmp_path / "report.html", "x" * 300)
    for found in open_in_browser(report, tmp_path).values():
        assert found["width"] == found["room"]
        assert found["beyond"] == []
