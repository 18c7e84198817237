"""Small batches learn more in an epoch, large ones are sooner done with it.

Shows: mini-batch SGD, w ← w − ηg, on the lecture's five points in NumPy and in jaxnn, with the
gradient of the loss that the lecture prints, and with the one that it takes, which lacks the factor
2. Then its network on 1000 images of MNIST, in batches of 1 to all: how far the gradient of a batch
is from that of all images, and the accuracy on 2000 others at the better of two learning rates, by
epochs and by seconds of training.

Look for: the noise, which falls as 1/√m. A rate of 0.1 is too much for batches of 1, which are all
noise; larger batches need it, for they take few steps in an epoch.

Found: NumPy and jaxnn agree to 1e-15 at every step; half a gradient is half a learning rate, and
leaves a loss of 0.366 for 0.236 after 100 epochs. The gradient of one image is off by 10 times the
length of the true one, that of 64 images by 1.3 times, of 512 by 0.3. After five epochs batches of
1 and 8 are at 0.78 ± 0.03 and 0.72 ± 0.02, at η = 0.01; batches of 64, 512 and 1000 at 0.51 ± 0.06,
0.35 ± 0.08 and 0.28 ± 0.05, at η = 0.1, where batches of 1 learn nothing (three seeds). For a given
time batches of 8 to 64 are best: in the first moments those of 64, then those of 8.
"""

import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, data, losses, models, optim, train
from jaxnn.plots.style import SERIES, new_figure, quiet_ticks, style
from torch_port import numpy_optim

