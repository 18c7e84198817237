"""With batch normalisation a network learns at larger rates: its running statistics in PyTorch.

Shows: the means of the batches and the running mean of `16_batch_norm.py`, of the same network over
the same batches.

Look for: `momentum`, which in PyTorch and in jaxnn weighs the newest batch, 0.1 by default; in Flax
the number of that name weighs the old value, 0.9.

Found: the running means agree with jaxnn's to float32 over the first steps.
"""

import importlib
from pathlib import Path
from typing import Any

import jax
import torch
import tyro
from gallery import save_findings

import jaxnn
from torch_port import convert, data, losses, models

LOSS, MOMENTUM = losses.softmax_cross_entropy, 0.1


def network(batch_norm: bool) -> torch.nn.Module:
    """Two hidden layers of 64 neurons."""
    return models.ImageClassifier((28, 28), (64, 64), 10, batch_norm=batch_norm)


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Watches the running statistics.

    Args:
      small: on fewer images.
      out: the folder for the findings.
    """
    images = 640 if small else 12800
    train_set, _ = data.load("mnist")
    train_set = data.Dataset(train_set.images[:images], train_set.labels[:images])
    findings: dict[str, Any] = running_statistics(train_set, steps=5)
    print("batch mean and running mean of a neuron, in the first steps:")
    for pair in zip(findings["batch_mean"][:3], findings["running_mean"][:3], strict=True):
        print("  ".join(f"{values[0]:+.4f}" for values in pair))
    return save_findings(__file__, out, findings)


def running_statistics(train_set: data.Dataset, steps: int) -> dict[str, list[list[float]]]:
    """Of three neurons, the means of the batches and what the running mean makes of them."""
    theirs = importlib.import_module("16_batch_norm").network(batch_norm=True)
    start = jaxnn.train.init_train_state(theirs, jaxnn.optim.sgd(0.1), jax.random.key(0))
    model = network(batch_norm=True)
    model.load_state_dict(convert.to_torch(start.params, start.state))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    order = jaxnn.data.permutation(start.key, 0, train_set.size)
    found: dict[str, list[list[float]]] = {"batch_mean": [], "running_mean": []}
    batches = data.batches(train_set, order, batch_size=64)
    for _, (images, labels) in zip(range(steps), batches, strict=False):
        before = first_mean(model)
        optimizer.zero_grad()
        losses.mean(LOSS(model.train()(images), labels)).backward()
        optimizer.step()
        after = first_mean(model)
        found["batch_mean"].append(((after - (1 - MOMENTUM) * before) / MOMENTUM)[:3].tolist())
        found["running_mean"].append(after[:3].tolist())
    return found


def first_mean(model: torch.nn.Module) -> torch.Tensor:
    """The running mean of the first batch norm."""
    return next(b for name, b in model.named_buffers() if name.endswith("running_mean")).clone()


if __name__ == "__main__":
    tyro.cli(main)
