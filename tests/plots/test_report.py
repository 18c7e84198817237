"""The report: complete in itself, every word from outside escaped, whole on disk or not there."""

import base64
import functools
import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest

from jaxnn import plots

EVIL = """<script>alert("1")</script><img src='http://x.org/a.png' onerror=alert(1)>&amp;"""
rng = np.random.default_rng(0)
digits = rng.integers(0, 256, (20, 28, 28), dtype=np.uint8)
x = np.linspace(-1, 1, 80)


class Page(HTMLParser):
    """The tags of a page with their attributes, and its words."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def images(self) -> list[dict]:
        return [attributes for tag, attributes in self.tags if tag == "img"]


def write(path, **changes) -> str:
    arguments = {
        "title": "A run",
        "results": {"test_accuracy": 0.9781, "parameters": 235146},
        "history": [{"epoch": 1, "loss": 0.31}],
        "figures": {},
        "config": {"seed": 0},
        "environment": {"jax": "0.10.2"},
    }
    return plots.write_report(path / "report.html", **(arguments | changes)).read_text("utf-8")


@functools.cache
def every_figure() -> dict:
    labels, probabilities = np.arange(20) % 10, rng.dirichlet(np.ones(10), 20)
    return {
        "loss": plots.loss_curves([{"epoch": 1, "loss": 0.3}]),
        "accuracy": plots.accuracy_curves([{"epoch": 1, "accuracy": 0.3}]),
        "confusion": plots.confusion_matrix(rng.poisson(9, (10, 10))),
        "samples": plots.sample_images(digits, labels),
        "predictions": plots.predictions(digits, labels, probabilities),
        "errors": plots.worst_errors(digits, labels, probabilities),
        "histograms": plots.layer_histograms({str(i): rng.normal(size=99) for i in range(6)}),
        "landscape": plots.loss_landscape(x, x, x**2 + x[:, None] ** 2),
        "surface": plots.loss_surface(x, x, x**2 + x[:, None] ** 2),
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"title": EVIL},
        {"results": {EVIL: EVIL}},
        {"history": [{"epoch": 1, EVIL: EVIL}]},
        {"config": {EVIL: {EVIL: [EVIL, {EVIL: EVIL}]}}},
        {"environment": {EVIL: EVIL}},
        {"layers": [{EVIL: EVIL}]},
        {"classes": [{EVIL: EVIL}]},
        {"figures": {EVIL: plots.sample_images(digits[:1], [0], [EVIL])}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_words_from_outside_stay_words(changes, tmp_path):
    ordinary = {tag for tag, _ in Page(write(tmp_path)).tags}
    page = Page(write(tmp_path, **changes))
    added = {tag for tag, _ in page.tags} - ordinary
    assert added <= {"figure", "figcaption", "img"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert all(image["src"].startswith("data:") for image in page.images())
    assert EVIL.replace("_", " ") in "".join(page.words)


def test_the_page_needs_nothing_but_itself(tmp_path):
    text = write(tmp_path, figures=every_figure())
    page = Page(text)
    assert "http" not in re.sub(r"base64,[^\"]*", "", text).replace("http-equiv", "")
    assert not {"script", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        for name in {"src", "href", "srcset", "data", "action"} & attributes.keys():
            assert attributes[name].startswith("data:"), (tag, name)
    assert "@import" not in text
    policy = [attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    for image in page.images():
        kind, content = image["src"].split(";base64,")
        if kind == "data:image/svg+xml":
            drawing = base64.b64decode(content).decode()
            assert drawing.startswith("<svg")
            assert "<script" not in drawing
            assert all(link[0] == "#" or link[:5] == "data:" for link in links(drawing))


def links(drawing: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', drawing) + re.findall(r"url\(([^)]+)\)", drawing)


def test_figures_have_captions_and_describe_themselves(tmp_path):
    figures = every_figure()
    page = Page(write(tmp_path, figures=figures))
    assert [image["alt"] for image in page.images()] == [
        figure.get_label() for figure in figures.values()
    ]
    assert {*figures} <= {*page.words}
    assert ("html", {"lang": "en"}) in page.tags


def test_figures_are_strokes_unless_there_are_too_many(tmp_path):
    page = Page(write(tmp_path, figures=every_figure()))
    kinds = [image["src"].partition(";")[0] for image in page.images()]
    assert kinds == ["data:image/svg+xml"] * 8 + ["data:image/png"]


def test_a_full_report_is_small(tmp_path):
    assert len(write(tmp_path, figures=every_figure())) < 1_500_000


def test_wide_figures_take_the_page_and_photographs_keep_their_colours(tmp_path):
    figures = {
        "narrow": plots.confusion_matrix(np.eye(10, dtype=int)),
        "wide": plots.confusion_matrix(np.eye(26, dtype=int)),
        "photo": plots.sample_images(rng.random((2, 8, 8, 3)), [0, 1]),
    }
    page = Page(write(tmp_path, figures=figures))
    assert [attributes.get("class") for tag, attributes in page.tags if tag == "figure"] == [
        None,
        "wide",
        None,
    ]
    assert [image["class"] for image in page.images()] == ["ink", "ink", "photo"]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("test_accuracy", 0.97812, "97.81 %"),
        ("test accuracy", np.float32(1), "100.00 %"),
        ("accuracy", float("nan"), "nan"),
        ("loss", 0.082345, "0.08235"),
        ("loss", np.float64(1e-9), "1e-09"),
        ("parameters", 235146, "235\u202f146"),
        ("parameters", np.int64(7), "7"),
        ("time", "18.2 s", "18.2 s"),
        ("best", None, "none"),
        ("stopped", True, "yes"),
    ],
)
def test_results_read_as_a_person_writes_them(name, value, shown, tmp_path):
    words = Page(write(tmp_path, results={name: value})).words
    assert words[words.index(name.replace("_", " ")) + 1] == shown


@pytest.mark.parametrize(
    ("config", "name", "shown"),
    [
        ({"seed": 20260101}, "seed", "20260101"),
        ({"optimizer": {"learning_rate": 1e-3}}, "optimizer · learning rate", "0.001"),
        ({"model": {"hidden": [256, 128]}}, "model · hidden", "256, 128"),
        ({"callbacks": [{"name": "stop"}]}, "callbacks · 0 · name", "stop"),
        ({"schedule": None}, "schedule", "none"),
        ({"layers": {}}, "layers", "none"),
        ({"batch_norm": False}, "batch norm", "no"),
    ],
)
def test_settings_are_flattened_and_otherwise_left_alone(config, name, shown, tmp_path):
    words = Page(write(tmp_path, config=config)).words
    assert words[words.index(name) + 1] == shown


def test_rows_may_differ_in_their_columns(tmp_path):
    text = write(tmp_path, history=[{"epoch": 1, "loss": 0.5}, {"epoch": 2, "test_loss": 0.25}])
    heads = re.findall(r'<th class="number" scope="col">(.*?)</th>', text)
    assert heads == ["epoch", "loss", "test loss"]
    cells = re.findall(r'<td class="number" data-name=".*?">(.*?)</td>', text)
    assert cells == ["1", "0.5", "", "2", "", "0.25"]


def test_what_is_not_given_has_no_section(tmp_path):
    text = write(tmp_path, results={}, history=[], config={}, environment={})
    assert "<h2>" not in text
    assert "<h1>A run</h1>" in text


def test_equal_runs_give_equal_pages(tmp_path):
    figure = lambda: {"loss": plots.loss_curves([{"epoch": 1, "loss": 0.3}])}
    first = write(tmp_path, figures=figure())
    with matplotlib.style.context("dark_background"):
        assert write(tmp_path, figures=figure()) == first


def test_a_failure_leaves_the_old_page_as_it_was(tmp_path, monkeypatch):
    old = write(tmp_path)
    figure = plots.loss_curves([{"epoch": 1, "loss": 0.3}])

    def fail(*args, **settings):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(figure, "savefig", fail)
        with pytest.raises(OSError, match="no space left"):
            write(tmp_path, title="Another", figures={"loss": figure})
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write(tmp_path, title="Another")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text("utf-8") == old


def test_only_figures_are_figures(tmp_path):
    with pytest.raises(TypeError, match=r"expected a Figure as 'loss', got 'loss\.png'"):
        write(tmp_path, figures={"loss": "loss.png"})
    assert [*tmp_path.iterdir()] == []
