"""The loop written out gives the bits of `train.fit`; its body misplaced, an epoch is one step.

Shows: the loop of `12_training_loop.py` as it is written in PyTorch: forward, loss, zero_grad,
backward, step; beside the `fit` of `torch_port`, and with its body misplaced.

Look for: what a step changes. Here it is the module and the optimiser, in place; in jaxnn it is
nothing: a new state comes out.

Found: the loop gives the bits of `fit` here too. The first step is that of jaxnn to float32, with
the same 9 of 64 images; as printed, the loop comes to the same accuracies in all five epochs and
three seeds, to the image. As meant it comes to 0.972 ± 0.001.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
import twins
import tyro
from gallery import print_table, save_findings
from torch import nn

from torch_port import activations, data, losses, optim, train

LOSS = losses.softmax_cross_entropy


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Takes one step apart, compares the loop with `fit`, and misplaces its body.

    Args:
      small: on fewer images and epochs, with two seeds.
      out: the folder for the findings.
    """
    images, epochs, seeds = (640, 2, 2) if small else (60000, 5, 3)
    train_set, test_set = data.load("mnist")
    train_set = data.Dataset(train_set.images[:images], train_set.labels[:images])
    findings = first_step(train_set)
    lengths = [
        [name, *(f"{length:.4f}" for length in findings[key])]
        for name, key in (("gradient", "gradient"), ("update", "approximately_update"))
    ]
    print_table(["length", "2/dense", "4/dense", "6/dense"], lengths)
    print(f"loss {findings['loss']:.4f}, after the step {findings['loss_after']:.4f}")
    print(f"images of which the network is less sure: {findings['images_less_sure']} of 64\n")
    findings["numbers_unlike_fit"] = numbers_unlike_fit(train_set)
    print(f"numbers in which the loop and fit differ: {findings['numbers_unlike_fit']}\n")
    rows = []
    for name, take_epoch in (("meant", epoch_as_meant), ("printed", epoch_as_printed)):
        runs = [loop(take_epoch, train_set, test_set, epochs, seed) for seed in range(seeds)]
        findings[f"approximately_accuracies_{name}"] = runs
        last = np.array(runs)[:, -1]
        rows.append([f"as {name}", f"{last.mean():.4f} ± {last.std(ddof=1):.4f}"])
    print_table(["the loop", "test accuracy"], rows)
    return save_findings(__file__, out, findings)


def first_step(train_set: data.Dataset) -> dict[str, Any]:
    """The first step in its parts."""
    model = twins.simple_nn(seed=0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    images, labels = next(iter(twins.batches(train_set, seed=0, epoch=0, batch_size=64)))

    def forward_and_loss():
        logits = model(images)
        return nn.CrossEntropyLoss()(logits, labels), logits

    loss, logits = forward_and_loss()
    optimizer.zero_grad()
    loss.backward()
    dense = [model[i] for i in (2, 4, 6)]
    before_step = [deepcopy(layer.state_dict()) for layer in dense]
    optimizer.step()
    loss_after, logits_after = forward_and_loss()
    findings: dict[str, Any] = {
        "loss": loss.item(),
        "loss_after": loss_after.item(),
        "gradient": [optim.global_norm([p.grad for p in new.parameters()]).item() for new in dense],
        "approximately_update": [
            optim.global_norm([p.detach() - old[n] for n, p in new.named_parameters()]).item()
            for new, old in zip(dense, before_step, strict=True)
        ],
    }
    before, after = (
        activations.softmax(outputs.detach())[range(64), labels]
        for outputs in (logits, logits_after)
    )
    findings["images_less_sure"] = int((after < before).sum())
    return findings


def numbers_unlike_fit(train_set: data.Dataset) -> int:
    """How many parameters and moments differ between the loop and `fit` after two epochs."""
    models = [twins.simple_nn(seed=0) for _ in range(2)]
    optimizers = [torch.optim.Adam(model.parameters(), 1e-3) for model in models]
    train.fit(models[0], optimizers[0], train_set, loss=LOSS, epochs=2, batch_size=64, seed=0)
    for epoch in range(2):
        order = data.permutation(0, epoch, train_set.size)
        epoch_as_meant(models[1], optimizers[1], data.batches(train_set, order, batch_size=64))
    ours, theirs = (
        [*model.parameters(), *(x for state in optimizer.state.values() for x in state.values())]
        for model, optimizer in zip(models, optimizers, strict=True)
    )
    return sum(int((a != b).sum()) for a, b in zip(ours, theirs, strict=True))


def epoch_as_meant(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable) -> None:
    """A step on each batch."""
    for images, labels in batches:
        images, labels = images.to("cpu"), labels.to("cpu")
        loss = losses.mean(LOSS(model(images), labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def epoch_as_printed(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable) -> None:
    """The step outside the loop: it sees the last batch alone."""
    for images, labels in batches:
        images, labels = images.to("cpu"), labels.to("cpu")
    loss = losses.mean(LOSS(model(images), labels))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def loop(
    take_epoch: Callable,
    train_set: data.Dataset,
    test_set: data.Dataset,
    epochs: int,
    seed: int,
) -> list[float]:
    """The test accuracy after each epoch."""
    model = twins.simple_nn(seed)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    accuracies = []
    for epoch in range(epochs):
        take_epoch(model, optimizer, twins.batches(train_set, seed, epoch, batch_size=64))
        measured = train.evaluate(model, test_set, loss=LOSS, batch_size=1000)
        accuracies.append(measured["accuracy"])
    return accuracies


if __name__ == "__main__":
    tyro.cli(main)
