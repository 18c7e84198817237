"""`jaxnn verify RUN`: whether configuration, data, checkpoints and results fit together."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from jaxnn.cli import parse
from jaxnn.cli.options import TrainOptions


@dataclass(frozen=True)
class VerifyOptions:
    """Says whether a run folder is as its training left it: the data are the same, no checkpoint is
    damaged, history and results are those of the checkpoints and come out the same again."""

    run: tyro.conf.Positional[Path]
    """The run folder."""


def main(arguments: Sequence[str]) -> None:
    """Reads the options, prints a line for each part, ends with status 1 if one is wrong."""
    folder = parse("verify", VerifyOptions, arguments).run
    from jaxnn.cli import records

    config, options = records.read_config(folder / "config.json")
    wrong = False
    for name, check in CHECKS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a damaged checkpoint: that is an error here
                print(f"{name}: {check(folder, config, options)}")
        except (ValueError, OSError) as error:
            wrong = True
            print(f"{name}: WRONG: {error}")
    if wrong:
        raise SystemExit(1)


def data(folder: Path, config: dict[str, Any], options: TrainOptions) -> str:
    """The data are those that the run was trained on."""
    from jaxnn.cli import resuming, runs

    found = runs.describe(options, runs.load_images(options))["data"]
    if differing := resuming.differences(config["data"], found):
        raise ValueError(f"not what the run was trained on: {differing}")
    return f"{options.data}, SHA-256 {found['sha256'][:16]}…"


def checkpoints(folder: Path, config: dict[str, Any], options: TrainOptions) -> str:
    """Each checkpoint is as it was written, by this run, and of the step in its name."""
    from jaxnn import checkpoint

    paths = sorted((folder / "checkpoints").glob("step-*.safetensors"))
    for path in paths:
        step = int(path.stem.removeprefix("step-"))
        saved = checkpoint.load(folder / "checkpoints", step=step)
        if saved.config != config:
            raise ValueError(f"{path} was saved by a run with another config.json")
        if int(saved.train_state.step) != step:
            raise ValueError(f"{path} holds step {int(saved.train_state.step)}")
    return f"{len(paths)}, none damaged"


def history(folder: Path, config: dict[str, Any], options: TrainOptions) -> str:
    """The history is that of the newest checkpoint."""
    from jaxnn import checkpoint
    from jaxnn.cli import records

    rows, saved = records.read_history(folder), checkpoint.load(folder / "checkpoints").history
    if rows != saved:
        raise ValueError(f"its {len(rows)} epochs are not the newest checkpoint's {len(saved)}")
    return f"{len(rows)} epochs, those of the newest checkpoint"


def results(folder: Path, config: dict[str, Any], options: TrainOptions) -> str:
    """The network, measured again, has the results that were written."""
    from jaxnn import evaluation
    from jaxnn.cli import drawing, records, runs

    if not (folder / "results.json").exists():
        return "none yet"
    run, written = runs.load_run(folder), records.read_results(folder)
    images = runs.load_images(run.options)
    logits = evaluation.predict(
        run.model, *run.train_state[:2], images.test.images, batch_size=drawing.BATCH_SIZE
    )
    again = drawing.measure(run, images, logits)
    if differing := [name for name in again if again[name] != written.get(name)]:
        raise ValueError(f"measured again, {', '.join(differing)} differ")
    return f"test accuracy {written['accuracy']:.4f}, measured again: the same"


CHECKS = {
    "data": data,
    "checkpoints": checkpoints,
    "history.jsonl": history,
    "results.json": results,
}
"""By what is looked at: each says what was found, or raises what is wrong."""
