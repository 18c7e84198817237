"""Three optimisers leave one hill of the loss in three directions: in PyTorch.

Shows: the same paths, on the same batches, and the loss over the same two planes.

Look for: `parameters_to_vector` and `vector_to_parameters`, PyTorch's `ravel_pytree`.

Found: in float64 the paths agree with those of `04_losses.py` for all 930 steps: all losses of both
landscapes to 2e-14, the lengths of the paths to 3e-15. In float32 RMSProp and Adam part by a
thousandth within 40 steps, as they divide small gradients by their own size, rounding errors
included.
"""

from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
import twins
import tyro
from gallery import print_table, save_findings
from jax.flatten_util import ravel_pytree
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import jaxnn
from torch_port import convert, data, losses, models, train
from torch_port.activations import sigmoid
from torch_port.data import Dataset

OPTIMIZERS = {
    "SGD": partial(torch.optim.SGD, lr=0.1),
    "RMSProp": partial(torch.optim.RMSprop, lr=1e-3, alpha=0.9),
    "Adam": partial(torch.optim.Adam, lr=1e-3),
}
AROUND = np.linspace(-1, 1, 15)
CORNERS = (("Adam", 0), ("Adam", -1), ("RMSProp", -1))
LOGITS = {"sure and wrong": -10.0, "undecided": 0.0, "sure and right": 10.0}


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Computes losses, a landscape with three paths, and a landscape around where one ends.

    Args:
      small: with shorter paths, fewer images and a coarser grid.
      out: the folder for the findings.
    """
    findings = explore(*((40, 10, 5, 50) if small else (930, 31, 33, 500)))
    report(findings)
    return save_findings(__file__, out, findings)


def explore(steps: int, every: int, side: int, count: int) -> dict[str, Any]:
    """What is found.

    Args:
      steps: of each optimiser.
      every: how many steps lie between two places of a path.
      side: of the landscape, in places.
      count: images over which the loss is averaged.
    """
    train_set, _ = data.load("mnist")
    shown = Dataset(train_set.images[:count], train_set.labels[:count])
    model = lecture_network()

    def loss(vector):
        vector_to_parameters(torch.from_numpy(vector), model.parameters())
        return losses.mean(losses.softmax_cross_entropy(model(shown.images), shown.labels))

    findings = slopes()
    paths = {
        name: walk(optimizer, train_set, steps, every) for name, optimizer in OPTIMIZERS.items()
    }
    plane = plane_through(*(paths[name][end] for name, end in CORNERS))
    chance = filter_normalised_directions(paths["Adam"][-1])
    places = {name: (path - path[0]) @ plane.T for name, path in paths.items()}
    for name, path in paths.items():
        findings[f"loss_{name}"] = loss(path[-1]).item()
        findings[f"distance_{name}"] = float(np.linalg.norm(path[-1] - path[0]))
        findings[f"share_{name}"] = share(path, plane)
        findings[f"share_by_chance_{name}"] = share(path, chance)
    x, y = grid(np.concatenate(list(places.values())), side)
    findings["landscape"] = over_plane(loss, paths["Adam"][0], plane, x, y).tolist()
    findings["surface"] = over_plane(loss, paths["Adam"][-1], chance, AROUND, AROUND).tolist()
    return findings


def squared_error(z: Tensor) -> Tensor:
    """(a − 1)² of a = σ(z), for examples of class 1."""
    return losses.squared_error(sigmoid(z), torch.ones_like(z))


def cross_entropy(z: Tensor) -> Tensor:
    """−log a of a = σ(z), for examples of class 1: both the binary loss and that of two classes."""
    return losses.sigmoid_binary_cross_entropy(z, torch.ones_like(z))


def slopes() -> dict[str, Any]:
    """The gradients of both losses with respect to the logit, at `LOGITS`."""
    z = torch.tensor(list(LOGITS.values()), dtype=torch.float64)
    return {
        f"slopes_{loss.__name__}": torch.func.grad(lambda z, loss=loss: loss(z).sum())(z).tolist()
        for loss in (squared_error, cross_entropy)
    }


def start() -> Any:
    """The parameters and the state that a training in `jaxnn` begins with."""
    with jax.enable_x64(True):
        model, optimizer = jaxnn.models.simple_nn(), jaxnn.optim.identity()
        return jaxnn.train.init_train_state(model, optimizer, jax.random.key(0), jnp.float64)[:2]


def lecture_network() -> models.SimpleNN:
    """The lecture's network in float64, at the `start`."""
    model = models.SimpleNN().double()
    model.load_state_dict(convert.to_torch(*start()))
    return model


