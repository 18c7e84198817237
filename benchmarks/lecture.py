"""What the lecture's program reaches, and what its slips cost: `python -m benchmarks.lecture`.

Printed are mean, standard deviation and minimum of the test accuracy over seeds: first of the ways
to choose epochs, weights and learning rate, then of the program as meant and as printed. The
figures of `docs/lecture-slips.md` are its output.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from torch_port import data, models
from torch_port.lecture import evaluate, lecture, train

BATCH_SIZE = 64
SLIPS = (None, "softmax", "loop", "both")


def accuracies(seed: int, epochs: int, *, falling: bool) -> list[tuple[float, float]]:
    """The program's training: (validation accuracy, test accuracy) after each epoch."""
    generator = torch.manual_seed(seed)
    train_set, test_set = data.load("mnist")
    train_set, validation_set = train_set.split(0.1, generator)
    train_loader = DataLoader(train_set, BATCH_SIZE, shuffle=True)
    next(iter(train_loader))  # draws, as the program does for its five pictures
    held_out = DataLoader(validation_set, BATCH_SIZE), DataLoader(test_set, BATCH_SIZE)
    model, criterion = models.SimpleNN(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    if falling:
        steps = epochs * len(train_loader)
        schedule = LambdaLR(optimizer, lambda step: 1 - step / steps)
        optimizer.register_step_post_hook(lambda *_: schedule.step())
    rows = []
    for _ in range(epochs):
        train(model, train_loader, criterion, optimizer)
        validation, test = (evaluate(model, loader, criterion)["accuracy"] for loader in held_out)
        rows.append((validation, test))
    return rows


def best(rows: Sequence[tuple[float, float]]) -> float:
    """The test accuracy after the epoch with the best validation accuracy."""
    return max(rows, key=lambda row: row[0])[1]


def show(name: str, values: Sequence[float]) -> None:
    """Prints one line: mean ± standard deviation, the minimum, how many reach 0.97."""
    enough = sum(value >= 0.97 for value in values)
    print(
        f"{name:36} {statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}  "
        f"min {min(values):.4f}  at least 0.97: {enough} of {len(values)}",
        flush=True,
    )


def compare_choices(seeds: int) -> None:
    """The ways to choose epochs, weights and learning rate."""
    constant = [accuracies(seed, 15, falling=False) for seed in range(seeds)]
    for epochs in (5, 10, 15):
        show(f"{epochs} epochs, the last", [rows[epochs - 1][1] for rows in constant])
        show(f"{epochs} epochs, the best", [best(rows[:epochs]) for rows in constant])
    falling = [accuracies(seed, 5, falling=True) for seed in range(seeds)]
    show("5 epochs, rate falling to 0, the last", [rows[-1][1] for rows in falling])


def compare_slips(seeds: int, epochs: int) -> None:
    """The program as meant and with each slip."""
    for slip in SLIPS:
        with tempfile.TemporaryDirectory() as folder:
            results = [
                lecture(epochs, seed, Path(folder), slip, write=lambda line: None)
                for seed in range(seeds)
            ]
        name = f"as printed: {slip}" if slip else "as meant"
        show(name, [result.test_accuracy for result in results])
        losses = [result.best["validation_loss"] for result in results]
        deviation = statistics.stdev(losses)
        print(
            f"{'':36} validation loss {statistics.mean(losses):.4f} ± {deviation:.4f}", flush=True
        )


def main() -> None:
    """Prints both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="at least 2")
    parser.add_argument("--slip-seeds", type=int, default=5, help="at least 2")
    parser.add_argument("--epochs", type=int, default=10, help="of the program and its slips")
    arguments = parser.parse_args()
    print(f"PyTorch {torch.__version__}, {platform.platform()}")
    compare_slips(arguments.slip_seeds, arguments.epochs)
    compare_choices(arguments.seeds)


if __name__ == "__main__":
    main()
