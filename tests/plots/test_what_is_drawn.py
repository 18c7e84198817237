"""What the figures show is what they were given, in the place and the order that they promise."""

import math

import numpy as np
import pytest
from mpl_toolkits.mplot3d import Axes3D

from jaxnn import plots

nan = math.nan
rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (6, 28, 20), dtype=np.uint8)


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def captions(figure) -> list[list[str]]:
    """The words under each picture of a grid."""
    return [texts(axes) for axes in figure.axes if not axes.images]


def pictures(figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


HISTORY = [
    {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "validation_loss": 0.4, "validation_accuracy": 0.9},
    {"epoch": 2, "loss": nan, "accuracy": 0.9},
    {"epoch": 4, "loss": 0.2, "accuracy": None, "validation_loss": 0.3, "validation_accuracy": 1.0},
]


@pytest.mark.parametrize(
    ("draw", "training", "validation"),
    [
        (plots.loss_curves, [0.5, nan, 0.2], [0.4, 0.3]),
        (plots.accuracy_curves, [0.8, 0.9, nan], [0.9, 1.0]),
    ],
)
def test_curves_are_the_history(draw, training, validation):
    (axes,) = draw(HISTORY).axes
    assert [line.get_label() for line in axes.lines] == ["training", "validation"]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), np.c_[[1, 2, 4], training])
    np.testing.assert_array_equal(axes.lines[1].get_xydata(), np.c_[[1, 4], validation])


@pytest.mark.parametrize("epochs", [[1], [1, 2], [3, 4, 5, 6, 7], range(1, 41), range(1, 1001)])
def test_ticks_are_whole_epochs_that_were(epochs):
    figure = plots.loss_curves([{"epoch": epoch, "loss": 0.1} for epoch in epochs])
    low, high = figure.axes[0].get_xlim()
    ticks = [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]
    assert ticks
    assert {*ticks} <= {*epochs}


def test_labels_stand_in_the_order_of_the_ends_and_say_them():
    history = [
        {"epoch": 1, "accuracy": 0.9712, "validation_accuracy": 0.9713, "test_accuracy": 0.2}
    ]
    (axes,) = plots.accuracy_curves(history).axes
    assert texts(axes) == ["test\n20 %", "training\n97.12 %", "validation\n97.13 %"]
    heights = [text.get_position()[1] for text in axes.texts]
    assert heights == sorted(heights)
    assert [text.get_text() for text in axes.get_yticklabels()][-1].endswith(" %")


@pytest.mark.parametrize("last", [0.0, 0.5, 1.0])
def test_labels_of_curves_that_end_together_stay_beside_the_axes(last):
    names = ("loss", "validation_loss", "test_loss")
    history = [{"epoch": epoch} | dict.fromkeys(names, epoch * last) for epoch in (0, 1)]
    (axes,) = plots.loss_curves([*history, {"epoch": 2, "loss": 1.0}]).axes
    heights = np.array([text.get_position()[1] for text in axes.texts])
    assert np.all(np.diff(heights) >= 0.16 - 1e-9)
    assert np.all((heights >= 0.08 - 1e-9) & (heights <= 1))


