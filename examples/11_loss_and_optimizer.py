"""With a softmax too many, cross-entropy cannot fall below ln(1 + 9/e) = 1.4612.

Shows: the first epoch of the lecture's network with its loss and its optimiser, Adam with the
defaults that both frameworks have; beside it RMSProp and SGD, and the network as it is printed,
which ends in a softmax although its loss applies one.

Look for: the floor of the right panel, where the loss of the printed network ends, and says no more
about how sure it is. The gradients are smaller from the first step on.

Found: Adam has β₁ = 0.9, β₂ = 0.999, ε = 1e-8 in both frameworks; PyTorch's η is 1e-3 unless one is
given, jaxnn's has to be given, as Optax's. With softmax twice the first gradient is a tenth as
long, 0.088 for 0.859; the loss ends at 1.56 instead of 0.20, test accuracy at 0.909 ± 0.013 instead
of 0.938 ± 0.004. RMSProp at 1e-3 comes to 0.944 ± 0.001, SGD at 0.05 to 0.918 ± 0.007; all over
three seeds.
"""

import inspect
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, data, losses, models, optim, train
from jaxnn.plots.style import QUIET, SERIES, new_figure, quiet_ticks, style

OPTIMIZERS = {"Adam": optim.adam(1e-3), "RMSProp": optim.rmsprop(1e-3), "SGD": optim.sgd(0.05)}
MODEL, LOSS = models.simple_nn(), losses.softmax_cross_entropy
PROGRAMS = {name: (MODEL, optimizer) for name, optimizer in OPTIMIZERS.items()}
PROGRAMS["Adam, softmax twice"] = models.simple_nn(softmax_output=True), OPTIMIZERS["Adam"]


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Takes the first epoch with three optimisers, and with Adam and softmax twice.

    Args:
      small: on fewer images, with two seeds.
      out: the folder for the picture and the findings.
    """
    images, seeds = (1920, 2) if small else (60000, 3)
    train_set, test_set = data.load("mnist")
    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    settings = inspect.signature(optim.adam).parameters
    sure = losses.softmax_cross_entropy(jnp.eye(10), jnp.arange(10))
    findings: dict[str, Any] = {
        "adam_defaults": [settings[name].default for name in ("b1", "b2", "eps")],
        "floor": float(losses.mean(sure)),
    }
    print("Adam's β₁, β₂, ε:", *findings["adam_defaults"])
    print(f"softmax twice, of a network that is sure and right: loss {findings['floor']:.4f}\n")
    curves, rows = {}, []
    for name, (model, optimizer) in PROGRAMS.items():
        runs = first_epochs(model, optimizer, train_set, test_set, seeds)
        curves[name] = np.mean([run["losses"] for run in runs], axis=0)
        key = name.lower().replace(", ", "_").replace(" ", "_")
        findings[f"gradient_norm_{key}"] = runs[0]["gradient_norm"]
        findings[f"first_losses_{key}"] = curves[name][:5].tolist()
        accuracies = [run["accuracy"] for run in runs]
        findings[f"approximately_accuracies_{key}"] = accuracies
        last = curves[name][-100:].mean()
        accuracy = f"{np.mean(accuracies):.4f} ± {np.std(accuracies, ddof=1):.4f}"
        rows.append([name, f"{runs[0]['gradient_norm']:.3f}", f"{last:.3f}", accuracy])
    print_table(["program", "first gradient", "loss, last 100 steps", "test accuracy"], rows)
    save_figure(__file__, out, draw(curves, findings["floor"]))
    return save_findings(__file__, out, findings)


def first_epochs(
    model: Any, optimizer: Any, train_set: Dataset, test_set: Dataset, seeds: int
) -> list[dict[str, Any]]:
    """For each seed the loss of each step, the length of the first gradient, and the accuracy."""

    @jax.jit
    def gradient_norm(params, state, batch):
        loss = lambda p: losses.mean(LOSS(model.apply(p, state, batch.images)[0], batch.labels))
        return optim.global_norm(jax.grad(loss)(params))

    step, runs = jax.jit(train.make_train_step(model, optimizer, LOSS)), []
    for seed in range(seeds):
        train_state = train.init_train_state(model, optimizer, jax.random.key(seed))
        order = data.permutation(train_state.key, 0, train_set.size)
        batches = [*data.batches(train_set, order, batch_size=64)]
        run = {"gradient_norm": float(gradient_norm(*train_state[:2], batches[0])), "losses": []}
        for batch in batches:
            train_state, measured = step(train_state, batch)
            run["losses"].append(measured["loss"].value)
        measured = train.evaluate(model, *train_state[:2], test_set, loss=LOSS, batch_size=1000)
        runs.append({**run, "accuracy": measured["accuracy"]})
    return runs


def draw(curves: dict[str, np.ndarray], floor: float) -> Any:
    """The loss by step: of the optimisers, and of one softmax and two, with the floor."""
    with style():
        figure = new_figure(
            8, 3.4, "Loss in the first epoch: by optimiser, and with softmax twice."
        )
        left, right = figure.subplots(1, 2)
        panels = {left: ["Adam", "RMSProp", "SGD"], right: ["Adam", "Adam, softmax twice"]}
        for axes, names in panels.items():
            for name, (color, linestyle, _) in zip(names, SERIES, strict=False):
                smooth = np.convolve(curves[name], np.ones(25) / 25, "valid")
                axes.plot(smooth, color=color, linestyle=linestyle, label=name)
            axes.set(xlabel="step", ylim=0)
            axes.legend()
            quiet_ticks(axes, grid="y")
        right.axhline(floor, color=QUIET, linewidth=0.8)
        right.text(
            1,
            floor - 0.05,
            "ln(1 + 9/e) ",
            color=QUIET,
            ha="right",
            va="top",
            transform=right.get_yaxis_transform(),
        )
        left.set(ylabel="loss, mean of 25 steps", title="three optimisers")
        right.set_title("one softmax, and two")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
