"""`jaxnn train`: trains a network, prints a line an epoch, leaves a run folder with a report."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxnn.cli import UsageError, parse, pictures
from jaxnn.cli.options import PRESETS, TrainOptions


def main(arguments: Sequence[str]) -> None:
    """Reads the options and trains."""
    train(parse("train", TrainOptions, arguments, default=PRESETS[wanted_preset(arguments)]))


def train(options: TrainOptions) -> dict[str, Any]:
    """Trains the network of the options and leaves a run folder.

    Args:
      options: what to train; wrong ones raise before anything is written.

    Returns:
      The results on the test images, as `results.json` holds them; nothing in a process that only
      helps another one.
    """
    mesh = None
    if options.processes.distributed:
        from jaxnn.cli import distributed

        require_sound(options)
        mesh = distributed.start(options.processes)
        if distributed.is_helper():
            return _help(options, mesh)
    with pictures.beside() as drawn:  # loads matplotlib while this process loads JAX
        return _train(options, mesh, drawn)


def _train(options: TrainOptions, mesh, drawn: pictures.Pictures) -> dict[str, Any]:
    import jax

    from jaxnn import callbacks
    from jaxnn import train as training
    from jaxnn.cli import distributed, drawing, runs
    from jaxnn.files import write_atomically

    require_sound(options)
    images = runs.load_images(options)
    config = runs.describe(options, images)
    model, optimizer, schedule = runs.make_parts(options, config)
    settings = _fit_settings(options, images, mesh)
    folder = options.out or runs.free_folder("runs", options.data)
    write = (lambda line: None) if options.quiet else print
    write(f"{folder}: {_in_words(options, images, model)}")
    write_atomically(folder / "config.json", json.dumps(config, indent=2) + "\n")
    drawing.draw_samples(folder, images, drawn)
    hooks = _hooks(options, folder, config, jax.jit(schedule), write)
    started = time.perf_counter()
    with callbacks.progress_bar(options.epochs) as advance:
        hooks.append(advance)
        result = training.fit(model, optimizer, images.train, callbacks=hooks, **settings)
    seconds = time.perf_counter() - started
    run = runs.Run(folder, options, config, model, distributed.own_copy(result.train_state))
    if result.stopped:
        write(f"stopped: {result.stopped}")
        run = runs.load_run(folder, "best")
    results = drawing.finish(run, images, drawn, training_seconds=seconds)
    write(f"report {folder / 'report.html'}")
    print(f"test accuracy {results['accuracy']:.4f}")
    return results


def _help(options: TrainOptions, mesh) -> dict[str, Any]:
    """Trains together with process 0, which prints, writes and draws."""
    from jaxnn import train as training
    from jaxnn.cli import runs

    images = runs.load_images(options)
    model, optimizer, _ = runs.make_parts(options, runs.describe(options, images))
    settings = _fit_settings(options, images, mesh)
    training.fit(model, optimizer, images.train, callbacks=_early_stopping(options), **settings)
    return {}


def _fit_settings(options: TrainOptions, images, mesh) -> dict[str, Any]:
    """What `train.fit` is told, the same in every process."""
    import jax

    from jaxnn.cli import build

    return {
        "loss": build.make_loss(options),
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "key": jax.random.key(options.seed),
        "validation": images.validation,
        "mesh": mesh,
        **build.make_fit_options(options),
    }


def _hooks(options: TrainOptions, folder: Path, config, schedule, write) -> list:
    """What is done after each epoch."""
    from jaxnn import callbacks

    return [
        callbacks.log_learning_rate(schedule),
        callbacks.append_history(folder / "history.jsonl"),
        callbacks.save_checkpoints(folder / "checkpoints", config),
        callbacks.print_epochs(write),
        *_early_stopping(options),
    ]


def _early_stopping(options: TrainOptions) -> list:
    from jaxnn import callbacks

    if options.early_stopping is None:
        return []
    return [callbacks.early_stopping(patience=options.early_stopping)]


def wanted_preset(arguments: Sequence[str]) -> str:
    """The preset that the other options start from; a wrong one is left to the parser."""
    for argument, following in itertools.zip_longest(arguments, arguments[1:]):
        name = following if argument == "--preset" else argument.removeprefix("--preset=")
        if name in PRESETS and argument.startswith("--preset"):
            return name
    return "standard"


def require_sound(options: TrainOptions) -> None:
    """Raises unless the numbers of the options can be trained with."""
    from jaxnn import checks
    from jaxnn.cli import distributed

    distributed.require_sound(options.processes)
    checks.require_positive_integer(options.epochs, "--epochs")
    checks.require_positive_integer(options.batch_size, "--batch-size")
    checks.require_in("[0, 1)", options.validation, "--validation")
    if options.early_stopping is not None:
        checks.require_positive_integer(options.early_stopping, "--early-stopping")
        if not options.validation:
            raise UsageError("--early-stopping needs validation images: set --validation above 0")
    if options.out is not None and options.out.exists():
        raise UsageError(f"--out must not exist yet, but {options.out} does")


def _in_words(options: TrainOptions, images, model) -> str:
    from jaxnn import layers

    validation = images.validation
    held_out = f", validate on {validation.size:,} (in brackets)" if validation else ""
    return (
        f"train {layers.summary(model).parameters:,} parameters on {images.train.size:,} images"
        f"{held_out}, {options.optimization.optimizer}, epochs: {options.epochs}"
    )
