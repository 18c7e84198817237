"""`jaxnn sweep NAME=VALUE,VALUE ...`: trains every combination, leaves their table and pictures."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import tyro

from jaxnn.cli import UsageError, parse
from jaxnn.cli.options import PRESETS, ModelOptions, OptimizerOptions, TrainOptions
from jaxnn.cli.train import require_sound, wanted_preset

NOT_SWEPT = {"warmup_epochs"}  # it is rounded to steps, which a traced number cannot be
OF_THE_CALL = {"out", "quiet", "grid", "preset", "processes", "config", "resume", "on_nonfinite"}
OF_TRAINING = {"batch_size": int, "epochs": int, "seed": int}


@dataclass(frozen=True)
class SweepOptions(TrainOptions):
    """Trains a network for every combination of values, and leaves a folder with their table.

    jaxnn sweep learning-rate=1e-4,1e-3,1e-2 hidden=128,256x128 seed=0,1,2 --epochs 3

    The options are those of jaxnn train and hold for all members.
    """

    out: Path | None = None
    """The sweep's folder: one that was stopped goes on where it was; None: sweeps/<data>-<number>.
    """
    quiet: bool = False
    """Prints nothing but the best member."""
    grid: tyro.conf.Positional[tuple[str, ...]] = ()
    """NAME=VALUE,VALUE,...: an option of the network, the optimiser, or seed, batch-size, epochs;
    the widths of hidden layers are joined by x, as in hidden=128,256x128."""


def main(arguments: Sequence[str]) -> None:
    """Reads the options, trains all members, prints their table."""
    preset = PRESETS[wanted_preset(arguments)]
    default = SweepOptions(**{field.name: getattr(preset, field.name) for field in fields(preset)})
    sweep(parse("sweep", SweepOptions, arguments, default=default))


def sweep(options: SweepOptions) -> None:
    """Trains every combination and leaves the sweep's folder.

    Args:
      options: what to train; wrong ones raise before anything is written.
    """
    grid = read_axes(options.grid)
    if options.early_stopping is not None:
        raise UsageError("--early-stopping is of jaxnn train: a sweep's table has the best epochs")
    if options.config or options.resume:
        raise UsageError("--config and --resume are of jaxnn train: a sweep goes on in its folder")
    if options.on_nonfinite != "stop":
        raise UsageError("--on-nonfinite is of jaxnn train: a sweep goes on without such a member")
    if options.processes.distributed:
        raise UsageError("--distributed is of jaxnn train: a sweep runs in one process")
    import jax

    from jaxnn import sweep as sweeps
    from jaxnn.cli import build, runs
    from jaxnn.files import write_atomically

    require_sound(replace(options, out=None))  # a folder that exists is gone on with
    images = runs.load_images(options)
    config = runs.describe(options, images)
    folder = options.out or runs.free_folder("sweeps", options.data)

    def make(batch_size, epochs, **values):
        training = {"batch_size": batch_size, "epochs": epochs}
        return runs.make_parts(_with_values(options, values | training), config)[:2]

    result = sweeps.fit(
        make,
        grid,
        images.train,
        loss=build.make_loss(options),
        epochs=options.epochs,
        batch_size=options.batch_size,
        key=jax.random.key(options.seed),
        validation=images.validation,
        out=folder,
        config={name: config["options"][name] for name in config["options"].keys() - OF_THE_CALL},
        **build.make_fit_options(options),
    )
    write_atomically(folder / "config.json", json.dumps(config, indent=2) + "\n")
    result.to_csv(folder / "table.csv")
    _draw(folder, result, grid)
    if not options.quiet:
        print(f"{result}\ntable {folder / 'table.csv'}, pictures {folder / 'plots'}")
    print(_best_in_words(result, grid))


def read_axes(texts: Sequence[str]) -> dict[str, list[Any]]:
    """The grid that the arguments mean.

    >>> read_axes(["learning-rate=1e-3,1e-2", "hidden=128,256x128", "batch-norm=true,false"])
    {'learning_rate': [0.001, 0.01], 'hidden': [(128,), (256, 128)], 'batch_norm': [True, False]}
    """
    if not texts:
        raise UsageError("expected what to sweep, such as learning-rate=1e-3,1e-2")
    kinds = {**get_type_hints(ModelOptions), **get_type_hints(OptimizerOptions), **OF_TRAINING}
    kinds = {name: kind for name, kind in kinds.items() if name not in NOT_SWEPT}
    grid = {}
    for text in texts:
        option, equals, values = text.partition("=")
        name = option.lstrip("-").replace("-", "_")
        if not equals:
            raise UsageError(f"expected NAME=VALUE,VALUE, got {text!r}")
        if name not in kinds:
            known = ", ".join(kinds).replace("_", "-")
            raise UsageError(f"{option} cannot be swept, expected one of {known}")
        if name in grid:
            raise UsageError(f"{option} is given twice")
        grid[name] = [_read(option, kinds[name], value) for value in values.split(",")]
    return grid


def _read(option: str, kind: Any, text: str) -> Any:
    """One value, of the option's type."""
    if get_origin(kind) is Literal:
        if text in get_args(kind):
            return text
        raise UsageError(f"{option}={text}: expected one of {', '.join(get_args(kind))}")
    types = {int, float, bool, tuple} & {get_origin(kind) or kind, *get_args(kind)}
    try:
        if tuple in types:
            return tuple(int(width) for width in text.split("x"))
        if bool in types:
            return {"true": True, "false": False}[text]
        return (int if int in types else float)(text)
    except (ValueError, KeyError):
        expected = {tuple: "widths joined by x", bool: "true or false", int: "a whole number"}
        names = [expected[kind] for kind in expected if kind in types] or ["a number"]
        raise UsageError(f"{option}={text}: expected {names[0]}") from None