def test_a_label_says_when_a_curve_ends_in_no_number():
    (axes,) = plots.loss_curves([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": math.inf}]).axes
    assert texts(axes) == ["training\nnot finite"]


def test_loss_starts_at_zero_and_accuracy_ends_at_one():
    assert plots.loss_curves(HISTORY).axes[0].get_ylim()[0] == 0
    assert plots.accuracy_curves(HISTORY).axes[0].get_ylim()[1] < 1.01


def test_samples_are_the_images_and_their_names():
    figure = plots.sample_images(IMAGES, [2, 0, 1, 2, 1, 0], ["cat", "dog", "cow"])
    np.testing.assert_array_equal(pictures(figure), IMAGES)
    assert captions(figure) == [["cow"], ["cat"], ["dog"], ["cow"], ["dog"], ["cat"]]


@pytest.mark.parametrize(
    ("images", "brightest"),
    [(IMAGES, 255), (IMAGES / 2550, 1), (IMAGES.astype(np.float32)[..., None] / 2550, 1)],
    ids=["uint8", "floats", "one channel"],
)
def test_images_are_ink_on_paper_and_not_stretched(images, brightest):
    image = plots.sample_images(images, np.zeros(6, int)).axes[0].images[0]
    assert image.get_clim() == (0, brightest)
    assert image.cmap.name == "gray_r"
    box = image.axes.get_window_extent()
    assert box.height / box.width == pytest.approx(28 / 20)


def test_predictions_are_ranked_and_always_show_the_truth():
    probabilities = [[0.1, 0.2, 0.3, 0.4], [0.05, 0.6, 0.25, 0.1]]
    figure = plots.predictions(IMAGES[:2], [3, 0], probabilities, ["ant", "bee", "cat", "dog"])
    assert captions(figure) == [
        ["dog ✓", "40.0 %", "cat", "30.0 %", "bee", "20.0 %"],
        ["bee", "60.0 %", "cat", "25.0 %", "ant ✓", "5.0 %"],
    ]
    bars = [[bar.get_width() for bar in axes.patches] for axes in figure.axes if axes.patches]
    np.testing.assert_allclose(bars, [[0.4, 0.3, 0.2], [0.6, 0.25, 0.05]], rtol=0)


def test_worst_errors_come_surest_first():
    probabilities = [[0.9, 0.1, 0], [0.2, 0.8, 0], [0.7, 0.2, 0.1], [0.8, 0, 0.2], [0.3, 0.4, 0.3]]
    figure = plots.worst_errors(IMAGES[:5], [0, 0, 1, 1, 2], probabilities)
    assert captions(figure) == [
        ["0", "80.0 %", "1 ✓", "0.0 %"],
        ["1", "80.0 %", "0 ✓", "20.0 %"],
        ["0", "70.0 %", "1 ✓", "20.0 %"],
        ["1", "40.0 %", "2 ✓", "30.0 %"],
    ]
    np.testing.assert_array_equal(pictures(figure), IMAGES[[3, 1, 2, 4]])
    few = plots.worst_errors(IMAGES[:5], [0, 0, 1, 1, 2], probabilities, count=1)
    assert captions(few) == captions(figure)[:1]


def test_no_errors_are_said_to_be_none():
    figure = plots.worst_errors(IMAGES[:2], [0, 1], np.eye(2))
    assert [text.get_text() for text in figure.texts] == [figure.get_label()]
    assert figure.get_label() == "No errors: all 2 examples are classified rightly."


MATRIX = np.array([[980, 4, 0], [0, 0, 2], [1, 0, 50]])


def test_confusion_has_true_classes_down_and_predicted_classes_across():
    (axes,) = plots.confusion_matrix(MATRIX, ["cat", "dog", "cow"]).axes
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    written = {(column, row): str(count) for (row, column), count in np.ndenumerate(MATRIX)}
    assert {place: text for place, text in cells.items() if place[0] in (0, 1, 2)} == {
        place: text for place, text in written.items() if text != "0" or place == (1, 1)
    }
    assert axes.get_ylabel() == "true class"
    assert axes.get_xlabel() == "predicted class"
    assert axes.yaxis_inverted()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog", "cow"]
    assert texts(axes)[-4:] == ["99.6 %", "0.0 %", "98.0 %", "recall"]


def test_the_colours_of_confusion_are_scaled_by_the_errors():
    errors, right = plots.confusion_matrix(MATRIX).axes[0].images
    assert errors.get_clim() == (0, 4)
    np.testing.assert_array_equal(errors.get_array().filled(0), MATRIX * (1 - np.eye(3)))
    np.testing.assert_array_equal(~right.get_array().mask, np.eye(3, dtype=bool))


def test_class_table_counts_rows_as_true_and_columns_as_predicted():
    rows = plots.class_table(MATRIX, ["cat", "dog", "cow"])
    assert [row["examples"] for row in rows] == [984, 2, 51]
    assert [row["recall"] for row in rows] == [980 / 984, 0, 50 / 51]
    assert [row["precision"] for row in rows] == [980 / 981, 0, 50 / 52]
    assert [row["most often taken for"] for row in rows] == ["dog (4)", "cow (2)", "cat (1)"]
    (nothing,) = plots.class_table([[0]])
    assert math.isnan(nothing["recall"])
    assert math.isnan(nothing["precision"])
    assert nothing["most often taken for"] == "none"


def test_activations_are_drawn_with_their_own_derivatives():
    x = np.linspace(-2, 2, 9)
    values, derivatives = {"a": x**2, "b": x**3}, {"b": 3 * x**2, "a": 2 * x}
    for axes in plots.activation_curves(x, values, derivatives).axes:
        name = axes.get_title(loc="left")
        curves = {line.get_label(): line for line in axes.lines}
        np.testing.assert_array_equal(curves["f(x)"].get_xydata(), np.c_[x, values[name]])
        np.testing.assert_array_equal(curves["f′(x)"].get_xydata(), np.c_[x, derivatives[name]])


def test_histograms_share_an_axis_and_stand_in_order():
    narrow, wide = rng.normal(size=4000), 3 * np.maximum(rng.normal(size=(40, 100)), 0)
    (axes,) = plots.layer_histograms({"first": narrow, "second": wide}, quantity="activation").axes
    assert axes.get_xlabel() == "activation"
    heights = dict(zip(["first", "second"], axes.get_yticks(), strict=True))
    assert heights["first"] > heights["second"]
    zeros = f"{100 * np.mean(wide == 0):.0f} % zero"
    assert texts(axes) == [f"σ = {narrow.std():.3g}", f"σ = {wide.std():.3g}\n{zeros}"]
    ridges = [patch for patch in axes.patches if patch.get_fill()]
    for ridge, values in zip(ridges, (narrow, wide[wide != 0]), strict=True):
        tops, edges, base = ridge.get_data()
        counts = np.histogram(values, edges)[0]
        assert counts.sum() >= 0.995 * len(values)
        np.testing.assert_allclose((tops - base) * counts.max(), 0.85 * counts, atol=1e-9)


def test_compared_histograms_have_the_same_bins():
    panels = {"standard": {"0": rng.normal(size=99)}, "normalised": {"0": 9 * rng.normal(size=99)}}
    figure = plots.compare_layer_histograms(panels)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["standard", "normalised"]
    edges = [axes.patches[0].get_data().edges for axes in figure.axes]
    np.testing.assert_array_equal(*edges)


PATH = np.array([[-1.0, 1.0], [0.5, 0.0], [0.9, -0.4]])


def test_the_landscape_has_columns_along_x_and_rows_along_y():
    x, y = np.linspace(-2, 2, 41), np.linspace(-1, 1, 31)
    losses = (x - 1) ** 2 + (y[:, None] + 0.5) ** 2
    figure = plots.loss_landscape(x, y, losses, {"adam": PATH})
    axes, bar = figure.axes
    filled = axes.collections[0]
    valley = filled.get_paths()[0].vertices
    np.testing.assert_allclose(valley.mean(axis=0), [1, -0.5], atol=0.1)
    heights = filled.levels[1:] - losses.min()
    np.testing.assert_allclose(np.diff(np.log(heights), 2), 0, atol=1e-9)
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 2), (-1, 1))
    assert bar.get_ylabel() == "loss"
    way, start = axes.lines
    np.testing.assert_array_equal(way.get_xydata(), PATH)
    np.testing.assert_array_equal(start.get_xydata(), PATH[:1])
    assert (way.get_markevery(), start.get_markerfacecolor()) == ([2], "white")


