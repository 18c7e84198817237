"""How long a comparison takes, in fresh processes: a small MLP, and twenty steps of an optimiser.

    python -m benchmarks.parity_speed --runs 5

Each is timed with nothing wrong and with a mistake, which is then diagnosed, the first time in its
process, so that compiling counts; importing JAX and PyTorch does not.
"""

import argparse
import statistics
import subprocess
import sys

PROGRAM = """
import time

import jax
import numpy as np
import optax
import torch
from flax import linen
from torch import nn

from torch_port import parity


class Port(linen.Module):
    activation: object

    @linen.compact
    def __call__(self, x):
        x = self.activation(linen.Dense(32)(x))
        return linen.Dense(10)(self.activation(linen.Dense(32)(x)))


def exact_gelu(x):
    return jax.nn.gelu(x, approximate=False)


torch.manual_seed(0)
perceptron = nn.Sequential(
    nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 10)
)
adam = lambda params: torch.optim.Adam(params, 0.01)
x = np.random.default_rng(0).standard_normal((64, 16), np.float32)
slightly_wrong = optax.adam(0.01, eps=1e-6)
comparisons = {
    "mlp, right": lambda: parity.compare(Port(exact_gelu), perceptron, x),
    "mlp, wrong": lambda: parity.compare(Port(jax.nn.gelu), perceptron, x),
    "optimiser, right": lambda: parity.compare_optimizers(optax.adam(0.01), adam, steps=20),
    "optimiser, wrong": lambda: parity.compare_optimizers(slightly_wrong, adam, steps=20),
}
start = time.perf_counter()
report = comparisons[NAME]()
print(time.perf_counter() - start, report.verdict, *(cause.id for cause in report.causes))
"""

NAMES = "mlp, right", "mlp, wrong", "optimiser, right", "optimiser, wrong"


def timed(name: str) -> tuple[float, str]:
    """Seconds, and what was found, in a process of its own."""
    program = f"NAME = {name!r}\n{PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    seconds, _, said = done.stdout.strip().partition(" ")
    return float(seconds), said


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print(f"seconds of {runs} processes each: median (least to most)")
    for name in NAMES:
        found = [timed(name) for _ in range(runs)]
        seconds = sorted(s for s, _ in found)
        middle = statistics.median(seconds)
        print(f"{name:18} {middle:5.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})  {found[0][1]}")


if __name__ == "__main__":
    main()
