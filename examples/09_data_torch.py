"""MNIST from bytes to batches, and what the scale of its pixels does to an epoch: in PyTorch.

Shows: the steps of `09_data.py` with a `TensorDataset`, a `DataLoader` and `F.one_hot`. The images
are bytes until the network's first layer, where torchvision's transforms make them floats at once.

Look for: the shapes and the means, which are those of jaxnn: split and shuffle are jaxnn's too.

Found: 0.959 ± 0.000 from 0 to 1, 0.964 ± 0.002 standardised, 0.938 ± 0.003 from −1 to 1,
0.933 ± 0.004 from −0.5 to 0.5, 0.951 ± 0.001 from 0 to 255 (three seeds).
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch
import twins
import tyro
from gallery import print_table, save_findings
from torch.nn import functional as F

import jaxnn
from torch_port import data, layers, losses, train

SCALES = {
    "0 to 255": (0.0, 1 / 255),
    "0 to 1": (0.0, 1.0),
    "−0.5 to 0.5": (0.5, 1.0),
    "−1 to 1": (0.5, 0.5),
    "mean 0, std 1": (0.1307, 0.3081),
}
"""The mean and the standard deviation by which each brings pixels from [0, 1] to its scale."""


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Prepares MNIST step by step, and trains for an epoch on each scale.

    Args:
      small: on fewer images, with two seeds.
      out: the folder for the findings.
    """
    images, seeds = (640, 2) if small else (54000, 3)
    everything, test_set = data.load("mnist")
    drawn = jaxnn.data.load("mnist")[0].split(0.1, jax.random.key(0))
    train_set, validation_set = (data.from_arrays(*part) for part in drawn)
    batches = [*twins.batches(train_set, seed=0, epoch=0, batch_size=64)]
    images_of_first, labels_of_first = batches[0]
    normalized = normalize(images_of_first, "−1 to 1")
    flat = layers.Flatten()(normalized)
    steps = {
        "training set": everything.images,
        "test set": test_set.images,
        "split: to train on": train_set.images,
        "split: to validate": validation_set.images,
        f"first of {len(batches)} batches": images_of_first,
        "last batch": batches[-1][0],
        "normalised": normalized,
        "flattened": flat,
        "labels, one-hot": F.one_hot(labels_of_first, 10),
    }
    print_table(["", "shape", "least", "mean", "greatest"], map(as_row, steps.items()))
    train_set = data.Dataset(train_set.images[:images], train_set.labels[:images])
    runs = {scale: accuracies(scale, train_set, validation_set, seeds) for scale in SCALES}
    print()
    rows = [
        [scale, f"{np.mean(run):.4f} ± {np.std(run, ddof=1):.4f}"] for scale, run in runs.items()
    ]
    print_table(["pixels", "accuracy after an epoch"], rows)
    findings = {
        "numbers_in_each_step": [int(np.prod(array.shape)) for array in steps.values()],
        "means": [float(array.double().mean()) for array in steps.values()],
        "images_of_each_digit": torch.bincount(everything.labels).tolist(),
        "first_labels": labels_of_first[:5].tolist(),
        "approximately_accuracies": [*runs.values()],
    }
    return save_findings(__file__, out, findings)


def normalize(images: torch.Tensor, scale: str) -> torch.Tensor:
    """Pixels on one of the scales, as the first layer of a network brings them there."""
    return layers.NormalizeImages(*SCALES[scale])(images)


def as_row(step: tuple[str, Any]) -> list[Any]:
    """A line of the table of steps."""
    name, array = step
    shape = " × ".join(map(str, array.shape))
    return [
        name,
        shape,
        *(f"{float(value):.4g}" for value in (array.min(), array.double().mean(), array.max())),
    ]


def accuracies(
    scale: str, train_set: data.Dataset, validation_set: data.Dataset, seeds: int
) -> list[float]:
    """The validation accuracy after one epoch of the lecture's network on a scale, by seed."""
    loss, found = losses.softmax_cross_entropy, []
    for seed in range(seeds):
        model = twins.simple_nn(seed)
        model[0] = layers.NormalizeImages(*SCALES[scale])
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        step = train.make_train_step(model, optimizer, loss)
        train_state = train.init_train_state(model, optimizer, seed)
        for batch in twins.batches(train_set, seed, epoch=0, batch_size=64):
            train_state, _ = step(train_state, batch)
        measured = train.evaluate(model, validation_set, loss=loss, batch_size=1000)
        found.append(measured["accuracy"])
    return found


if __name__ == "__main__":
    tyro.cli(main)