def walk(optimizer: Callable, train_set: Dataset, steps: int, every: int) -> np.ndarray:
    """The parameters as vectors, at the start and after `every` so many steps on batches of 64."""
    model = lecture_network()
    optimizer = optimizer(model.parameters())
    step = train.make_train_step(model, optimizer, losses.softmax_cross_entropy)
    train_state = train.init_train_state(model, optimizer, seed=0)
    batches = twins.batches(train_set, seed=0, epoch=0, batch_size=64)
    path = [parameters_to_vector(model.parameters())]
    for number, batch in enumerate(islice(batches, steps), 1):
        train_state, _ = step(train_state, batch)
        if number % every == 0:
            path.append(parameters_to_vector(model.parameters()))
    return torch.stack(path).detach().numpy()


def plane_through(start: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two directions (2, parameters) from the start, the first to `first`, at right angles."""
    to_first, to_second = first - start, second - start
    along = to_first / np.linalg.norm(to_first)
    across = to_second - (to_second @ along) * along
    return np.stack([along, across / np.linalg.norm(across)])


def filter_normalised_directions(end: np.ndarray) -> np.ndarray:
    """Two random directions (2, parameters), each neuron's part as long as its weights."""

    def normalised(drawn, weights):
        if drawn.ndim == 1:
            return torch.zeros_like(drawn)
        row = {"dim": 1, "keepdim": True}
        return (drawn * weights.norm(**row) / drawn.norm(**row)).contiguous()

    model = lecture_network()
    vector_to_parameters(torch.from_numpy(end), model.parameters())
    params, state = start()
    drawn = np.random.default_rng(0).normal(size=(2, len(end)))
    with jax.enable_x64(True):
        _, unravel = ravel_pytree(params)
        tensors = [convert.to_torch(unravel(row), state) for row in drawn]
    directions = [
        parameters_to_vector(normalised(row[name], p) for name, p in model.named_parameters())
        for row in tensors
    ]
    return torch.stack(directions).detach().numpy()


def share(path: np.ndarray, directions: np.ndarray) -> float:
    """How much of the squared distances of a path from its start lies in a plane."""
    moves, basis = path - path[0], np.linalg.qr(directions.T)[0]
    return float(np.sum((moves @ basis) ** 2) / np.sum(moves**2))


def grid(places: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spaced x and y that hold all places (n, 2), and a fifth more."""
    low, high = places.min(0), places.max(0)
    margin = 0.2 * (high - low)
    return tuple(np.linspace(low - margin, high + margin, side).T)


def over_plane(
    loss: Callable, center: np.ndarray, directions: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """The loss (rows, columns) at center + x · first direction + y · second direction."""
    steps = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    with torch.no_grad():
        values = [loss(center + step @ directions).item() for step in steps]
    return np.array(values).reshape(len(y), len(x))


def report(findings: dict[str, Any]) -> None:
    """Prints the gradients, and how much the planes hold of the paths."""
    rows = [
        [name, *(f"{s:.1e}" for s in findings[f"slopes_{name}"])]
        for name in ("squared_error", "cross_entropy")
    ]
    print_table(["gradient by logit", *LOGITS], rows)
    print()
    quantities = {"loss": ".3f", "distance": ".2f", "share": ".3f", "share_by_chance": ".1e"}
    rows = [
        [name, *(format(findings[f"{what}_{name}"], form) for what, form in quantities.items())]
        for name in OPTIMIZERS
    ]
    print_table(["path", "last loss", "length", "share in plane", "in a random plane"], rows)
    low, high = np.min(findings["surface"]), np.max(findings["surface"])
    print(f"\nloss around Adam's end, in a random plane: {low:.3f} to {high:.2f}")


if __name__ == "__main__":
    tyro.cli(main)
