"""The training loss goes on falling when the validation loss has ceased to: in PyTorch.

Shows: the curves of `14_learning_curves.py` by a loop in PyTorch, from the same parameters, over
the same batches.

Look for: the same digits in the first epochs; then rounding grows, as it does in a training.

Found: after the first epoch the losses agree to three digits; the shape of the curves is the same.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import twins
import tyro
from gallery import print_table, save_findings

from torch_port import data, losses, train

LOSS = losses.softmax_cross_entropy


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Trains with a validation set and prints the curves.

    Args:
      small: on fewer images and epochs.
      out: the folder for the findings.
    """
    images, epochs = (1280, 2) if small else (60000, 10)
    train_set, _ = data.load("mnist")
    training = data.Dataset(
        train_set.images[: images * 9 // 10], train_set.labels[: images * 9 // 10]
    )
    validation = data.Dataset(
        train_set.images[images * 9 // 10 : images], train_set.labels[images * 9 // 10 : images]
    )
    model = twins.simple_nn(seed=0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    settings = {"loss": LOSS, "batch_size": 64}
    before = train.evaluate(model, validation, **settings)
    names = ("loss", "validation_loss", "accuracy", "validation_accuracy")
    history = []
    for epoch in range(epochs):
        row = take_epoch(model, optimizer, twins.batches(training, 0, epoch, batch_size=64))
        measured = train.evaluate(model, validation, **settings)
        row |= {f"validation_{name}": value for name, value in measured.items()}
        history.append(row)
    rows = [[i + 1, *(f"{row[name]:.4f}" for name in names)] for i, row in enumerate(history)]
    print_table(["epoch", *(name.replace("_", " ") for name in names)], rows)
    findings: dict[str, Any] = {"validation_loss_at_the_start": before["loss"]}
    findings |= {f"approximately_{name}": [row[name] for row in history] for name in names}
    return save_findings(__file__, out, findings)


def take_epoch(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable
) -> dict[str, float]:
    """A step on each batch; the mean loss and the accuracy, each batch before its step."""
    loss_sum, right, count = 0.0, 0, 0
    for images, labels in batches:
        logits = model(images)
        values = LOSS(logits, labels)
        optimizer.zero_grad()
        losses.mean(values).backward()
        optimizer.step()
        loss_sum += values.sum().item()
        right += int((logits.argmax(-1) == labels).sum())
        count += len(labels)
    return {"loss": loss_sum / count, "accuracy": right / count}


if __name__ == "__main__":
    tyro.cli(main)
