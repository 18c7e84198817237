"""One neuron draws a line through the plane: in PyTorch.

Shows: the same neuron as an `nn.Linear` and a sigmoid, from the same start on the same points.

Look for: `zero_grad`, `backward`, `step`: parameters change in place, where those of `jaxnn` are
values that go in and come out.

Found: the losses of all 300 steps, the weights and the bias agree with those of `01_one_neuron.py`
to 2e-7 of their size, in float32.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch
import tyro
from gallery import print_table, save_findings

import jaxnn
from torch_port import convert, layers, losses
from torch_port.activations import sigmoid

CENTERS = np.array([[-1.0, -0.5], [1.0, 0.5]])
SPREAD = 0.7
BEST_WEIGHTS = (CENTERS[1] - CENTERS[0]) / SPREAD**2  # with these, a is the probability of class 1


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Trains one neuron on two clouds of points.

    Args:
      small: for fewer steps.
      out: the folder for the findings.
    """
    steps = 20 if small else 300
    points, labels = map(torch.from_numpy, clouds(200))
    neuron = layers.Serial(layers.Dense(2, 1), layers.Activation(sigmoid))
    optimizer = torch.optim.SGD(neuron.parameters(), lr=0.5)
    start = jaxnn.layers.serial(jaxnn.layers.dense(2, 1)).init(jax.random.key(0))
    neuron.load_state_dict(convert.to_torch(*start))

    def loss():
        a = neuron(points)
        return losses.mean(losses.binary_cross_entropy(a[:, 0], labels))

    def step():
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    loss_per_step = []
    for _ in range(steps):
        value = step()
        loss_per_step.append(value.item())
    a = neuron(points)
    findings = {
        "weights": neuron[0].weight[0].tolist(),
        "bias": neuron[0].bias.item(),
        "loss_per_step": loss_per_step,
        "accuracy": ((a[:, 0] > 0.5) == labels).float().mean().item(),
    }
    report(findings)
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


if __name__ == "__main__":
    tyro.cli(main)
