"""The options of `jaxnn train` and `jaxnn summary`, which a run's config.json repeats."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh"]
Initializer = Literal[
    "torch_linear",
    "lecun_normal",
    "lecun_uniform",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "zeros",
]
Optimizer = Literal["sgd", "rmsprop", "adam", "adamw", "amsgrad", "nadam", "adagrad"]
Schedule = Literal["constant", "linear", "exponential", "cosine", "warmup_cosine"]
OnNonFinite = Literal["stop", "skip", "rewind"]
Preset = Literal["standard", "lecture", "strong"]


@dataclass(frozen=True)
class ModelOptions:
    """The network: a multilayer perceptron on images."""

    hidden: tuple[int, ...] = (256, 128)
    """Neurons in each hidden layer."""
    activation: Activation = "relu"
    """Activation of the hidden layers."""
    batch_norm: bool = False
    """Batch normalisation before each activation."""
    dropout: float = 0.0
    """Probability to drop a hidden neuron, in [0, 1)."""
    initializer: Initializer = "torch_linear"
    """How the kernels are drawn."""


@dataclass(frozen=True)
class OptimizerOptions:
    """The optimiser and its learning rate."""

    optimizer: Optimizer = "adam"
    """Optimiser."""
    learning_rate: float = 1e-3
    """Learning rate: the highest, where a schedule changes it."""
    schedule: Schedule = "linear"
    """How the learning rate changes over the training: linear and the cosines end at 0."""
    warmup_epochs: float = 2.0
    """Epochs in which warmup_cosine rises from 0 to the learning rate."""
    momentum: float | None = None
    """Momentum, of sgd and rmsprop. None, here and below: what the optimiser has by itself."""
    nesterov: bool | None = None
    """Nesterov momentum, of sgd, rmsprop, adam and adamw."""
    decay: float | None = None
    """Decay of the mean of squared gradients, of rmsprop."""
    b1: float | None = None
    """Decay of the first moment, of the Adam family."""
    b2: float | None = None
    """Decay of the second moment, of the Adam family."""
    eps: float | None = None
    """What keeps the division by the second moment finite, of all but sgd."""
    weight_decay: float | None = None
    """Decay of the kernels: decoupled in adamw, part of the gradient in the others."""
    clip_norm: float | None = None
    """Largest global norm of the gradient; None does not clip."""


@dataclass(frozen=True)
class ProcessOptions:
    """Several processes that train one network together, each on its own part of every batch."""

    distributed: bool = False
    """Trains together with other processes, started with the same options; process 0 writes the
    run folder. SLURM, Kubernetes and Open MPI tell each process which one it is."""
    coordinator: str | None = None
    """HOST:PORT where process 0 is to be found, where nothing tells."""
    process_count: int | None = None
    """How many processes there are, where nothing tells."""
    process_index: int | None = None
    """Which one this is, the first being 0, where nothing tells."""
    start_timeout: int = 300
    """Seconds in which all processes must have come."""


@dataclass(frozen=True)
class TrainOptions:
    """Trains a network on images, and leaves a run folder with a report.

    Without options: the lecture's network, 784-256-128-10, with its loss, optimiser, batch and
    epochs, on the complete MNIST; the learning rate falls to 0 and a tenth is held out.
    """

    preset: Preset = "standard"
    """What the other options start from: "lecture" keeps the learning rate and holds nothing out;
    "strong" is an MLP at 0.992 on MNIST in two minutes."""
    data: str = "mnist"
    """"mnist", a folder of IDX files, or "tfds:NAME" for a prepared TensorFlow data set."""
    data_dir: Path | None = None
    """Where TensorFlow Datasets looks for "tfds:NAME"."""
    model: Annotated[ModelOptions, tyro.conf.arg(name="")] = field(default_factory=ModelOptions)
    optimization: Annotated[OptimizerOptions, tyro.conf.arg(name="")] = field(
        default_factory=OptimizerOptions
    )
    label_smoothing: float = 0.0
    """Share of each label spread over all classes, in [0, 1]."""
    l1: float = 0.0
    """Factor of the L1 penalty Σ|w| on kernels."""
    l2: float = 0.0
    """Factor of the L2 penalty Σw² on kernels."""
    max_shift: int = 0
    """Each training image is shifted by up to so many pixels in x and y."""
    batch_size: int = 64
    """Images a step."""
    epochs: int = 5
    """Passes over the training images."""
    validation: float = 0.1
    """Share of the training images held out to measure on after each epoch, in [0, 1)."""
    early_stopping: int | None = None
    """Stops when the validation loss has not fallen
    for so many epochs; None never stops."""
    on_nonfinite: OnNonFinite = "stop"
    """What to do about a loss or a parameter that is not finite: stop, skip the step, or rewind to
    before the epoch and take it with other draws."""
    seed: int = 0
    """Of every random draw: parameters, order, masks, shifts, split."""
    config: Path | None = None
    """The config.json of a run, which the other options start from: repeats that run."""
    out: Path | None = None
    """The run folder, which must not exist yet; None: runs/<data>-<number>."""
    resume: bool = False
    """Goes on with the run in --out, whose options hold; begins it if it is not there yet."""
    processes: Annotated[ProcessOptions, tyro.conf.arg(name="")] = field(
        default_factory=ProcessOptions
    )
    quiet: bool = False
    """Prints nothing but the test accuracy."""


PRESETS: dict[str, TrainOptions] = {
    "standard": TrainOptions(),
    "lecture": TrainOptions(
        preset="lecture", optimization=OptimizerOptions(schedule="constant"), validation=0.0
    ),
    "strong": TrainOptions(
        preset="strong",
        model=ModelOptions(hidden=(512, 512), batch_norm=True, dropout=0.25),
        optimization=OptimizerOptions(
            optimizer="adamw",
            learning_rate=4e-3,
            schedule="warmup_cosine",
            weight_decay=0.1,
        ),
        label_smoothing=0.05,
        max_shift=1,
        batch_size=128,
        epochs=40,
        validation=0.0,
    ),
}
