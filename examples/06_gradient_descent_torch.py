"""Small batches learn more in an epoch, large ones are sooner done with it: in PyTorch.

Shows: `torch.optim.SGD` on the lecture's five points beside the NumPy program, and its network in
batches of 1 to 1000, as in `06_gradient_descent.py`.

Look for: the milliseconds of an epoch in small batches: what Python does for every step counts more
than what is computed.

Found: PyTorch agrees with the NumPy program to 1e-15 at every step, and with jaxnn on the noise to
1e-5. At η = 0.01 all accuracies of batches of 8 and more are jaxnn's, at η = 0.1 those of 64 and
more; those of batches of 1 are so in the first epoch, and by the third rounding has grown to 0.06:
such a training is chaotic, as the spread over seeds says too.
"""

import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import twins
import tyro
from gallery import print_table, save_findings

from torch_port import data, losses, numpy_optim, train

START = np.random.default_rng(0).normal(size=2)
FACTORS = {"right": 2.0, "printed": 1.0}
RATES = (0.01, 0.1)
LOSS = losses.softmax_cross_entropy


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Runs SGD on the five points, and on MNIST in batches of several sizes.

    Args:
      small: on fewer epochs and images, with two seeds.
      out: the folder for the findings.
    """
    images, epochs, seeds = (64, 2, 2) if small else (1000, 5, 3)
    train_set, test_set = data.load("mnist")
    train_set = data.Dataset(train_set.images[:images], train_set.labels[:images])
    test_set = data.Dataset(test_set.images[:2000], test_set.labels[:2000])
    findings: dict[str, Any] = {}
    five_points, mnist = [], []
    orders = numpy_optim.draw_orders(10 if small else 100)
    for name, factor in FACTORS.items():
        witness = np.stack([*numpy_optim.sgd(START, orders, factor=factor)])
        path = descend(orders, factor)
        findings[f"loss_{name}"] = last = numpy_optim.loss(path[-1])
        five_points.append([name, f"{last:.4f}", f"{np.abs(path - witness).max():.0e}"])
    sizes = (8, images) if small else (1, 8, 64, 512, images)
    findings["noise"] = [noise(train_set, size) for size in sizes[:-1]]
    for size, distance in zip(sizes, [*findings["noise"], 0.0], strict=True):
        learned = [learn(train_set, test_set, size, rate, epochs, seeds) for rate in RATES]
        best = max(learned, key=lambda run: run[0][:, -1].mean())
        row = [size, f"{distance:.2f}"]
        for rate, (accuracies, _) in zip(RATES, learned, strict=True):
            findings[f"approximately_accuracies_{size}_{rate}"] = accuracies.tolist()
            last = accuracies[:, -1]
            row.append(f"{last.mean():.3f} ± {last.std(ddof=1):.3f}")
        findings[f"seconds_{size}"] = seconds = best[1]
        mnist.append([*row, f"{1000 * seconds:.0f}"])
    print_table(["gradient", "last loss", "PyTorch − NumPy"], five_points)
    print()
    header = ["batch", "noise", *(f"accuracy, η = {rate}" for rate in RATES), "ms an epoch"]
    print_table(header, mnist)
    return save_findings(__file__, out, findings)


def descend(orders: np.ndarray, factor: float) -> np.ndarray:
    """The weights after each step, with the gradient that autograd derives from the loss."""
    w, path = torch.nn.Parameter(torch.tensor(START)), []
    optimizer = torch.optim.SGD([w], 0.01)
    for x, y in numpy_optim.batches(orders, batch_size=2):
        optimizer.zero_grad()
        (factor / 2 * torch.mean((torch.tensor(x) @ w - torch.tensor(y)) ** 2)).backward()
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.stack(path)


def noise(dataset: data.Dataset, batch_size: int) -> float:
    """The mean of |g − ḡ| / |ḡ| over 20 batches at most: g of a batch, ḡ of all images."""
    model = twins.simple_nn(seed=0)

    def gradient(images, labels):
        loss = losses.mean(LOSS(model(images), labels))
        leaves = torch.autograd.grad(loss, [*model.parameters()])
        return torch.cat([leaf.ravel() for leaf in leaves])

    of_all = gradient(dataset.images, dataset.labels)
    batches = twins.batches(dataset, seed=0, epoch=0, batch_size=batch_size)
    distances = [torch.linalg.norm(gradient(*batch) - of_all) for batch in islice(batches, 20)]
    return float(np.mean(distances) / torch.linalg.norm(of_all))


def learn(
    train_set: data.Dataset,
    test_set: data.Dataset,
    batch_size: int,
    rate: float,
    epochs: int,
    seeds: int,
) -> tuple[np.ndarray, float]:
    """The test accuracies, a row for each seed, and the seconds of an epoch."""
    seconds, accuracies = [], np.zeros((seeds, epochs))
    for seed in range(seeds):
        model = twins.simple_nn(seed)
        optimizer = torch.optim.SGD(model.parameters(), rate)
        step = train.make_train_step(model, optimizer, LOSS)
        train_state = train.init_train_state(model, optimizer, seed)
        for number in range(epochs):
            batches = twins.batches(train_set, seed, number, batch_size)
            started = time.perf_counter()
            for batch in batches:
                train_state, _ = step(train_state, batch)
            seconds.append(time.perf_counter() - started)
            measured = train.evaluate(model, test_set, loss=LOSS, batch_size=1000)
            accuracies[seed, number] = measured["accuracy"]
    return accuracies, float(np.median(seconds))


if __name__ == "__main__":
    tyro.cli(main)
