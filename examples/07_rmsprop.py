"""RMSProp takes steps of one length, until gradients are so small that ε counts.

Shows: RMSProp on the lecture's five points in NumPy, jaxnn and Optax, with ε inside the root, as
the lecture's formula has it: v ← βv + (1−β)g², w ← w − ηg/√(v+ε), and outside, as its program has
it: w ← w − ηg/(√v+ε). Then the length of a step for gradients of every size, over the √v that the
lecture's network comes to on MNIST.

Look for: where the two curves of step lengths bend. Inside the root, ε = 1e-8 counts from √v = 1e-4
down, outside from 1e-8 down. Below that, steps shrink with the gradient, as those of SGD do.

Found: NumPy, jaxnn and Optax agree to 2e-16 at every step. With the full gradient the place of ε
changes nothing: either way the loss is 5.30 after 100 steps. With a millionth of it, it is 5.31
with ε outside and 33.9 with ε inside. On MNIST most √v are near 2e-3, and only 0.025 (inside) and
0.014 (outside) of the weights have one between 1e-8 and 1e-4, where the two differ; the test
accuracy is 0.960 ± 0.006 and 0.960 ± 0.005 (three seeds, two epochs).
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, data, losses, models, optim, train
from jaxnn.plots.style import RIGHT, SERIES, new_figure, quiet_ticks, style
from torch_port import numpy_optim

START = np.random.default_rng(0).normal(size=2)
PLACES = {"inside": True, "outside": False}
FACTORS = {"full": 2.0, "tiny": 2e-6}
SIZES = np.logspace(-11, 0, 45)
MODEL = models.simple_nn()


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Runs RMSProp with ε in either place, on the five points and on MNIST.

    Args:
      small: on fewer epochs and images, with two seeds.
      out: the folder for the picture and the findings.
    """
    epochs, images, seeds = (10, 640, 2) if small else (100, 60000, 3)
    orders = numpy_optim.draw_orders(epochs)
    findings: dict[str, Any] = {}
    curves, roots, five_points, mnist = {}, {}, [], []
    for place, eps_in_sqrt in PLACES.items():
        optimizer = optim.rmsprop(0.01, eps_in_sqrt=eps_in_sqrt)
        optax_optimizer = optax.rmsprop(0.01, eps_in_sqrt=eps_in_sqrt)
        for name, factor in FACTORS.items():
            program = numpy_optim.rmsprop(START, orders, eps_in_sqrt=eps_in_sqrt, factor=factor)
            witness = np.stack([*program])
            path = descend(optimizer, orders, factor)
            apart = np.abs(path - witness).max()
            optax_apart = np.abs(descend(optax_optimizer, orders, factor) - witness).max()
            curves[name, place] = [numpy_optim.loss(w) for w in path]
            last = curves[name, place][-1]
            findings[f"loss_{name}_gradient_{place}"] = last
            row = [name, place, f"{last:.4f}", f"{apart:.0e}", f"{optax_apart:.0e}"]
            five_points.append(row)
        findings[f"step_lengths_{place}"] = step_lengths(optimizer).tolist()
        accuracies, roots[place] = classify(eps_in_sqrt, images, seeds)
        findings[f"approximately_accuracies_{place}"] = accuracies
        few = np.mean((roots[place] > 1e-8) & (roots[place] < 1e-4))
        accuracy = f"{np.mean(accuracies):.4f} ± {np.std(accuracies, ddof=1):.4f}"
        mnist.append([place, accuracy, f"{few:.3f}"])
    print_table(["gradient", "ε", "last loss", "jaxnn − NumPy", "Optax − NumPy"], five_points)
    print()
    print_table(["ε", "MNIST, test accuracy", "1e-8 < √v < 1e-4"], mnist)
    save_figure(__file__, out, draw(curves, findings, roots))
    return save_findings(__file__, out, findings)


def descend(optimizer: Any, orders: np.ndarray, factor: float) -> np.ndarray:
    """The weights after each step, with the gradient that JAX derives from the loss."""

    @jax.jit
    def step(w, opt_state, x, y):
        grad = jax.grad(lambda w: factor / 2 * jnp.mean((x @ w - y) ** 2))(w)
        updates, opt_state = optimizer.update(grad, opt_state)
        return optim.apply_updates(w, updates), opt_state

    with jax.enable_x64(True):
        w = jnp.asarray(START)
        opt_state, path = optimizer.init(w), []
        for x, y in numpy_optim.batches(orders, batch_size=5):
            w, opt_state = step(w, opt_state, x, y)
            path.append(np.asarray(w))
    return np.stack(path)


def step_lengths(optimizer: Any) -> np.ndarray:
    """The length of the hundredth step, in learning rates, if gradients stay at `SIZES`."""
    with jax.enable_x64(True):
        grads = jnp.asarray(SIZES)
        opt_state = optimizer.init(grads)
        for _ in range(100):
            updates, opt_state = optimizer.update(grads, opt_state)
        return np.abs(updates) / 0.01


def classify(eps_in_sqrt: bool, images: int, seeds: int) -> tuple[list[float], np.ndarray]:
    """The test accuracy for each seed after two epochs, and all √v of the last one."""
    train_set, test_set = data.load("mnist")
    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    optimizer = optim.rmsprop(1e-3, eps_in_sqrt=eps_in_sqrt)
    accuracies, roots = [], np.zeros(0)
    for seed in range(seeds):
        settings = {"loss": losses.softmax_cross_entropy, "batch_size": 64}
        key = jax.random.key(seed)
        trained = train.fit(MODEL, optimizer, train_set, epochs=2, key=key, **settings).train_state
        measured = train.evaluate(MODEL, *trained[:2], test_set, **settings)
        accuracies.append(measured["accuracy"])
        nu = trained.opt_state[0].nu
        roots = np.sqrt(np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(nu)]))
    return accuracies, roots


def draw(curves: dict, findings: dict[str, Any], roots: dict) -> Any:
    """The losses of the five points; the lengths of steps, above the √v of MNIST."""
    with style():
        figure = new_figure(8, 3.6, "RMSProp: loss by step, and length of a step by gradient.")
        grid = figure.add_gridspec(2, 2, height_ratios=(3, 2))
        left, right = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1])
        below = figure.add_subplot(grid[1, 1], sharex=right)
        for (name, place), series in zip(curves, SERIES, strict=False):
            steps = range(1, len(curves[name, place]) + 1)
            left.plot(
                steps,
                curves[name, place],
                color=series.color,
                linestyle=series.linestyle,
                label=f"{name} gradient, {place}",
            )
        left.set(
            xlabel="step", ylabel="loss", ylim=0, title="five points, ε inside or outside the root"
        )
        left.legend()
        for place, series in zip(PLACES, SERIES, strict=False):
            drawn = {"color": series.color, "linestyle": series.linestyle}
            right.semilogx(SIZES, findings[f"step_lengths_{place}"], **drawn, label=place)
        right.set(ylabel="step / η", title="length of a step by size of the gradient")
        right.set_yticks((0, 0.5, 1))
        right.legend()
        below.hist(roots["inside"], np.logspace(-11, 0, 56), color=RIGHT)
        below.set(
            xlabel="√v", ylabel="weights", title="the lecture's network after two epochs, ε inside"
        )
        below.xaxis.set_major_formatter("{x:g}")
        for axes in (left, right, below):
            quiet_ticks(axes, grid="y")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
