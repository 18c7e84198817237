"""A row for each figure, at its ordinary and at its extremes; a test for each property of all."""

import io
import itertools
import math
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from jaxnn import plots
from jaxnn.plots.style import SERIES, save

nan = math.nan
rng = np.random.default_rng(0)
LETTERS = [chr(ord("A") + index) for index in range(26)]
LONG = [
    f"{letter}: a class with a name of $60 that is far too long_^ to be drawn" for letter in LETTERS
]


def images(count: int) -> np.ndarray:
    return rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)


def softmax(count: int, classes: int) -> np.ndarray:
    return rng.dirichlet(np.full(classes, 0.3), count)


def rows(count: int, **columns: float) -> list[dict]:
    return [
        {"epoch": epoch} | {key: value / epoch for key, value in columns.items()}
        for epoch in range(1, count + 1)
    ]


def counts(classes: int) -> np.ndarray:
    return rng.poisson(3, (classes, classes)) + np.diag(rng.integers(800, 1000, classes))


x = np.linspace(-2, 2, 41)
bowl = x**2 + 5 * (x[:, None] - 0.5) ** 2
path = np.array([[-1.5, -1.5], [-0.5, 0.0], [0.0, 0.5]])
curve = {"tanh": np.tanh(x)}
every_curve = {
    "loss": 0.4, "accuracy": 0.9, "validation_loss": 0.4001, "validation_accuracy": 0.9001,
    "test_loss": 0.4002, "test_accuracy": 0.9002,
}  # fmt: skip


def members(rates, hidden, seeds=(0, 1, 2), **columns) -> list[dict]:
    """The rows of a sweep; the largest rate diverges."""
    return [
        {"rate": rate, "hidden": h, "seed": seed, "accuracy": 0.9}
        | {"loss": 0.1 + rate * (seed + 1) / len(h)}
        | {"status": "finished" if rate < 1 else "diverged in epoch 2"}
        | columns
        for rate, h, seed in itertools.product(rates, hidden, seeds)
    ]


sizes = [(8,), (128,), (256, 128)]
sweep = members([1e-4, 1e-3, 1e-2, 0.1, 2.0], sizes)
curves = [rows(5, loss=row["loss"], accuracy=0.9) for row in sweep]
random_sweep = [
    {
        "rate": float(10 ** rng.uniform(-5, -1)),
        "name": LONG[int(rng.integers(4))],
        "accuracy": value,
    }
    for value in rng.random(60)
]

