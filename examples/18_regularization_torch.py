"""What holds weights small: penalties and decay in PyTorch.

Shows: the five ways of `18_regularization.py`, from the same parameters over the same batches.

Look for: `Adam(weight_decay=)` would be the L2 penalty, in the gradient; `AdamW(weight_decay=)` is
the decay outside of it, and decays biases too unless told not to.

Found: after five steps the kernels are as long as jaxnn's, to float32.
"""

import importlib
from pathlib import Path
from typing import Any

import jax
import torch
import tyro
from gallery import print_table, save_findings

import jaxnn
from torch_port import convert, data, losses, models

LOSS = losses.softmax_cross_entropy
WAYS: dict[str, tuple[Any, Any]] = {
    "none": (lambda model: torch.optim.Adam(model.parameters(), 1e-3), None),
    "L1 penalty, 1e-4": (
        lambda model: torch.optim.Adam(model.parameters(), 1e-3),
        lambda model: 1e-4 * losses.l1(model),
    ),
    "L2 penalty, 1e-3": (
        lambda model: torch.optim.Adam(model.parameters(), 1e-3),
        lambda model: 1e-3 * losses.l2(model),
    ),
    "decoupled decay, 1e-3": (lambda model: decayed(model, 1e-3), None),
    "decoupled decay, 1": (lambda model: decayed(model, 1.0), None),
}
"""By name, an optimiser and a penalty."""


def decayed(model: torch.nn.Module, weight_decay: float) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay of every parameter, as `optim.adamw` has it."""
    return torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=weight_decay)


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Takes five steps in five ways.

    Args:
      small: makes no difference here.
      out: the folder for the findings.
    """
    train_set, _ = data.load("mnist")
    few = data.Dataset(train_set.images[:200], train_set.labels[:200])
    findings = {"after_five_steps": lengths_after(5, few)}
    print_table(
        ["after 5 steps", "length of kernels"],
        [[name, f"{x:.5f}"] for name, x in zip(WAYS, findings["after_five_steps"], strict=True)],
    )
    return save_findings(__file__, out, findings)


def lengths_after(steps: int, dataset: data.Dataset) -> list[float]:
    """How long all kernels together are after some steps, in each way."""
    theirs = importlib.import_module("18_regularization").MODEL
    start = jaxnn.train.init_train_state(theirs, jaxnn.optim.identity(), jax.random.key(0))
    order = jaxnn.data.permutation(start.key, 0, dataset.size)
    lengths = []
    for make_optimizer, penalty in WAYS.values():
        model = models.ImageClassifier((28, 28), (64,), 10)
        model.load_state_dict(convert.to_torch(start.params, start.state))
        optimizer = make_optimizer(model)
        batches = data.batches(dataset, order, batch_size=20)
        for _, (images, labels) in zip(range(steps), batches, strict=False):
            loss = losses.mean(LOSS(model(images), labels)) + (penalty(model) if penalty else 0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        kernels = [p.detach().ravel() for p in model.parameters() if p.ndim == 2]
        lengths.append(torch.linalg.norm(torch.cat(kernels)).item())
    return lengths


if __name__ == "__main__":
    tyro.cli(main)
