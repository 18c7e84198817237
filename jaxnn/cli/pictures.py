"""The pictures of a run, drawn in two processes beside the one that trains.

They load matplotlib meanwhile, and draw what does not depend on the result; after the training each
draws its part of the rest. This file loads no JAX, and matplotlib only where something is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxnn import plots
from jaxnn.cli.beside import Beside
from jaxnn.plots.report import Picture, picture

PLOTS = {
    "loss": "loss_curves",
    "accuracy": "accuracy_curves",
    "confusion": "confusion_matrix",
    "samples": "sample_images",
    "predictions": "predictions",
    "errors": "worst_errors",
}
"""The function of `jaxnn.plots` that draws each."""

CAPTIONS = {
    "loss": "Loss over the epochs",
    "accuracy": "Accuracy over the epochs",
    "confusion": "Test images by true and predicted class",
    "samples": "Five of the training images",
    "predictions": "The first test images and what the network takes them for",
    "errors": "The errors that the network was surest of",
}

SECOND = ("confusion", "predictions")
"""What the second process draws, about as much work as the others."""

MODULES = (
    "matplotlib.figure",
    "matplotlib.style",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
)


class Pictures:
    """The pictures of a run: each is drawn from when its numbers are known."""

    def __init__(self, first: Beside, second: Beside):
        self._processes = first, second
        self._drawn: dict[str, Future[Picture]] = {}

    def draw(self, folder: Path, **arguments: Sequence[Any]) -> None:
        """Draws pictures into a folder: by name, the arguments of the function that draws it."""
        for name, values in arguments.items():
            process = self._processes[name in SECOND]
            self._drawn[name] = process.call(draw, folder / f"{name}.png", PLOTS[name], *values)

    def by_caption(self) -> dict[str, Picture]:
        """Waits for all that were asked for, and raises what drawing has raised."""
        names = [name for name in CAPTIONS if name in self._drawn]
        return {CAPTIONS[name]: self._drawn[name].result() for name in names}


@contextmanager
def beside() -> Iterator[Pictures]:
    """Starts the two processes, and ends them."""
    with Beside(*MODULES) as first, Beside(*MODULES) as second:
        yield Pictures(first, second)


def draw(path: Path, plot: str, *arguments: Any) -> Picture:
    """Draws a figure into a file, and as a page shows it."""
    figure = getattr(plots, plot)(*arguments)
    plots.save(figure, path)
    return picture(figure)
