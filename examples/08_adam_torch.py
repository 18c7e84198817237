"""Adam's bias correction is a schedule of the learning rate: in PyTorch.

Shows: `torch.optim.Adam` with the three corrections of `08_adam.py`, as schedules of `LambdaLR`,
beside the NumPy program.

Look for: the schedule, which in PyTorch is an object of its own, stepped after the optimiser.

Found: PyTorch follows the NumPy programs to 2e-16 (right, misprint) and to 2e-9 (none). On half of
MNIST its test accuracy is 0.950 ± 0.005, 0.932 ± 0.007 and 0.954 ± 0.007 (three seeds and epochs).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import twins
import tyro
from gallery import print_table, save_findings
from torch.optim.lr_scheduler import LambdaLR

from torch_port import data, losses, numpy_optim, train

START = np.random.default_rng(0).normal(size=2)
B1, B2, EPS = 0.9, 0.999, 1e-8
CORRECTIONS = {
    "right": lambda t: (1 - B1**t, 1 - B2**t),
    "misprint": lambda t: (1 - B1**2, 1 - B2**t),
    "none": lambda t: (1.0, 1.0),
}
"""What m and v are divided by in step t."""


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Runs Adam with the three corrections, on the five points and on MNIST.

    Args:
      small: on fewer steps and images, with two seeds.
      out: the folder for the findings.
    """
    steps, images, seeds = (10, 640, 2) if small else (100, 30000, 3)
    findings: dict[str, Any] = {}
    five_points, others = [], []
    for name, correct in CORRECTIONS.items():
        witness = np.stack([*by_hand(correct, five_points_gradient, START, steps)])
        path = descend(as_schedule(correct), steps)
        findings[f"loss_{name}"] = last = numpy_optim.loss(path[-1])
        five_points.append([name, f"{last:.4f}", f"{np.abs(path - witness).max():.0e}"])
        lengths = step_lengths(correct)
        findings[f"step_lengths_{name}"] = [lengths[t - 1] for t in (1, 10, 100, 1000)]
        accuracies = classify(correct, images, seeds)
        findings[f"approximately_accuracies_{name}"] = accuracies
        accuracy = f"{np.mean(accuracies):.4f} ± {np.std(accuracies, ddof=1):.4f}"
        others.append([name, *map("{:.2f}".format, findings[f"step_lengths_{name}"]), accuracy])
    print_table(["correction", "last loss", "PyTorch − NumPy"], five_points)
    print()
    header = ["correction", "step 1 / η", "10", "100", "1000", "MNIST, test accuracy"]
    print_table(header, others)
    return save_findings(__file__, out, findings)


def five_points_gradient(w: np.ndarray) -> np.ndarray:
    """The gradient on all five points."""
    return numpy_optim.gradient(w, numpy_optim.POINTS, numpy_optim.TARGETS)


def by_hand(
    correct: Callable, gradient: Callable, w: np.ndarray, steps: int
) -> Iterator[np.ndarray]:
    """The weights after each step: `numpy_optim.adam`, but for what m and v are divided by."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, steps + 1):
        g = gradient(w)
        m = B1 * m + (1 - B1) * g
        v = B2 * v + (1 - B2) * g**2
        m_divisor, v_divisor = correct(t)
        w = w - 0.01 * (m / m_divisor) / (np.sqrt(v / v_divisor) + EPS)
        yield w


def step_lengths(correct: Callable) -> list[float]:
    """The length of each of 3000 steps, in learning rates, if the gradient stays at 1."""
    path = np.concatenate([*by_hand(correct, np.ones_like, np.zeros(1), 3000)])
    return (np.abs(np.diff(path, prepend=0)) / 0.01).tolist()


def as_schedule(correct: Callable) -> Callable:
    """The factors of the rate with which Adam, corrected as it should be, takes the same steps."""

    def schedule(count):
        m_right, v_right = CORRECTIONS["right"](count + 1)
        m_divisor, v_divisor = correct(count + 1)
        return m_right / m_divisor * np.sqrt(v_divisor / v_right)

    return schedule


def descend(schedule: Callable, steps: int) -> np.ndarray:
    """The weights after each step, with the gradient that autograd derives from the loss."""
    points, targets = torch.tensor(numpy_optim.POINTS), torch.tensor(numpy_optim.TARGETS)
    w, path = torch.nn.Parameter(torch.tensor(START)), []
    optimizer = torch.optim.Adam([w], 0.01)
    scheduler = LambdaLR(optimizer, schedule)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.mean((points @ w - targets) ** 2).backward()
        optimizer.step()
        scheduler.step()
        path.append(w.detach().numpy().copy())
    return np.stack(path)


def classify(correct: Callable, images: int, seeds: int) -> list[float]:
    """The test accuracy on MNIST after three epochs, for each seed."""
    train_set, test_set = data.load("mnist")
    train_set = data.Dataset(train_set.images[:images], train_set.labels[:images])
    loss, accuracies = losses.softmax_cross_entropy, []
    for seed in range(seeds):
        model = twins.simple_nn(seed)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        scheduler = LambdaLR(optimizer, as_schedule(correct))
        step = train.make_train_step(model, optimizer, loss)
        train_state = train.init_train_state(model, optimizer, seed)
        for epoch in range(3):
            for batch in twins.batches(train_set, seed, epoch, batch_size=64):
                train_state, _ = step(train_state, batch)
                scheduler.step()
        measured = train.evaluate(model, test_set, loss=loss, batch_size=64)
        accuracies.append(measured["accuracy"])
    return accuracies


if __name__ == "__main__":
    tyro.cli(main)
