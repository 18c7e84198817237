"""What cannot be drawn is refused before anything is drawn, in words that name it."""

import math

import matplotlib.figure
import numpy as np
import pytest

from jaxnn import plots

two = np.zeros((2, 28, 28), np.uint8)
halves = np.full((2, 2), 0.5)
x = np.linspace(-1, 1, 5)
bowl = x**2 + x[:, None] ** 2
member = {"rate": 0.1, "loss": 0.5}
epoch = {"epoch": 1, "loss": 0.5, "accuracy": 0.5}

WRONG = [
    (lambda: plots.loss_curves([]), "loss_curves: expected at least one epoch, got an empty"),
    (lambda: plots.accuracy_curves([]), "accuracy_curves: expected at least one epoch"),
    (lambda: plots.loss_curves([{"loss": 1}]), "row of the history, got ['loss'] in row 0"),
    (lambda: plots.loss_curves([epoch, epoch]), "epochs that rise from row to row, got [1, 1]"),
    (lambda: plots.loss_curves([{"epoch": 1}]), "expected 'loss' in the rows, got ['epoch']"),
    (lambda: plots.accuracy_curves([{"epoch": 1, "loss": 1}]), "expected 'accuracy' in the rows"),
    (
        lambda: plots.accuracy_curves([epoch | {"validation_accuracy": 97.0}]),
        "expected validation accuracies in [0, 1], got values from 97 to 97",
    ),
    (lambda: plots.sample_images(two[0], [1]), "(n, height, width, channels) with 1 or 3"),
    (lambda: plots.sample_images(two[:0], []), "got shape (0, 28, 28)"),
    (lambda: plots.sample_images(np.zeros((2, 8, 8, 4)), [1, 1]), "got shape (2, 8, 8, 4)"),
    (lambda: plots.sample_images(two, [1]), "each image, got labels of shape (1,) for 2 images"),
    (lambda: plots.sample_images(two, [1, -1]), "expected labels of at least 0, got -1"),
    (lambda: plots.sample_images(two - 0.5, [1, 1]), "images in [0, 1], got values from -0.5"),
    (lambda: plots.sample_images(two * math.nan, [1, 1]), "images in [0, 1], got values from nan"),
    (lambda: plots.sample_images(two, [0, 2], ["a", "b"]), "names of 3 classes, got 2"),
    (lambda: plots.sample_images(two.astype(int), [1, 1]), TypeError("uint8 or floats, got int64")),
    (lambda: plots.sample_images(two, [1.0, 1.0]), TypeError("integer labels, got float64")),
    (lambda: plots.predictions(two, [0, 1], halves[:1]), "(2, classes), one row an image, got"),
    (lambda: plots.predictions(two, [0, 1], halves[0]), "got shape (2,)"),
    (lambda: plots.predictions(two, [0, 2], halves), "below the 2 classes of the probabilities"),
    (lambda: plots.predictions(two, [0, 1], halves * 3), "in [0, 1], got values from 1.5 to 1.5"),
    (lambda: plots.predictions(two, [0, 1], halves * 0.8), "sum to 1, got a sum of 0.8"),
    (lambda: plots.predictions(two, [0, 1], halves, ["a"]), "names of 2 classes, got 1"),
    (lambda: plots.worst_errors(two, [0, 1], halves, 0), "a count of at least 1, got 0"),
    (lambda: plots.worst_errors(two, [0], halves), "worst_errors: expected one label for each"),
    (lambda: plots.confusion_matrix([1, 2]), "expected a square matrix of counts, got shape (2,)"),
    (lambda: plots.confusion_matrix(np.ones((2, 3))), "got shape (2, 3)"),
    (lambda: plots.confusion_matrix(np.ones((0, 0))), "got shape (0, 0)"),
    (lambda: plots.confusion_matrix([[0.5]]), "whole counts of at least 0, got [[0.5]]"),
    (lambda: plots.confusion_matrix([[-1]]), "whole counts of at least 0, got [[-1]]"),
    (lambda: plots.confusion_matrix([[math.nan]]), "whole counts of at least 0, got [[nan]]"),
    (lambda: plots.confusion_matrix([[1, 0], [0, 1]], ["a"]), "names of 2 classes, got 1"),
    (lambda: plots.class_table([[1, 2]]), "class_table: expected a square matrix"),
    (lambda: plots.activation_curves(x, {}, {}), "at least one, got [] and []"),
    (lambda: plots.activation_curves(x, {"a": x}, {"b": x}), "got ['a'] and ['b']"),
    (lambda: plots.activation_curves(x, {"a": x[1:]}, {"a": x}), "values of a of shape (5,)"),
    (lambda: plots.activation_curves([], {"a": []}, {"a": []}), "x of shape (n,) with n at least"),
    (lambda: plots.layer_histograms({}), "expected the values of at least one layer, got none"),
    (lambda: plots.layer_histograms({"0/dense": []}), "layer '0/dense', at least one, got 0"),
    (lambda: plots.layer_histograms({"a": [1, math.inf]}), "got 2 of which 1 are not finite"),
    (lambda: plots.compare_layer_histograms({}), "expected at least one panel, got none"),
    (lambda: plots.compare_layer_histograms({"he": {}}), "compare_layer_histograms: he: expected"),
    (lambda: plots.loss_landscape(x, x[:4], bowl), "(rows, columns) = (4, 5), got (5, 5)"),
    (lambda: plots.loss_landscape(x[::-1], x, bowl), "expected x to rise over two places or more"),
    (lambda: plots.loss_landscape(x, [1.0], bowl), "expected y to rise over two places or more"),
    (lambda: plots.loss_landscape(x, x, bowl * math.nan), "finite losses, got none among 25"),
    (lambda: plots.loss_landscape(x, x, bowl, {"a": x}), "path of a as (steps, 2), got (5,)"),
    (
        lambda: plots.loss_landscape(x, x, bowl, {str(i): x[:2, None] + [0, 1] for i in range(7)}),
        "expected at most 6 paths, got 7",
    ),
    (lambda: plots.heat_map([], "rate", "size"), "heat_map: expected at least one row, got none"),
    (lambda: plots.heat_map([member], "rate", "size"), "of ['rate', 'loss'], got 'size'"),
    (lambda: plots.seed_curves([member], [[]], "rate", metric="accuracy"), "got 'accuracy'"),
    (
        lambda: plots.seed_curves([member | {"rate": i} for i in range(7)], [[]] * 7, "rate"),
        "seed_curves: expected at most 6 values of rate, got 7",
    ),
    (lambda: plots.parallel_coordinates([member], []), "names of at least one column, got none"),
    (lambda: plots.loss_surface(x, x, bowl[0]), "loss_surface: expected losses of shape"),
]


@pytest.mark.parametrize(("draw", "says"), WRONG, ids=[str(says) for _, says in WRONG])
def test_wrong_input_is_refused_before_anything_is_drawn(draw, says, monkeypatch):
    def must_not_be_called(*args, **settings):
        raise AssertionError("drawn before it was checked")

    monkeypatch.setattr(matplotlib.figure.Figure, "__init__", must_not_be_called)
    error = says if isinstance(says, Exception) else ValueError(says)
    with pytest.raises(type(error)) as raised:
        draw()
    assert str(error) in str(raised.value)