FIGURES = {
    "loss": lambda: plots.loss_curves(rows(5, loss=0.3, validation_loss=0.2)),
    "loss, one epoch": lambda: plots.loss_curves(rows(1, loss=0.3)),
    "loss, three series that end together": lambda: plots.loss_curves(rows(5, **every_curve)),
    "loss, 300 epochs": lambda: plots.loss_curves(rows(300, loss=3.0)),
    "loss, NaN": lambda: plots.loss_curves([*rows(3, loss=1.0), {"epoch": 4, "loss": nan}]),
    "loss, nothing finite": lambda: plots.loss_curves(rows(2, loss=nan, validation_loss=nan)),
    "loss, negative": lambda: plots.loss_curves(rows(3, loss=-1e6)),
    "loss, zero": lambda: plots.loss_curves(rows(3, loss=0.0)),
    "accuracy": lambda: plots.accuracy_curves(rows(5, accuracy=0.9, validation_accuracy=0.95)),
    "accuracy, one epoch": lambda: plots.accuracy_curves(rows(1, accuracy=0.9)),
    "accuracy, three series": lambda: plots.accuracy_curves(rows(5, **every_curve)),
    "accuracy, all right": lambda: plots.accuracy_curves([{"epoch": 7, "accuracy": 1.0}]),
    "samples": lambda: plots.sample_images(images(5), np.arange(5)),
    "samples, one": lambda: plots.sample_images(images(1), [0], ["a thing"]),
    "samples, long names": lambda: plots.sample_images(images(7), np.arange(7), LONG),
    "samples, colours": lambda: plots.sample_images(rng.random((6, 8, 12, 3)), np.arange(6)),
    "predictions": lambda: plots.predictions(images(10), np.arange(10), softmax(10, 10)),
    "predictions, one class": lambda: plots.predictions(images(2), [0, 0], [[1.0], [1.0]]),
    "predictions, two classes": lambda: plots.predictions(images(2), [0, 1], softmax(2, 2)),
    "predictions, long names": lambda: plots.predictions(
        images(4), [0, 25, 3, 4], softmax(4, 26), LONG
    ),
    "confusion": lambda: plots.confusion_matrix(counts(10)),
    "confusion, one class": lambda: plots.confusion_matrix([[3]]),
    "confusion, two classes": lambda: plots.confusion_matrix(counts(2), ["ham", "spam"]),
    "confusion, 26 classes": lambda: plots.confusion_matrix(counts(26), LETTERS),
    "confusion, long names": lambda: plots.confusion_matrix(counts(10), LONG),
    "confusion, no errors": lambda: plots.confusion_matrix(np.eye(10, dtype=int) * 1000),
    "confusion, many": lambda: plots.confusion_matrix(counts(10) * 100),
    "confusion, nothing": lambda: plots.confusion_matrix(np.zeros((3, 3), int)),
    "errors": lambda: plots.worst_errors(images(40), np.zeros(40, int), softmax(40, 10)),
    "errors, none": lambda: plots.worst_errors(images(2), [0, 1], np.eye(2)),
    "errors, one": lambda: plots.worst_errors(images(2), [0, 0], np.eye(2)),
    "errors, long names": lambda: plots.worst_errors(
        images(9), np.zeros(9, int), softmax(9, 26), class_names=LONG
    ),
    "activations": lambda: plots.activation_curves(x, curve, curve),
    "activations, seven": lambda: plots.activation_curves(
        x, *[{name: np.tanh(x) for name in LONG[:7]}] * 2
    ),
    "histograms": lambda: plots.layer_histograms({"0/dense": x, "1/relu": np.maximum(x, 0)}),
    "histograms, constant": lambda: plots.layer_histograms({"a": np.zeros(9), "b": [2.0]}),
    "histograms, 12 layers": lambda: plots.layer_histograms(
        {name: rng.normal(size=99) for name in LONG[:12]}, quantity="gradient"
    ),
    "histograms, compared": lambda: plots.compare_layer_histograms(
        {"standard": {"0": x, "1": x / 9}, "normalised": {"0": x, "1": x}}, quantity="gradient"
    ),
    "landscape": lambda: plots.loss_landscape(x, x, bowl),
    "landscape, paths": lambda: plots.loss_landscape(x, x, bowl, dict.fromkeys(LETTERS[:6], path)),
    "landscape, flat": lambda: plots.loss_landscape(x, x, np.ones((41, 41))),
    "landscape, overflow": lambda: plots.loss_landscape(x, x, np.where(bowl < 9, bowl, np.inf)),
    "heat map": lambda: plots.heat_map(sweep, "rate", "hidden"),
    "heat map, accuracy": lambda: plots.heat_map(
        random_sweep[:6], "rate", "name", metric="accuracy"
    ),
    "heat map, one cell": lambda: plots.heat_map(sweep[:1], "rate", "hidden"),
    "heat map, nothing finished": lambda: plots.heat_map(members([1.0], sizes), "rate", "hidden"),
    "heat map, many": lambda: plots.heat_map(
        members(np.geomspace(1e-5, 0.9, 12).tolist(), sizes), "rate", "hidden"
    ),
    "seeds": lambda: plots.seed_curves(sweep, curves, "rate"),
    "seeds, accuracy": lambda: plots.seed_curves(sweep, curves, "hidden", metric="accuracy"),
    "seeds, one": lambda: plots.seed_curves(sweep[:1], [rows(1, loss=0.5)], "rate"),
    "seeds, nothing finished": lambda: plots.seed_curves(sweep[-1:], [rows(1, loss=nan)], "rate"),
    "coordinates": lambda: plots.parallel_coordinates(sweep, ["rate", "hidden", "seed"]),
    "coordinates, scale": lambda: plots.parallel_coordinates(
        random_sweep, ["rate", "name"], metric="accuracy"
    ),
    "coordinates, one": lambda: plots.parallel_coordinates(sweep[:1], ["rate"]),
    "coordinates, eight axes": lambda: plots.parallel_coordinates(
        members([1e-3, 1e-2], sizes, **dict.fromkeys(LETTERS[:5], 1)),
        ["rate", "hidden", "seed", *LETTERS[:5]],
    ),
    "coordinates, nothing finished": lambda: plots.parallel_coordinates(sweep[-1:], ["rate"]),
    "surface": lambda: plots.loss_surface(x, x, bowl),
    "surface, overflow": lambda: plots.loss_surface(x, x, np.where(bowl < 9, bowl, nan)),
}  # fmt: skip

