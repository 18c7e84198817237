"""`jaxnn train`: trains a network, prints a line an epoch, leaves a run folder with a report."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxnn.cli import Interrupted, UsageError, parse, pictures
from jaxnn.cli.options import PRESETS, TrainOptions


def main(arguments: Sequence[str]) -> None:
    """Reads the options and trains."""
    train(parse("train", TrainOptions, arguments, default=_starting_options(arguments)))


def _starting_options(arguments: Sequence[str]) -> TrainOptions:
    """What the given options change: a preset, the run to be repeated, or the one to go on with."""
    config, out = given(arguments, "--config"), given(arguments, "--out")
    if config and given(arguments, "--preset"):
        raise UsageError("--preset and --config both say what the other options start from")
    if "--resume" in arguments and out and Path(out, "config.json").exists():
        config = str(Path(out, "config.json"))
    if not config:
        return PRESETS[wanted_preset(arguments)]
    from jaxnn.cli import records

    return records.read_config(Path(config))[1]


def train(options: TrainOptions) -> dict[str, Any]:
    """Trains the network of the options and leaves a run folder.

    Args:
      options: what to train; wrong ones raise before anything is written.

    Returns:
      The results on the test images, as `results.json` holds them; nothing in a process that only
      helps another one.

    Raises:
      Interrupted: by SIGTERM or Ctrl-C, once the training is saved.
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
    from jaxnn.cli import distributed, drawing, records, resuming, runs

    require_sound(options)
    images = runs.load_images(options)
    config = runs.describe(options, images)
    parts = runs.make_parts(options, config)
    settings = _fit_settings(options, images, mesh)
    write = (lambda line: None) if options.quiet else print
    signals = () if mesh else resuming.SIGNALS  # processes must not stop at different steps
    with resuming.claimed(options) as folder, resuming.noticed(*signals) as stop:
        settings["stop"] = stop if signals else None
        write(f"{folder}: {_in_words(options, images, parts.model)}")
        resume = _begin(folder, config, write)
        if resume and _has_ended(options, resume) and (folder / "report.html").exists():
            write(f"nothing is left to do: {folder / 'report.html'}")
            results = records.read_results(folder)
        else:
            drawing.draw_samples(folder, images, drawn)
            result = _fit(options, parts, images, settings, folder, config, resume, write)
            state = distributed.own_copy(result.train_state)
            run = runs.Run(folder, options, config, parts.model, state)
            if result.stopped:
                write(f"stopped: {result.stopped}")
                run = runs.load_run(folder, "best")
            seconds = sum(row["seconds"] for row in result.history)
            results = drawing.finish(run, images, drawn, training_seconds=seconds)
            write(f"report {folder / 'report.html'}")
    print(f"test accuracy {results['accuracy']:.4f}")
    return results


def _begin(folder: Path, config, write):
    """Writes what the run is; or, where it has begun already, gives back where it stands."""
    from jaxnn.cli import resuming
    from jaxnn.files import write_atomically

    if not (folder / "config.json").exists():
        write_atomically(folder / "config.json", json.dumps(config, indent=2) + "\n")
        return None
    resuming.require_same_run(folder, config)
    resume = resuming.saved(folder)
    resuming.write_history(folder, resume.history if resume else [])
    if resume:
        write(f"goes on after step {int(resume.train_state.step):,}")
    return resume