START = np.random.default_rng(0).normal(size=2)
FACTORS = {"right": 2.0, "printed": 1.0}
RATES = (0.01, 0.1)
MODEL, LOSS = models.simple_nn(), losses.softmax_cross_entropy


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Runs SGD on the five points, and on MNIST in batches of several sizes.

    Args:
      small: on fewer epochs and images, with two seeds.
      out: the folder for the picture and the findings.
    """
    images, epochs, seeds = (64, 2, 2) if small else (1000, 5, 3)
    train_set, test_set = data.load("mnist")
    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    test_set = Dataset(test_set.images[:2000], test_set.labels[:2000])
    findings: dict[str, Any] = {}
    curves, five_points, runs, mnist = {}, [], {}, []
    orders = numpy_optim.draw_orders(10 if small else 100)
    for name, factor in FACTORS.items():
        witness = np.stack([*numpy_optim.sgd(START, orders, factor=factor)])
        path = descend(orders, factor)
        curves[name] = [numpy_optim.loss(w) for w in path]
        findings[f"loss_{name}"] = last = curves[name][-1]
        five_points.append([name, f"{last:.4f}", f"{np.abs(path - witness).max():.0e}"])
    sizes = (8, images) if small else (1, 8, 64, 512, images)
    findings["noise"] = [noise(train_set, size) for size in sizes[:-1]]
    for size, distance in zip(sizes, [*findings["noise"], 0.0], strict=True):
        learned = [learn(train_set, test_set, size, rate, epochs, seeds) for rate in RATES]
        runs[size] = max(learned, key=lambda run: run[0][:, -1].mean())
        row = [size, f"{distance:.2f}"]
        for rate, (accuracies, _) in zip(RATES, learned, strict=True):
            findings[f"approximately_accuracies_{size}_{rate}"] = accuracies.tolist()
            last = accuracies[:, -1]
            row.append(f"{last.mean():.3f} ± {last.std(ddof=1):.3f}")
        findings[f"seconds_{size}"] = seconds = runs[size][1]
        mnist.append([*row, f"{1000 * seconds:.0f}"])
    print_table(["gradient", "last loss", "jaxnn − NumPy"], five_points)
    print()
    header = ["batch", "noise", *(f"accuracy, η = {rate}" for rate in RATES), "ms an epoch"]
    print_table(header, mnist)
    save_figure(__file__, out, draw(curves, findings["noise"], runs))
    return save_findings(__file__, out, findings)


def descend(orders: np.ndarray, factor: float) -> np.ndarray:
    """The weights after each step, with the gradient that JAX derives from the loss."""
    optimizer = optim.sgd(0.01)

    @jax.jit
    def step(w, opt_state, x, y):
        grad = jax.grad(lambda w: factor / 2 * jnp.mean((x @ w - y) ** 2))(w)
        updates, opt_state = optimizer.update(grad, opt_state)
        return optim.apply_updates(w, updates), opt_state

    with jax.enable_x64(True):
        w = jnp.asarray(START)
        opt_state, path = optimizer.init(w), []
        for x, y in numpy_optim.batches(orders, batch_size=2):
            w, opt_state = step(w, opt_state, x, y)
            path.append(np.asarray(w))
    return np.stack(path)


def noise(dataset: Dataset, batch_size: int) -> float:
    """The mean of |g − ḡ| / |ḡ| over 20 batches at most: g of a batch, ḡ of all images."""
    params, state, _, key, _ = train.init_train_state(MODEL, optim.identity(), jax.random.key(0))

    @jax.jit
    def gradient(batch):
        def loss(params):
            outputs, _ = MODEL.apply(params, state, batch.images)
            return losses.mean(LOSS(outputs, batch.labels))

        leaves = jax.tree.leaves(jax.grad(loss)(params))
        return jnp.concatenate([leaf.ravel() for leaf in leaves])

    of_all = gradient(dataset)
    order = data.permutation(key, 0, dataset.size)[: 20 * batch_size]
    batches = data.batches(dataset, order, batch_size)
    distances = [jnp.linalg.norm(gradient(batch) - of_all) for batch in batches]
    return float(np.mean(distances) / jnp.linalg.norm(of_all))


def learn(
    train_set: Dataset, test_set: Dataset, batch_size: int, rate: float, epochs: int, seeds: int
) -> tuple[np.ndarray, float]:
    """The test accuracies, a row for each seed, and the seconds of an epoch, compiled before."""
    optimizer, seconds, accuracies = optim.sgd(rate), [], np.zeros((seeds, epochs))
    epoch = train.make_epoch(MODEL, optimizer, LOSS, batch_size=batch_size)
    start = train.init_train_state(MODEL, optimizer, jax.random.key(0))
    epoch = epoch.lower(start, train_set).compile()
    for seed in range(seeds):
        train_state = train.init_train_state(MODEL, optimizer, jax.random.key(seed))
        for number in range(epochs):
            started = time.perf_counter()
            train_state, _ = jax.block_until_ready(epoch(train_state, train_set))
            seconds.append(time.perf_counter() - started)
            measured = train.evaluate(MODEL, *train_state[:2], test_set, loss=LOSS, batch_size=1000)
            accuracies[seed, number] = measured["accuracy"]
    return accuracies, float(np.median(seconds))


def draw(curves: dict[str, list[float]], distances: list[float], runs: dict[int, Any]) -> Any:
    """Loss on the five points; noise by batch; accuracy by epochs and by seconds."""
    with style():
        figure = new_figure(
            7.5, 5.7, "SGD: loss by step, noise by batch, accuracy by epoch and time."
        )
        (points, noises), (by_epoch, by_second) = figure.subplots(2, 2)
        for (name, curve), series in zip(curves.items(), SERIES, strict=False):
            drawn = {"color": series.color, "linestyle": series.linestyle, "label": name}
            points.loglog(range(1, len(curve) + 1), curve, **drawn)
        points.set(xlabel="step", ylabel="loss", title="the lecture's five points, batches of 2")
        points.legend(title="gradient", alignment="left")
        noises.loglog([*runs][:-1], distances, "o-", color=SERIES[0].color)
        noises.set(xlabel="batch size", title="noise of a batch's gradient, |g − ḡ| / |ḡ|")
        for (size, (accuracies, seconds)), series in zip(runs.items(), SERIES, strict=False):
            mean = accuracies.mean(0)
            epochs = np.arange(1, len(mean) + 1)
            color, linestyle, marker = series
            drawn = {"color": color, "linestyle": linestyle, "marker": marker}
            by_epoch.plot(epochs, mean, **drawn, label=f"batches of {size}")
            by_second.semilogx(epochs * seconds, mean, **drawn)
        by_epoch.set(xlabel="epoch", ylabel="test accuracy", title="MNIST, by epochs")
        by_second.set(xlabel="seconds of training", title="the same by time")
        handles = by_epoch.get_lines()
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
        for axis in (points.xaxis, points.yaxis, noises.xaxis, noises.yaxis, by_second.xaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("")
        for axes in (points, noises, by_epoch, by_second):
            quiet_ticks(axes, grid="y")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
