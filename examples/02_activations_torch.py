"""Six activations: where their gradients fade, and what their outputs are centred on: in PyTorch.

Shows: the same table, of PyTorch's activations.

Look for: "f′ ≠ 0". PyTorch takes the gradients of sigmoid, tanh and softmax from their outputs, as
y(1 − y) or 1 − y². Where y is 1 to the last digit the gradient is 0, though the true one is not.

Found: ranges, gradients at ±1000 and mean outputs agree with `02_activations.py` to 2e-8. In
float32 the gradient of tanh is 0 from |x| = 9.1 on, where the true one is 5e-8; `jaxnn` computes it
as 4σ(2x)σ(−2x), which is 0 from 43.7 on. A saturated neuron can come back there, and not here.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from gallery import print_table, save_findings
from torch import Tensor

from torch_port import activations

CLASSES = 10
LECTURE = {
    "sigmoid": ("(0, 1)", "fades", "no", "high"),
    "tanh": ("(-1, 1)", "fades", "yes", "high"),
    "relu": ("[0, ∞)", "stays for x > 0", "no", "low"),
    "leaky_relu": ("(-∞, ∞)", "stays for x > 0", "no", "low"),
    "elu": ("(-α, ∞)", "stays", "yes", "medium"),
    "softmax": ("(0, 1)", "stays", "yes", "high"),
}
FAR = 1000.0


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Measures the lecture's six activations.

    Args:
      small: on fewer inputs.
      out: the folder for the findings.
    """
    inputs = np.random.default_rng(0).normal(size=10_000 if small else 1_000_000)
    inputs = torch.from_numpy(inputs.astype(np.float32))
    found = {name: measure(name, inputs) for name in LECTURE}
    report(found)
    findings = {f"{what}_{name}": found[name][what] for name in found for what in found[name]}
    return save_findings(__file__, out, findings)


def of_one(name: str) -> Callable[[Tensor], Tensor]:
    """The activation as a function of one number, at each of many."""
    if name != "softmax":
        return getattr(activations, name)
    others = torch.zeros(CLASSES - 1)
    return torch.vmap(lambda x: activations.softmax(torch.cat([x[None], others]))[0])


def slope(name: str) -> Callable[[Tensor], Tensor]:
    """The derivative of `of_one`, at each of many numbers."""
    return torch.func.grad(lambda x: of_one(name)(x).sum())


def measure(name: str, inputs: Tensor) -> dict[str, Any]:
    """What the lecture's table says of an activation, in numbers."""
    x = torch.linspace(-FAR, FAR, 20_001)
    y, slopes = of_one(name)(x), slope(name)(x)
    felt = x[slopes != 0]
    rows = inputs.reshape(-1, CLASSES)
    function = getattr(activations, name)
    outputs = function(rows).numpy()
    seconds = fastest(lambda: function(rows))
    return {
        "range": [y.min().item(), y.max().item()],
        "slope_far_out": [slopes[0].item(), slopes[-1].item()],
        "approximately_not_0_from_to": [felt.min().item(), felt.max().item()],
        "mean_output": outputs.mean(dtype=np.float64).item(),
        "seconds_per_element": seconds / inputs.numel(),
    }


def fastest(run: Callable[[], Any]) -> float:
    """The seconds of the fastest of thirty runs."""
    seconds = []
    for _ in range(30):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def report(found: dict[str, dict[str, Any]]) -> None:
    """Prints the lecture's table, and below it the same measured."""
    header = ["the lecture says", "range", "gradient x → ±∞", "zero-centred", "cost"]
    print_table(header, [[name, *claims] for name, claims in LECTURE.items()])
    print()
    header = ["measured", "range", "f′(±1000)", "f′ ≠ 0 for x in", "mean output", "ns/element"]
    rows = []
    for name, row in found.items():
        between = lambda pair: f"{round(pair[0], 1):g} to {round(pair[1], 1):g}"
        slopes = "{:.3g}, {:.3g}".format(*row["slope_far_out"])
        reach = between(row["approximately_not_0_from_to"])
        measured = [f"{row['mean_output']:+.4f}", f"{1e9 * row['seconds_per_element']:.2f}"]
        rows.append([name, between(row["range"]), slopes, reach, *measured])
    print_table(header, rows)


if __name__ == "__main__":
    tyro.cli(main)
