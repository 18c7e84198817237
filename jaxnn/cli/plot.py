"""`jaxnn plot RUN`: draws the pictures and the report of a run folder again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from jaxnn.cli import parse, pictures


@dataclass(frozen=True)
class PlotOptions:
    """Draws the pictures and the report of a run folder again, with the network of its results."""

    run: tyro.conf.Positional[Path]
    """The run folder."""


def main(arguments: Sequence[str]) -> None:
    """Reads the options, draws, prints where."""
    options = parse("plot", PlotOptions, arguments)
    with pictures.beside() as drawn:
        from jaxnn.cli import drawing, runs

        run = runs.load_run(options.run)
        images = runs.load_images(run.options)
        drawing.draw_samples(run.folder, images, drawn)
        drawing.finish(run, images, drawn)
    for path in sorted((run.folder / "plots").glob("*.png")):
        print(path)
    print(run.folder / "report.html")
