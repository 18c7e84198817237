"""Run folders: what `train` leaves and the other commands read.

runs/<name>/config.json    options, data and environment: all that is needed to repeat the run
            history.jsonl  one line an epoch, appended as it happens
            checkpoints/   the newest and the best
            results.json   what the trained network was measured to be on the test images
            plots/         pictures
            report.html    one page that shows the run
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnn import checkpoint, checks, data, train
from jaxnn.cli import build, records
from jaxnn.cli.options import TrainOptions
from jaxnn.typing import Dataset, GradientTransformation, Layer, Schedule

NOT_REPEATED = ("config", "out", "resume", "processes", "quiet")
"""Options that config.json does not hold: the numbers do not depend on them."""


class Images(NamedTuple):
    """The images of a run: to train on, to validate on (or None), to test on, and their classes."""

    train: Dataset
    validation: Dataset | None
    test: Dataset
    class_names: list[str]


class Parts(NamedTuple):
    """What a run trains with."""

    model: Layer
    optimizer: GradientTransformation
    schedule: Schedule


@dataclass(frozen=True)
class Run:
    """A run folder that has been read: its configuration and its trained network."""

    folder: Path
    options: TrainOptions
    config: dict[str, Any]
    model: Layer
    train_state: train.TrainState


def load_images(options: TrainOptions) -> Images:
    """Reads the data of a run, and holds out its validation images."""
    train_set, test_set = load_data(options.data, options.data_dir)
    names = class_names(options.data, train_set)
    validation = None
    if options.validation:
        key = jax.random.fold_in(jax.random.key(options.seed), 1)
        train_set, validation = train_set.split(options.validation, key)
    return Images(train_set, validation, test_set, names)


def load_data(name: str, data_dir: Path | None) -> tuple[Dataset, Dataset]:
    """MNIST by its name, a prepared TensorFlow data set as "tfds:NAME", or an IDX folder."""
    if name.startswith("tfds:"):
        return data.load_tfds(name.removeprefix("tfds:"), data_dir=data_dir)
    if os.sep in name or Path(name).is_dir():
        return data.load_idx(name)
    return data.load(name)


def class_names(name: str, train_set: Dataset) -> list[str]:
    """The names of the classes, where they are known, or their numbers."""
    return list(data.class_names(name.removeprefix("tfds:"), int(train_set.labels.max()) + 1))


def make_parts(options: TrainOptions, config: Mapping[str, Any]) -> Parts:
    """The model, the optimiser and the schedule of a run."""
    checks.require_positive_integer(options.epochs, "--epochs")
    checks.require_positive_integer(options.batch_size, "--batch-size")
    shape, classes = config["data"]["image_shape"], len(config["data"]["class_names"])
    steps_per_epoch = -(-config["data"]["train"] // options.batch_size)
    schedule = build.make_schedule(
        options.optimization,
        steps=steps_per_epoch * options.epochs,
        warmup_steps=round(steps_per_epoch * options.optimization.warmup_epochs),
    )
    model = build.make_model(options.model, shape, classes)
    return Parts(model, build.make_optimizer(options.optimization, schedule), schedule)


def describe(options: TrainOptions, images: Images) -> dict[str, Any]:
    """What config.json says: options, data, environment."""
    held_out = images.validation.size if images.validation else 0
    repeated = asdict(options)
    for name in NOT_REPEATED:
        del repeated[name]
    return {
        "options": json.loads(json.dumps(repeated, default=str)),
        "data": {
            "train": images.train.size,
            "validation": held_out,
            "test": images.test.size,
            "image_shape": list(images.train.images.shape[1:]),
            "class_names": images.class_names,
            "sha256": fingerprint(images),
        },
        "environment": environment(),
    }


def fingerprint(images: Images) -> str:
    """A SHA-256 of all images and labels that a run trains and is measured on."""
    digest = hashlib.sha256()
    for dataset in (images.train, images.validation, images.test):
        for array in dataset or ():
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """Versions and devices that a run's numbers depend on."""
    device = jax.devices()[0]
    return {
        **{name: installed_version(name) for name in ("jaxnn", "jax", "jaxlib", "numpy")},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": f"{device.platform}: {device.device_kind}, {os.cpu_count()} processors",
        "processes": str(jax.process_count()),
    }


def installed_version(name: str) -> str:
    """The version of a package, or "not installed"."""
    if name == "jaxnn":
        from jaxnn._version import __version__

        return __version__
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def load_run(folder: Path, which: checkpoint.Which | None = None) -> Run:
    """Reads the configuration of a run folder and restores its network.

    Args:
      folder: the run folder.
      which: the checkpoint; None is the one that the run's results speak of.
    """
    config, options = records.read_config(folder / "config.json")
    model, optimizer, _ = make_parts(options, config)
    template = jax.eval_shape(
        lambda key: train.init_train_state(model, optimizer, key), jax.random.key(0)
    )
    step = which or records.read_results(folder)["step"]
    train_state = checkpoint.restore(folder / "checkpoints", template, step=step)
    return Run(folder, options, config, model, train_state)


def free_folder(parent: str, data_name: str) -> Path:
    """The first folder <parent>/<data>-<number> that does not exist yet."""
    name = Path(data_name.removeprefix("tfds:")).name
    numbered = (Path(parent, f"{name}-{number}") for number in itertools.count(1))
    return next(folder for folder in numbered if not folder.exists())