def _with_values(options: TrainOptions, values: Mapping[str, Any]) -> TrainOptions:
    """The options with some of them changed, wherever they stand."""
    of = lambda kind: {n: v for n, v in values.items() if n in kind.__dataclass_fields__}
    return replace(
        options,
        model=replace(options.model, **of(ModelOptions)),
        optimization=replace(options.optimization, **of(OptimizerOptions)),
        **of(TrainOptions),
    )


def _draw(folder: Path, result: Any, grid: Mapping[str, Sequence[Any]]) -> None:
    """Pictures of the hyperparameters of several values; curves with all others at their best."""
    from jaxnn import plots

    names = [name for name, values in grid.items() if len(values) > 1]
    chosen = [name for name in names if name != "seed"]
    figures = {"coordinates": plots.parallel_coordinates(result.rows, names or [*grid])}
    for x, y in itertools.combinations(chosen, 2):
        figures[f"heat-map-{x}-{y}"] = plots.heat_map(result.rows, x, y)
    best = result.ranked()[0]
    for name in chosen:
        others = [other for other in chosen if other != name]
        alike = [all(row[other] == best[other] for other in others) for row in result.rows]
        if len(grid[name]) <= 6:
            figures[f"curves-{name}"] = plots.seed_curves(
                [*itertools.compress(result.rows, alike)],
                [*itertools.compress(result.curves, alike)],
                name,
            )
    for name, figure in figures.items():
        plots.save(figure, folder / "plots" / f"{name.replace('_', '-')}.png")


def _best_in_words(result: Any, grid: Mapping[str, Sequence[Any]]) -> str:
    from jaxnn.plots.table import value_in_words

    best = result.ranked()[0]
    if best["status"] != "finished":
        return "no member finished: all diverged"
    values = (f"{name.replace('_', '-')}={value_in_words(best[name])}" for name in grid)
    return f"best {' '.join(values)}: {result.metric.replace('_', ' ')} {best[result.metric]:.4f}"
