"""The worst errors: what a network got wrong while it was surest of itself (lecture part 15)."""

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
from jaxnn.plots.samples import columns_for, draw_classes, image_grid
from jaxnn.plots.style import QUIET, WIDTH, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def worst_errors(
    images: Any,
    labels: Any,
    probabilities: Any,
    count: int = 20,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draws the errors of which the network was surest, surest first.

    An error is an example whose most probable class is not its label. The more probable its wrong
    class, the worse it is; of two alike, the one whose label is less probable is the worse. Under
    each image stand the predicted class and, with a tick, the true one, and their probabilities.

    Args:
      images: uint8, or floats in [0, 1], of shape (n, height, width), with or without 1 or 3
        channels as a last axis.
      labels: the true classes, integers (n,).
      probabilities: of shape (n, classes), as a softmax gives them.
      count: how many errors to draw at most.
      class_names: names of the classes; without them their numbers.

    Returns:
      A figure of at most `count` pictures; of a network without errors, one that says so.

    Raises:
      ValueError: shapes, ranges or lengths that do not fit; TypeError: dtypes that do not.

    Example:
      >>> images, labels = np.zeros((2, 28, 28), np.uint8), np.array([0, 1])
      >>> figure = worst_errors(images, labels, np.array([[0.9, 0.1], [0.8, 0.2]]))
      >>> figure.get_label()
      '1 of 2 examples is wrong; the worst: 1 taken for 0 with probability 0.8.'
    """
    images = check_images("worst_errors", images)
    labels = check_labels("worst_errors", labels, len(images))
    probabilities = check_probabilities("worst_errors", probabilities, labels)
    names = check_class_names("worst_errors", class_names, probabilities.shape[1])
    if count < 1:
        raise ValueError(f"worst_errors: expected a count of at least 1, got {count}")
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    with style():
        if not wrong.size:
            return _no_errors(len(labels))
        confidence, truth = probabilities[wrong].max(axis=1), probabilities[wrong, labels[wrong]]
        worst = wrong[np.lexsort((truth, -confidence))][:count]
        first = worst[0]
        description = (
            f"{wrong.size} of {len(labels)} examples {'is' if wrong.size == 1 else 'are'} wrong;"
            f" the worst: {names[labels[first]]} taken for {names[predicted[first]]}"
            f" with probability {probabilities[first].max():.3g}."
        )
        figure, captions = image_grid(images[worst], columns_for(names), 2, description)
        for caption, index in zip(captions, worst, strict=True):
            classes = (predicted[index], labels[index])
            draw_classes(caption, classes, labels[index], probabilities[index], names)
    return figure


def _no_errors(count: int) -> Figure:
    sentence = f"No errors: all {count} examples are classified rightly."
    figure = new_figure(WIDTH, 1.0, sentence)
    figure.text(0.5, 0.5, sentence, ha="center", va="center", color=QUIET)
    return figure
