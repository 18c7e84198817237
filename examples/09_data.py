"""MNIST from bytes to batches, and what the scale of its pixels does to the first epoch.

Shows: the real data on their way into the network: split, shuffled, in batches of 64, normalised,
flattened, labels one-hot. Then, for each scale that the lecture and others give to the pixels, the
validation accuracy after one epoch of Adam.

Look for: the background, four pixels in five. Where it is 0 its weights get no gradient; where it
is −1 every image moves them all, and all together.

Found: after an epoch the network is right on 0.960 ± 0.000 of the validation images with pixels
from 0 to 1, and on 0.963 ± 0.002 standardised; on the lecture's own scales, −1 to 1 for its network
and −0.5 to 0.5 in its preprocessing, on 0.939 ± 0.003 and 0.933 ± 0.003. Even raw bytes do better,
with 0.953 ± 0.003 (three seeds). An epoch has 844 batches, the last one of 48.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, data, layers, losses, models, optim, train
from jaxnn.plots.style import RIGHT, new_figure, quiet_ticks, style

SCALES = {
    "0 to 255": (0.0, 1 / 255),
    "0 to 1": (0.0, 1.0),
    "−0.5 to 0.5": (0.5, 1.0),
    "−1 to 1": (0.5, 0.5),
    "mean 0, std 1": (0.1307, 0.3081),
}
"""The mean and the standard deviation by which each brings pixels from [0, 1] to its scale."""

MODEL, OPTIMIZER, LOSS = models.simple_nn(), optim.adam(1e-3), losses.softmax_cross_entropy
EPOCH = train.make_epoch(MODEL, OPTIMIZER, LOSS, batch_size=64)


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Prepares MNIST step by step, and trains for an epoch on each scale.

    Args:
      small: on fewer images, with two seeds.
      out: the folder for the picture and the findings.
    """
    images, seeds = (640, 2) if small else (54000, 3)
    everything, test_set = data.load("mnist")
    train_set, validation_set = everything.split(0.1, jax.random.key(0))
    order = data.permutation(jax.random.split(jax.random.key(0))[1], 0, train_set.size)
    batches = [*data.batches(train_set, order, batch_size=64)]
    normalized = normalize(batches[0].images, "−1 to 1")
    flat, _ = layers.flatten().apply({}, {}, normalized)
    steps = {
        "training set": everything.images,
        "test set": test_set.images,
        "split: to train on": train_set.images,
        "split: to validate": validation_set.images,
        f"first of {len(batches)} batches": batches[0].images,
        "last batch": batches[-1].images,
        "normalised": normalized,
        "flattened": flat,
        "labels, one-hot": jax.nn.one_hot(batches[0].labels, 10),
    }
    print_table(["", "shape", "least", "mean", "greatest"], map(as_row, steps.items()))
    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    runs = {scale: accuracies(scale, train_set, validation_set, seeds) for scale in SCALES}
    print()
    rows = [
        [scale, f"{np.mean(run):.4f} ± {np.std(run, ddof=1):.4f}"] for scale, run in runs.items()
    ]
    print_table(["pixels", "accuracy after an epoch"], rows)
    save_figure(__file__, out, draw(batches[0], validation_set.images, runs))
    findings = {
        "numbers_in_each_step": [int(np.prod(array.shape)) for array in steps.values()],
        "means": [float(array.mean()) for array in steps.values()],
        "images_of_each_digit": np.bincount(everything.labels).tolist(),
        "first_labels": batches[0].labels[:5].tolist(),
        "approximately_accuracies": [*runs.values()],
    }
    return save_findings(__file__, out, findings)


def normalize(images: np.ndarray, scale: str) -> jax.Array:
    """Pixels on one of the scales, as the first layer of a network brings them there."""
    layer = layers.normalize_images(*SCALES[scale])
    return layer.apply(*layer.init(jax.random.key(0)), images)[0]


def as_row(step: tuple[str, Any]) -> list[Any]:
    """A line of the table of steps."""
    name, array = step
    shape = " × ".join(map(str, array.shape))
    return [
        name,
        shape,
        *(f"{float(value):.4g}" for value in (array.min(), array.mean(), array.max())),
    ]


def accuracies(scale: str, train_set: Dataset, validation_set: Dataset, seeds: int) -> list[float]:
    """The validation accuracy after one epoch of the lecture's network on a scale, by seed."""
    found = []
    for seed in range(seeds):
        train_state = train.init_train_state(MODEL, OPTIMIZER, jax.random.key(seed))
        _, of_scale = layers.normalize_images(*SCALES[scale]).init(jax.random.key(0))
        train_state = train_state._replace(state=(of_scale, *train_state.state[1:]))
        train_state, _ = EPOCH(train_state, train_set)
        measured = train.evaluate(
            MODEL, *train_state[:2], validation_set, loss=LOSS, batch_size=1000
        )
        found.append(measured["accuracy"])
    return found


def draw(batch: Dataset, images: np.ndarray, runs: dict[str, list[float]]) -> Any:
    """Five images with their labels; the histogram of pixels, before and after; accuracies."""
    with style():
        labels = ", ".join(str(label) for label in batch.labels[:5])
        figure = new_figure(8, 4.6, f"Five images of MNIST, {labels}; histograms; accuracies.")
        above, below = figure.subfigures(2, 1, height_ratios=(2, 3))
        for axes, image, label in zip(above.subplots(1, 5), *batch, strict=False):
            axes.imshow(image, cmap="gray_r")
            axes.set_title(f"label {label}", loc="center")
            axes.axis("off")
        before, after, right = below.subplots(1, 3, width_ratios=(3, 3, 4))
        before.hist(images.ravel(), 32, color=RIGHT)
        before.set(xlabel="pixel, as bytes", ylabel="million pixels", title="before")
        after.hist(np.asarray(normalize(images, "−1 to 1")).ravel(), 32, color=RIGHT)
        after.set(xlabel="pixel, normalised", title="after")
        places = range(len(runs))[::-1]
        means = [np.mean(run) for run in runs.values()]
        spreads = [np.std(run, ddof=1) for run in runs.values()]
        right.errorbar(means, places, xerr=spreads, fmt="o", color=RIGHT, capsize=3)
        right.set_yticks(places, [*runs])
        right.set(xlabel="accuracy after an epoch", title="by the scale of the pixels")
        for axes in (before, after):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda count, _: f"{count / 1e6:g}")
            quiet_ticks(axes, grid="y")
        quiet_ticks(right, grid="x")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
