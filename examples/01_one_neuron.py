"""One neuron draws a line through the plane.

Shows: the smallest network, z = w·x + b, a = σ(z), trained by full-batch gradient descent to tell
two clouds of points apart. Its decision line is where z = 0, that is where a = ½.

Look for: the line turns and moves from where chance had put it to between the clouds, while the
loss falls. What is left of the loss is the overlap of the clouds: no line can do away with it.

Found: the loss falls from 0.800 to 0.145 in 300 steps. The weights point 3.0° beside the direction
that is best for such clouds, and are 11 % shorter. 0.9450 of the points are on the right side; of
infinitely many, the best line would have 0.9449.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import layers, losses, optim
from jaxnn.activations import sigmoid
from jaxnn.plots.style import PALE_RIGHT, PALE_WRONG, QUIET, SERIES, new_figure, quiet_ticks, style

CENTERS = np.array([[-1.0, -0.5], [1.0, 0.5]])
SPREAD = 0.7
BEST_WEIGHTS = (CENTERS[1] - CENTERS[0]) / SPREAD**2  # with these, a is the probability of class 1


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Trains one neuron on two clouds of points.

    Args:
      small: for fewer steps.
      out: the folder for the picture and the findings.
    """
    steps = 20 if small else 300
    points, labels = map(jnp.asarray, clouds(200))
    neuron = layers.serial(layers.dense(2, 1), layers.activation(sigmoid))
    optimizer = optim.sgd(learning_rate=0.5)
    params, state = neuron.init(jax.random.key(0))
    start, opt_state = params, optimizer.init(params)

    def loss(params):
        a, _ = neuron.apply(params, state, points)
        return losses.mean(losses.binary_cross_entropy(a[:, 0], labels))

    @jax.jit
    def step(params, opt_state):
        value, grads = jax.value_and_grad(loss)(params)
        updates, opt_state = optimizer.update(grads, opt_state)
        return optim.apply_updates(params, updates), opt_state, value

    loss_per_step = []
    for _ in range(steps):
        params, opt_state, value = step(params, opt_state)
        loss_per_step.append(float(value))
    a, _ = neuron.apply(params, state, points)
    findings = {
        "weights": params[0]["kernel"][:, 0].tolist(),
        "bias": params[0]["bias"].item(),
        "loss_per_step": loss_per_step,
        "accuracy": float(jnp.mean((a[:, 0] > 0.5) == labels)),
    }
    report(findings)
    lines = {"at the start": start[0], "trained": params[0]}
    save_figure(__file__, out, draw(points, labels, lines, loss_per_step))
    return save_findings(__file__, out, findings)


def clouds(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (2 size, 2) scattered around the two centres, and the cloud that each is from."""
    labels = np.repeat([0, 1], size)
    noise = np.random.default_rng(0).normal(size=(2 * size, 2))
    return (CENTERS[labels] + SPREAD * noise).astype(np.float32), labels


def report(findings: dict[str, Any]) -> None:
    """Prints the neuron beside the best one for clouds of this shape, were they infinite."""
    direction = lambda w: np.degrees(np.arctan2(w[1], w[0]))
    rows = [
        [name, *(f"{w:.2f}" for w in weights), f"{bias:.2f}", f"{direction(weights):.1f}°"]
        for name, weights, bias in (
            ("trained", findings["weights"], findings["bias"]),
            ("best", BEST_WEIGHTS, 0.0),
        )
    ]
    print_table(["neuron", "w₁", "w₂", "b", "direction of w"], rows)
    last = findings["loss_per_step"][-1]
    print(f"\nloss {last:.4f}, accuracy {findings['accuracy']:.4f}")


def draw(points: Any, labels: Any, lines: dict, loss_per_step: list[float]) -> Any:
    """The clouds with the line before and after the training, and the loss."""
    with style():
        figure = new_figure(8, 3.4, "Two clouds of points, a neuron's line between them, its loss.")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        for cloud, color in enumerate((PALE_RIGHT, PALE_WRONG)):
            drawn = {"color": SERIES[cloud].color, "marker": SERIES[cloud].marker}
            shown = points[labels == cloud].T
            left.scatter(*shown, s=10, **drawn, facecolor=color, linewidth=0.7)
        for (name, line), dash, color in zip(
            lines.items(), (":", "-"), (QUIET, "black"), strict=True
        ):
            (w1, w2), b = line["kernel"][:, 0], line["bias"][0]
            ends = jnp.array([-4.0, 4.0])
            left.plot(ends, -(w1 * ends + b) / w2, color=color, linestyle=dash, label=name)
        left.set(xlim=(-3.4, 4.0), ylim=(-2.8, 2.8), xlabel="x₁", ylabel="x₂")
        left.set_title("where w·x + b = 0")
        left.legend(loc="lower right")
        right.plot(loss_per_step, color=SERIES[0].color)
        right.set(xlabel="step", ylabel="loss", ylim=0, title="binary cross-entropy")
        quiet_ticks(left)
        quiet_ticks(right, grid="y")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
