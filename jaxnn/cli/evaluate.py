"""`jaxnn evaluate RUN`: measures the network of a run folder on test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from jaxnn.cli import parse


@dataclass(frozen=True)
class EvaluateOptions:
    """Measures the network of a run folder on test images: its own, or those of other data."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    checkpoint: Literal["latest", "best"] | None = None
    """Which of the saved networks; None: the one of the run's report."""
    data: str | None = None
    """Data whose test images to use, as for train; None: those of the run."""
    data_dir: Path | None = None
    """Where TensorFlow Datasets looks for "tfds:NAME"."""


def main(arguments: Sequence[str]) -> None:
    """Reads the options, prints loss and accuracies."""
    options = parse("evaluate", EvaluateOptions, arguments)
    from jaxnn import evaluation
    from jaxnn.cli import drawing, runs

    run = runs.load_run(options.run, options.checkpoint)
    name = options.data or run.options.data
    train_set, test_set = runs.load_data(name, options.data_dir or run.options.data_dir)
    params, state = run.train_state[:2]
    logits = evaluation.predict(
        run.model, params, state, test_set.images, batch_size=drawing.BATCH_SIZE
    )
    images = runs.Images(train_set, None, test_set, runs.class_names(name, train_set))
    results = drawing.measure(run, images, logits)
    print(f"{test_set.size:,} test images of {name}, network after {results['step']:,} steps")
    print(f"test loss {results['loss']:.4f}")
    print(f"top-3 accuracy {results['top_3_accuracy']:.4f}")
    print(f"calibration error {results['calibration_error']:.4f}")
    print(f"test accuracy {results['accuracy']:.4f}")
