"""Examples with their labels, and with what a network says they are (lecture parts 9 and 15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxnn.plots.inputs import (
    check_class_names,
    check_images,
    check_labels,
    check_probabilities,
)
from jaxnn.plots.style import PALE_RIGHT, PALE_WRONG, RULE, WIDTH, new_figure, shorten, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE = 0.19  # inches
_GAP = 0.14


def sample_images(images: Any, labels: Any, class_names: Sequence[str] | None = None) -> Figure:
    """Draws images, five to a row, each under its label.

    Args:
      images: uint8, or floats in [0, 1], of shape (n, height, width), with or without 1 or 3
        channels as a last axis; grey ones are drawn as ink on paper.
      labels: integer classes (n,).
      class_names: names of the classes; without them their numbers.

    Returns:
      A figure with n pictures.

    Raises:
      ValueError: shapes, ranges or lengths that do not fit; TypeError: dtypes that do not.

    Example:
      >>> figure = sample_images(np.zeros((5, 28, 28), np.uint8), np.arange(5))
      >>> figure.get_label()
      '5 examples with their labels: 0, 1, 2, 3, 4.'
    """
    images = check_images("sample_images", images)
    labels = check_labels("sample_images", labels, len(images))
    names = check_class_names("sample_images", class_names, labels.max() + 1)
    shown = [names[label] for label in labels]
    with style():
        description = f"{len(images)} examples with their labels: {', '.join(shown)}."
        figure, captions = image_grid(images, 5, 1, description)
        for caption, name in zip(captions, shown, strict=True):
            caption.text(0.5, 0.5, shorten(name, 11), ha="center", va="center")
    return figure


def predictions(
    images: Any, labels: Any, probabilities: Any, class_names: Sequence[str] | None = None
) -> Figure:
    """Draws images, each over the three classes that the network finds most probable.

    The bar behind a class is its probability: blue for the true class, which has a tick too, orange
    for the others. The last line is the true class where it is not among the three.

    Args:
      images: uint8, or floats in [0, 1], of shape (n, height, width), with or without 1 or 3
        channels as a last axis.
      labels: the true classes, integers (n,).
      probabilities: of shape (n, classes), as a softmax gives them.
      class_names: names of the classes; without them their numbers.

    Returns:
      A figure with n pictures.

    Raises:
      ValueError: shapes, ranges or lengths that do not fit; TypeError: dtypes that do not.

    Example:
      >>> images, labels = np.zeros((2, 28, 28), np.uint8), np.array([0, 1])
      >>> figure = predictions(images, labels, np.array([[0.9, 0.1], [0.8, 0.2]]))
      >>> figure.get_label()
      '2 examples with the most probable classes: 1 of 2 are right.'
    """
    images = check_images("predictions", images)
    labels = check_labels("predictions", labels, len(images))
    probabilities = check_probabilities("predictions", probabilities, labels)
    names = check_class_names("predictions", class_names, probabilities.shape[1])
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    right = np.sum(ranked[:, 0] == labels)
    absent = (ranked != labels[:, None]).all(axis=1)
    ranked[absent, -1] = labels[absent]
    with style():
        description = (
            f"{len(images)} examples with the most probable classes:"
            f" {right} of {len(images)} are right."
        )
        figure, captions = image_grid(images, columns_for(names), ranked.shape[1], description)
        for caption, label, row, classes in zip(
            captions, labels, probabilities, ranked, strict=True
        ):
            draw_classes(caption, classes, label, row, names)
    return figure


def columns_for(names: Sequence[str]) -> int:
    """How many images stand in a row so that class `names` and probabilities fit under them.

    >>> columns_for(["0", "1"]), columns_for(["Trouser", "Dress"])
    (5, 3)
    """
    return 5 if max(map(len, names)) <= 3 else 3


def image_grid(
    images: np.ndarray, columns: int, lines: int, description: str
) -> tuple[Figure, list[Axes]]:
    """A figure of `images`, and under each an axes of so many `lines`, x from 0 to 1.

    There are `columns` images to a row, and `description` is the figure's label.

    >>> figure, captions = image_grid(np.zeros((7, 28, 28), np.uint8), 5, 1, "Seven images.")
    >>> len(captions), len(figure.axes)
    (7, 14)
    """
    cell = WIDTH / columns
    picture = cell - _GAP
    tall = picture * images.shape[1] / images.shape[2]
    pitch = tall + lines * _LINE + _GAP
    rows = -(-len(images) // columns)
    figure = new_figure(min(columns, len(images)) * cell, rows * pitch, description)
    figure.set_layout_engine("none")
    captions = []
    for index, image in enumerate(images):
        left = (index % columns) * cell + _GAP / 2
        bottom = (rows - 1 - index // columns) * pitch + _GAP / 2
        _draw_image(_axes(figure, left, bottom + lines * _LINE, picture, tall), image)
        captions.append(_axes(figure, left, bottom, picture, lines * _LINE))
        captions[-1].set(xlim=(0, 1), ylim=(lines, 0))
        captions[-1].axis("off")
    return figure, captions


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place given in inches."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def _draw_image(axes: Axes, image: np.ndarray) -> None:
    brightest = 255 if image.dtype == np.uint8 else 1
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=brightest, interpolation="none", aspect="auto")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=RULE)


def draw_classes(
    axes: Axes, classes: Sequence[int], label: int, probabilities: np.ndarray, names: Sequence[str]
) -> None:
    """Writes a line for each of `classes`: its name, its probability, a pale bar of that length.

    `axes` are a caption of `image_grid`; `label` is the true class, which has a tick; `names` and
    `probabilities` are those of all classes.

    >>> figure, (axes,) = image_grid(np.zeros((1, 28, 28), np.uint8), 5, 1, "One image.")
    >>> draw_classes(axes, [1], 1, np.array([0.2, 0.8]), ["cat", "dog"])
    >>> [text.get_text() for text in axes.texts]
    ['dog ✓', '80.0 %']
    """
    for line, index in enumerate(classes):
        right = index == label
        axes.barh(line + 0.5, probabilities[index], 0.86, color=PALE_RIGHT if right else PALE_WRONG)
        axes.text(
            0.03,
            line + 0.5,
            shorten(names[index], 11) + (" ✓" if right else ""),
            va="center",
            size=9,
        )
        percent = f"{100 * probabilities[index]:.1f} %"
        axes.text(0.97, line + 0.5, percent, va="center", ha="right", size=9)
