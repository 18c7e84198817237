"""A sweep in a process of its own, which the test of a killed one starts: `program.py FOLDER`."""

import sys

import jax
import numpy as np

from jaxnn import losses, models, optim, sweep
from jaxnn.typing import Dataset

MEMBERS = 30


def make(learning_rate):
    return models.mlp((8, 64, 8)), optim.adam(learning_rate)


def run(out=None, *, rates=MEMBERS, epochs=60):
    """The sweep, whose members take some tens of milliseconds each."""
    data = Dataset(np.eye(8, dtype=np.float32).repeat(50, 0), np.arange(8).repeat(50))
    grid = {"learning_rate": [float(rate) for rate in np.geomspace(1e-5, 1e-3, rates)]}
    settings = {"loss": losses.softmax_cross_entropy, "batch_size": 8}
    return sweep.fit(make, grid, data, epochs=epochs, key=jax.random.key(0), out=out, **settings)


if __name__ == "__main__":
    run(sys.argv[1])
