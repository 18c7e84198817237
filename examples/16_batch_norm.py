"""With batch normalisation a network learns at rates thirty times larger, and at small ones too.

Shows: the accuracy after an epoch over learning rates of SGD, with batch norm and without; and the
running mean of three neurons beside the means of the batches that it follows.

Look for: in the left panel, how wide the plateau is, and where the plain network falls back to
guessing. In the right panel, how the running mean smooths the batches' means: an exponential mean
that weighs the newest with 0.1.

Found: without batch norm the best rate is 0.1 (0.862 ± 0.023) and at 0.3 the network is lost
(0.320); with it the accuracy is between 0.91 and 0.93 from 0.03 to 3, and lost at 10. Means and
standard deviations over three seeds.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, data, losses, models, optim, sweep, train
from jaxnn.plots.style import SERIES, new_figure, quiet_ticks, style

LOSS, MOMENTUM = losses.softmax_cross_entropy, 0.1
RATES = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]


def network(batch_norm: bool) -> Any:
    """Two hidden layers of 64 neurons."""
    return models.image_classifier((28, 28), (64, 64), 10, batch_norm=batch_norm)


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Trains over learning rates, and watches the running statistics.

    Args:
      small: on fewer images, rates and seeds.
      out: the folder for the picture and the findings.
    """
    images, rates, seeds = (640, [0.03, 1.0], 2) if small else (12800, RATES, 3)
    train_set, test_set = data.load("mnist")
    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    curves = {
        name: accuracies(batch_norm, rates, seeds, train_set, test_set)
        for name, batch_norm in (("batch norm", True), ("without", False))
    }
    spread = lambda values: f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
    rows = [
        [rate, *(spread(curve[i]) for curve in curves.values())] for i, rate in enumerate(rates)
    ]
    print_table(["learning rate", *curves], rows)
    findings: dict[str, Any] = running_statistics(train_set, steps=5 if small else 100)
    print("\nbatch mean and running mean of a neuron, in the first steps:")
    for pair in zip(findings["batch_mean"][:3], findings["running_mean"][:3], strict=True):
        print("  ".join(f"{values[0]:+.4f}" for values in pair))
    save_figure(__file__, out, draw(rates, curves, findings))
    findings = {name: values[:5] for name, values in findings.items()}  # later, rounding has grown
    findings |= {f"accuracies_{name}": curve for name, curve in curves.items()}
    return save_findings(__file__, out, findings)


def accuracies(
    batch_norm: bool, rates: list[float], seeds: int, train_set: Dataset, test_set: Dataset
) -> list[list[float]]:
    """The test accuracy after an epoch, by rate and seed; guessing where a training diverged."""
    result = sweep.fit(
        lambda learning_rate: (network(batch_norm), optim.sgd(learning_rate)),
        {"learning_rate": rates, "seed": list(range(seeds))},
        train_set,
        loss=LOSS,
        epochs=1,
        batch_size=64,
        key=jax.random.key(0),
        validation=test_set,
    )
    reached = [
        0.1 if row["status"].startswith("diverged") else row["validation_accuracy"]
        for row in result.rows
    ]
    return np.reshape(reached, (len(rates), seeds)).tolist()


def running_statistics(train_set: Dataset, steps: int) -> dict[str, list[list[float]]]:
    """Of three neurons, the means of the batches and what the running mean makes of them."""
    model, optimizer = network(batch_norm=True), optim.sgd(0.1)
    train_state = train.init_train_state(model, optimizer, jax.random.key(0))
    step = jax.jit(train.make_train_step(model, optimizer, LOSS))
    order = data.permutation(train_state.key, 0, train_set.size)
    found: dict[str, list[list[float]]] = {"batch_mean": [], "running_mean": []}
    for _, batch in zip(range(steps), data.batches(train_set, order, batch_size=64), strict=False):
        before = first_mean(train_state.state)
        train_state, _ = step(train_state, batch)
        after = first_mean(train_state.state)
        found["batch_mean"].append(((after - (1 - MOMENTUM) * before) / MOMENTUM)[:3].tolist())
        found["running_mean"].append(after[:3].tolist())
    return found


def first_mean(state: Any) -> jax.Array:
    """The running mean of the first batch norm."""
    return next(jnp.asarray(child["mean"]) for child in state if "count" in child)


def draw(rates: list[float], curves: dict[str, Any], found: dict[str, Any]) -> Any:
    """Accuracy by learning rate, and the means of batches beside the running mean."""
    with style():
        figure = new_figure(8, 3.4, "Accuracy by learning rate; batch means and running means.")
        left, right = figure.subplots(1, 2)
        for (name, curve), series in zip(curves.items(), SERIES, strict=False):
            mean, deviation = np.mean(curve, axis=1), np.std(curve, axis=1, ddof=1)
            drawn = series._asdict() | {"label": name, "capsize": 3}
            left.errorbar(rates, mean, deviation, **drawn)
        left.set_xscale("log")
        left.set(xlabel="learning rate", ylabel="test accuracy after an epoch", ylim=(0, 1))
        left.set_xticks(rates, [f"{rate:g}" for rate in rates])
        left.minorticks_off()
        left.legend(loc="lower left")
        for i, series in enumerate(SERIES[:3]):
            batch, running = (
                np.array(found[name])[:, i] for name in ("batch_mean", "running_mean")
            )
            right.plot(batch, ".", color=series.color, markersize=3, alpha=0.5)
            right.plot(running, color=series.color)
        right.set(xlabel="step", title="batch means (dots), running means")
        for axes in (left, right):
            quiet_ticks(axes, grid="y")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