def _fit(options: TrainOptions, parts, images, settings, folder: Path, config, resume, write):
    """Trains; what interrupts it is raised once the training is saved."""
    import jax

    from jaxnn import callbacks, checkpoint
    from jaxnn import train as training
    from jaxnn.nonfinite import NonFiniteError

    if resume and (reason := _reason_to_stop(options, resume)):
        return training.FitResult(resume.train_state, resume.history, reason)
    hooks = _hooks(folder, config, jax.jit(parts.schedule), write)
    with callbacks.progress_bar(options.epochs) as advance:
        try:
            result = training.fit(
                parts.model,
                parts.optimizer,
                images.train,
                callbacks=[*hooks, *_early_stopping(options), advance],
                resume=resume,
                **settings,
            )
        except NonFiniteError as error:
            if error.step is None:
                raise
            rate = float(parts.schedule(error.step - 1))
            raise FloatingPointError(f"{error}; the learning rate is {rate:.4g}") from None
    if not (settings["stop"] and settings["stop"]()):
        return result
    step = int(result.train_state.step)
    checkpoint.save(
        folder / "checkpoints",
        result.train_state,
        step=step,
        config=config,
        loss=math.inf,
        history=result.history,
        measured=result.measured,
    )
    raise Interrupted(
        f"{result.stopped}: saved after step {step:,}; jaxnn train --resume --out {folder} goes on"
    )


def _help(options: TrainOptions, mesh) -> dict[str, Any]:
    """Trains together with process 0, which prints, writes and draws."""
    from jaxnn import train as training
    from jaxnn.cli import resuming, runs

    images = runs.load_images(options)
    parts = runs.make_parts(options, runs.describe(options, images))
    training.fit(
        parts.model,
        parts.optimizer,
        images.train,
        callbacks=_early_stopping(options),
        resume=resuming.saved(options.out) if options.resume and options.out else None,
        **_fit_settings(options, images, mesh),
    )
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
        "on_nonfinite": options.on_nonfinite,
        **build.make_fit_options(options),
    }


def _hooks(folder: Path, config, schedule, write) -> list:
    """What is done after each epoch."""
    from jaxnn import callbacks

    return [
        lambda progress: _require_still_there(folder),
        callbacks.log_learning_rate(schedule),
        callbacks.append_history(folder / "history.jsonl"),
        callbacks.save_checkpoints(folder / "checkpoints", config),
        callbacks.print_epochs(write),
    ]


def _require_still_there(folder: Path) -> None:
    """Raises an `OSError` if the run folder was removed, which saving would make anew."""
    (folder / "config.json").stat()


def _early_stopping(options: TrainOptions) -> list:
    from jaxnn import callbacks

    if options.early_stopping is None:
        return []
    return [callbacks.early_stopping(patience=options.early_stopping)]


def _reason_to_stop(options: TrainOptions, resume) -> str | None:
    """Why a training had stopped early, if it was killed or ended just after that."""
    from jaxnn import train as training

    if not resume.history or resume.measured is not None:
        return None
    last = training.Progress(len(resume.history), options.epochs, resume[0], resume.history)
    reasons = [reason for callback in _early_stopping(options) if (reason := callback(last))]
    return reasons[0] if reasons else None


def _has_ended(options: TrainOptions, resume) -> bool:
    all_epochs = len(resume.history) == options.epochs
    return all_epochs or _reason_to_stop(options, resume) is not None


def wanted_preset(arguments: Sequence[str]) -> str:
    """The preset that the other options start from; a wrong one is left to the parser."""
    name = given(arguments, "--preset")
    return name if name in PRESETS else "standard"


def given(arguments: Sequence[str], option: str) -> str | None:
    """The value of an option that must be known before the others are parsed."""
    for argument, following in itertools.zip_longest(arguments, arguments[1:]):
        if argument == option:
            return following
        if argument.startswith(f"{option}="):
            return argument.removeprefix(f"{option}=")
    return None


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
    if options.resume and options.out is None:
        raise UsageError("--resume needs --out, the folder of the run to go on with")
    if options.out is not None and options.out.exists() and not options.resume:
        raise UsageError(f"--out must not exist yet, but {options.out} does (--resume goes on)")


def _in_words(options: TrainOptions, images, model) -> str:
    from jaxnn import layers

    validation = images.validation
    held_out = f", validate on {validation.size:,} (in brackets)" if validation else ""
    return (
        f"train {layers.summary(model).parameters:,} parameters on {images.train.size:,} images"
        f"{held_out}, {options.optimization.optimizer}, epochs: {options.epochs}"
    )