each_figure = pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES.keys())


def shown(artists):
    return [artist for artist in artists if artist.get_visible()]


def drawn_texts(figure: Figure, monkeypatch) -> list[Text]:
    """The texts that appear when the figure is drawn: of ticks, only those within the axes."""
    texts, draw = [], Text.draw

    def record(text, renderer):
        if text.get_visible() and text.get_text().strip():
            texts.append(text)
        draw(text, renderer)

    monkeypatch.setattr(Text, "draw", record)
    figure.draw_without_rendering()
    return texts


def pixels(figure: Figure) -> bytes:
    content = io.BytesIO()
    save_settings = {"format": "rgba", "dpi": 60}
    figure.savefig(content, **save_settings)
    return content.getvalue()


def test_every_function_that_draws_has_a_row():
    not_figures = {"class_table", "save", "write_report"}
    drawn = {name for make in FIGURES.values() for name in make.__code__.co_names}
    assert set(plots.__all__) - not_figures <= drawn


@each_figure
def test_describes_itself(make):
    figure = make()
    assert isinstance(figure, Figure)
    assert figure.get_label().endswith(".")


@each_figure
def test_axes_are_labelled(make):
    for axes in shown(make().axes):
        if not axes.axison:
            continue
        across, up = axes.xaxis.get_tick_params(), axes.yaxis.get_tick_params()
        if len(axes.get_xticks()) and across.get("labelbottom", True):
            assert axes.get_xlabel()
        if len(axes.get_yticks()) and (up.get("labelleft", True) or up.get("labelright", False)):
            assert axes.get_ylabel()


@each_figure
def test_nothing_is_cut_off_and_no_two_words_touch(make, monkeypatch):
    figure = make()
    texts = drawn_texts(figure, monkeypatch)
    extents = {text: text.get_window_extent() for text in texts}
    page = figure.bbox.padded(1)
    for text, extent in extents.items():
        assert page.contains(*extent.min), text
        assert page.contains(*extent.max), text
    upright = [text for text in extents if text.get_rotation() % 90 == 0]
    for one, other in itertools.combinations(upright, 2):
        assert not extents[one].overlaps(extents[other]), (one, other)


@each_figure
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_saves_without_warnings(make, suffix, tmp_path):
    save(make(), tmp_path / f"figure.{suffix}")
    assert (tmp_path / f"figure.{suffix}").stat().st_size > 1000
    assert len([*tmp_path.iterdir()]) == 1


@pytest.mark.parametrize(
    "name", ["loss", "samples", "confusion", "activations", "landscape, paths"]
)
def test_the_users_own_style_neither_counts_nor_changes(name):
    state = rng.bit_generator.state
    ours = pixels(FIGURES[name]())
    rng.bit_generator.state = state
    with matplotlib.style.context(["dark_background", {"font.size": 20, "axes.grid": True}]):
        before = dict.copy(matplotlib.rcParams)
        theirs = FIGURES[name]()
        assert dict.copy(matplotlib.rcParams) == before
    assert pixels(theirs) == ours


def test_drawing_needs_neither_pyplot_nor_jax(tmp_path):
    program = """if True:
        import sys
        from jaxnn import plots
        figure = plots.loss_curves([{"epoch": 1, "loss": 0.3}])
        plots.save(figure, sys.argv[1])
        print({"matplotlib.pyplot", "jax"} & {*sys.modules})
    """
    command = [sys.executable, "-c", program, str(tmp_path / "loss.png")]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"set()\n"


def lightness(color: str) -> float:
    """CIE L*, from 0 for black to 100 for white."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in matplotlib.colors.to_rgb(color)
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * luminance ** (1 / 3) - 16


def test_series_differ_in_grey():
    assert len({str(series.linestyle) for series in SERIES}) == len(SERIES)
    assert len({series.marker for series in SERIES}) == len(SERIES)
    for one, other in itertools.pairwise(SERIES):
        assert abs(lightness(one.color) - lightness(other.color)) > 25


def test_save_knows_three_formats(tmp_path):
    with pytest.raises(ValueError, match=r"ends in .png, .svg or .pdf, got .*figure.jpg"):
        save(FIGURES["loss"](), tmp_path / "figure.jpg")
    assert [*tmp_path.iterdir()] == []
