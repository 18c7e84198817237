"""`jaxnn predict RUN FILE...`: what the network of a run folder takes pictures for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from jaxnn.cli import UsageError, parse


@dataclass(frozen=True)
class PredictOptions:
    """Tells what is in picture files of any size and colour, converted as MNIST was made."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    files: tyro.conf.Positional[tuple[Path, ...]]
    """Pictures: PNG, JPEG, GIF, BMP, WebP, TIFF or PNM."""
    top: int = 3
    """How many classes to show, the most probable first."""


def main(arguments: Sequence[str]) -> None:
    """Reads the options, prints the most probable classes of each picture."""
    options = parse("predict", PredictOptions, arguments)
    if not options.files:
        raise UsageError("expected at least one picture file after the run folder")
    import numpy as np

    from jaxnn import activations, checks, data, evaluation
    from jaxnn.cli import runs

    checks.require_positive_integer(options.top, "--top")
    images = np.stack([data.read_image(path) for path in options.files])
    run = runs.load_run(options.run)
    shape = tuple(run.config["data"]["image_shape"])
    if images.shape[1:] != shape:
        raise UsageError(f"the network takes images {shape}, not {images.shape[1:]}")
    params, state = run.train_state[:2]
    logits = evaluation.predict(run.model, params, state, images, batch_size=len(images))
    names = run.config["data"]["class_names"]
    for path, row in zip(options.files, np.asarray(activations.softmax(logits)), strict=True):
        best = np.argsort(-row)[: options.top]
        print(f"{path}  " + "  ".join(f"{names[label]} {row[label]:.1%}" for label in best))