def test_the_surface_is_the_losses(monkeypatch):
    drawn = []
    monkeypatch.setattr(Axes3D, "plot_surface", lambda _, *grids, **settings: drawn.extend(grids))
    plots.loss_surface([0.0, 1.0], [0.0, 2.0], [[1.0, 2.0], [3.0, 5.0]])
    corners = {*zip(*(grid.ravel().tolist() for grid in drawn), strict=True)}
    assert corners == {(0, 0, 1), (1, 0, 2), (0, 2, 3), (1, 2, 5)}


SWEEP = [
    {"rate": rate, "size": size, "seed": seed, "loss": loss, "status": status}
    for rate, size, seed, loss, status in [
        (0.1, (8,), 0, 0.25, "finished"),
        (0.1, (8,), 1, 0.75, "finished"),
        (0.1, (4, 4), 0, 0.125, "finished"),
        (0.1, (4, 4), 1, 0.001, "diverged in epoch 2"),
        (0.01, (8,), 0, None, "diverged in epoch 1"),
        (0.01, (8,), 1, None, "diverged in epoch 1"),
        (0.01, (4, 4), 0, 2.0, "finished"),
        (0.01, (4, 4), 1, 4.0, "finished"),
    ]
]


def test_a_heat_map_shows_means_over_those_that_finished_and_frames_the_best():
    (axes,) = plots.heat_map(SWEEP, "rate", "size").axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.01", "0.1"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["8", "4x4"]
    np.testing.assert_array_equal(
        np.ma.filled(axes.images[0].get_array(), nan), [[nan, 0.5], [3.0, 0.125]]
    )
    assert texts(axes) == ["–", "0.5", "3", "0.125"]
    (frame,) = axes.patches
    assert frame.get_center().round().tolist() == [1, 1]


def test_curves_over_seeds_show_mean_and_standard_deviation():
    curves = [
        [{"epoch": epoch, "loss": (row["loss"] or 9.0) * epoch} for epoch in (1, 2)]
        for row in SWEEP
    ]
    figure = plots.seed_curves(SWEEP[:4], curves[:4], "size")
    eights, fours = figure.axes[0].lines
    np.testing.assert_allclose(eights.get_ydata(), [0.5, 1.0])
    np.testing.assert_allclose(fours.get_ydata(), [0.125, 0.25])
    heights = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    spread = np.std([0.25, 0.75], ddof=1)
    assert (heights.min(), heights.max()) == (0.5 - spread, 2 * (0.5 + spread))


def test_parallel_coordinates_draw_a_line_a_member_and_the_best_last():
    (axes,) = plots.parallel_coordinates(SWEEP, ["rate", "size"]).axes
    members = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 3]
    assert len(members) == 5, "of eight, three diverged"
    assert members[-1].tolist() == [1, 1, 0], "the best: rate 0.1, size 4x4, the smallest loss"
    assert members[0].tolist() == [0, 1, 1]
