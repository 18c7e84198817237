"""RMSProp takes steps of one length, until gradients are so small that ε counts: in PyTorch.

Shows: `torch.optim.RMSprop`, which has ε outside the root, and for ε inside the transformation of
`torch_port`, beside the NumPy program of the lecture.

Look for: α, as PyTorch calls β. Its default is 0.99, where the lecture and Optax have 0.9.

Found: PyTorch agrees with the NumPy program to 2e-16 at every step, and so with `07_rmsprop.py`. On
MNIST, from the same start and on the same batches, test accuracy is 0.953 ± 0.012 (inside) and
0.959 ± 0.006 (outside): after the 20 steps of `--small` both frameworks are right on the same
number of test images, after 1876 steps rounding has led them apart, within the spread of seeds.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import twins
import tyro
from gallery import print_table, save_findings

from torch_port import data, losses, numpy_optim, optim, train

START = np.random.default_rng(0).normal(size=2)
PLACES = {"inside": True, "outside": False}
RMSPROPS = {"inside": optim.RMSprop, "outside": partial(torch.optim.RMSprop, alpha=0.9)}
FACTORS = {"full": 2.0, "tiny": 2e-6}
SIZES = np.logspace(-11, 0, 45)


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Runs RMSProp with ε in either place, on the five points and on MNIST.

    Args:
      small: on fewer epochs and images, with two seeds.
      out: the folder for the findings.
    """
    epochs, images, seeds = (10, 640, 2) if small else (100, 60000, 3)
    orders = numpy_optim.draw_orders(epochs)
    findings: dict[str, Any] = {}
    five_points, mnist = [], []
    for place, eps_in_sqrt in PLACES.items():
        make = RMSPROPS[place]
        for name, factor in FACTORS.items():
            program = numpy_optim.rmsprop(START, orders, eps_in_sqrt=eps_in_sqrt, factor=factor)
            witness = np.stack([*program])
            path = descend(make, orders, factor)
            apart = np.abs(path - witness).max()
            findings[f"loss_{name}_gradient_{place}"] = last = numpy_optim.loss(path[-1])
            five_points.append([name, place, f"{last:.4f}", f"{apart:.0e}"])
        findings[f"step_lengths_{place}"] = step_lengths(make).tolist()
        accuracies, roots = classify(make, images, seeds)
        findings[f"approximately_accuracies_{place}"] = accuracies
        few = np.mean((roots > 1e-8) & (roots < 1e-4))
        accuracy = f"{np.mean(accuracies):.4f} ± {np.std(accuracies, ddof=1):.4f}"
        mnist.append([place, accuracy, f"{few:.3f}"])
    print_table(["gradient", "ε", "last loss", "PyTorch − NumPy"], five_points)
    print()
    print_table(["ε", "MNIST, test accuracy", "1e-8 < √v < 1e-4"], mnist)
    return save_findings(__file__, out, findings)


def descend(make: Callable, orders: np.ndarray, factor: float) -> np.ndarray:
    """The weights after each step, with the gradient that autograd derives from the loss."""
    w = torch.nn.Parameter(torch.tensor(START))
    optimizer, path = make([w], 0.01), []
    for x, y in numpy_optim.batches(orders, batch_size=5):
        optimizer.zero_grad()
        (factor / 2 * torch.mean((torch.tensor(x) @ w - torch.tensor(y)) ** 2)).backward()
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.stack(path)


def step_lengths(make: Callable) -> np.ndarray:
    """The length of the hundredth step, in learning rates, if gradients stay at `SIZES`."""
    w = torch.nn.Parameter(torch.zeros(len(SIZES), dtype=torch.float64))
    w.grad = torch.tensor(SIZES)
    optimizer = make([w], 0.01)
    for _ in range(99):
        optimizer.step()
    before = w.detach().clone()
    optimizer.step()
    return (before - w.detach()).abs().numpy() / 0.01


def classify(make: Callable, images: int, seeds: int) -> tuple[list[float], np.ndarray]:
    """The test accuracy for each seed after two epochs, and all √v of the last one."""
    train_set, test_set = data.load("mnist")
    train_set = data.Dataset(train_set.images[:images], train_set.labels[:images])
    accuracies, roots = [], np.zeros(0)
    for seed in range(seeds):
        model = twins.simple_nn(seed)
        optimizer = make(model.parameters(), 1e-3)
        step = train.make_train_step(model, optimizer, losses.softmax_cross_entropy)
        train_state = train.init_train_state(model, optimizer, seed)
        for epoch in range(2):
            for batch in twins.batches(train_set, seed, epoch, batch_size=64):
                train_state, _ = step(train_state, batch)
        measured = train.evaluate(
            model, test_set, loss=losses.softmax_cross_entropy, batch_size=1000
        )
        accuracies.append(measured["accuracy"])
        nu = [state.get("nu", state.get("square_avg")) for state in optimizer.state.values()]
        roots = torch.cat([leaf.ravel() for leaf in nu]).sqrt().numpy()
    return accuracies, roots


if __name__ == "__main__":
    tyro.cli(main)
