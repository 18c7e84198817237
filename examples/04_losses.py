"""Three optimisers leave one hill of the loss in three directions.

Shows: three pictures. The loss of the lecture's network on MNIST over the plane through the start,
where RMSProp ends and where Adam ends, with the paths of both and of SGD. Then around Adam's end,
over two random directions, each neuron's part of them as long as the neuron's own weights, after
Li, Xu, Taylor, Studer and Goldstein, "Visualizing the loss landscape of neural nets" (2018),
section 4. Then squared error and cross-entropy by the probability that the right answer is given,
and their gradients by the logit.

Look for: three ways down from one hill, to three places. In the last picture, the gradient of the
squared error where the network is sure and wrong, far to the left.

Found: after 930 steps the three losses are alike (SGD 0.162, RMSProp 0.176, Adam 0.177 on 500
training images), but not the ways: SGD has gone 7.2 far, the others 12 to 13. The plane holds start
and both ends exactly, 0.90 and 0.89 of the squared distances of RMSProp and Adam, and 0.31 of those
of SGD, which therefore seems to end high on the hill: most of its way leads out of the picture. The
lowest place of the plane, 0.167, lies between the two ends. A random plane holds less than 1e-4 of
any path: there the landscape is a bowl, from 0.174 to 1.6, and no path would be seen on it. Where a
network is sure and wrong (logit -10), cross-entropy has a gradient of -1, squared error one of
-9e-5: it cannot learn from its worst errors.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings
from jax.flatten_util import ravel_pytree

from jaxnn import Dataset, data, losses, models, optim, plots, train
from jaxnn.activations import sigmoid
from jaxnn.plots.style import SERIES, new_figure, quiet_ticks, style

OPTIMIZERS = {
    "SGD": optim.sgd(0.1),
    "RMSProp": optim.rmsprop(1e-3, eps_in_sqrt=False),
    "Adam": optim.adam(1e-3),
}
AROUND = np.linspace(-1, 1, 15)
CORNERS = (("Adam", 0), ("Adam", -1), ("RMSProp", -1))
LOGITS = {"sure and wrong": -10.0, "undecided": 0.0, "sure and right": 10.0}


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Draws losses, a landscape with three paths, and a landscape around where one ends.

    Args:
      small: with shorter paths, fewer images and a coarser grid.
      out: the folder for the pictures and the findings.
    """
    with jax.enable_x64(True):  # in float32 rounding alone would lead the twins' paths apart
        findings, x, y, places = explore(*((40, 10, 5, 50) if small else (930, 31, 33, 500)))
    report(findings)
    save_figure(__file__, out, plots.loss_landscape(x, y, findings["landscape"], places))
    surface = plots.loss_surface(AROUND, AROUND, findings["surface"])
    save_figure(__file__, out, surface, "surface")
    save_figure(__file__, out, draw_losses(), "curves")
    return save_findings(__file__, out, findings)


def explore(
    steps: int, every: int, side: int, count: int
) -> tuple[dict[str, Any], np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """What is found; the x and y of the landscape; the places of each path in it.

    Args:
      steps: of each optimiser.
      every: how many steps lie between two places of a path.
      side: of the landscape, in places.
      count: images over which the loss is averaged.
    """
    train_set, _ = data.load("mnist")
    shown = Dataset(train_set.images[:count], train_set.labels[:count])
    model = models.simple_nn()
    start = train.init_train_state(model, optim.identity(), jax.random.key(0), jnp.float64)
    _, unravel = ravel_pytree(start.params)

    def loss(vector):
        logits, _ = model.apply(unravel(vector), start.state, shown.images)
        return losses.mean(losses.softmax_cross_entropy(logits, shown.labels))

    findings = slopes()
    paths = {
        name: walk(optimizer, train_set, steps, every) for name, optimizer in OPTIMIZERS.items()
    }
    plane = plane_through(*(paths[name][end] for name, end in CORNERS))
    chance = filter_normalised_directions(unravel, paths["Adam"][-1])
    places = {name: (path - path[0]) @ plane.T for name, path in paths.items()}
    for name, path in paths.items():
        findings[f"loss_{name}"] = float(jax.jit(loss)(path[-1]))
        findings[f"distance_{name}"] = float(np.linalg.norm(path[-1] - path[0]))
        findings[f"share_{name}"] = share(path, plane)
        findings[f"share_by_chance_{name}"] = share(path, chance)
    x, y = grid(np.concatenate(list(places.values())), side)
    findings["landscape"] = over_plane(loss, paths["Adam"][0], plane, x, y).tolist()
    findings["surface"] = over_plane(loss, paths["Adam"][-1], chance, AROUND, AROUND).tolist()
    return findings, x, y, places


def squared_error(z: jax.Array) -> jax.Array:
    """(a − 1)² of a = σ(z), for examples of class 1."""
    return losses.squared_error(sigmoid(z), jnp.ones_like(z))


def cross_entropy(z: jax.Array) -> jax.Array:
    """−log a of a = σ(z), for examples of class 1: both the binary loss and that of two classes."""
    return losses.sigmoid_binary_cross_entropy(z, jnp.ones_like(z))


def slopes() -> dict[str, Any]:
    """The gradients of both losses with respect to the logit, at `LOGITS`."""
    z = jnp.array(list(LOGITS.values()))
    return {
        f"slopes_{loss.__name__}": jax.grad(lambda z, loss=loss: loss(z).sum())(z).tolist()
        for loss in (squared_error, cross_entropy)
    }


def walk(optimizer: Any, train_set: Dataset, steps: int, every: int) -> np.ndarray:
    """The parameters as vectors, at the start and after `every` so many steps on batches of 64."""
    model = models.simple_nn()
    train_state = train.init_train_state(model, optimizer, jax.random.key(0), jnp.float64)
    step = jax.jit(train.make_train_step(model, optimizer, losses.softmax_cross_entropy))
    order = data.permutation(train_state.key, 0, train_set.size)[: 64 * steps]
    path = [ravel_pytree(train_state.params)[0]]
    for number, batch in enumerate(data.batches(train_set, order, batch_size=64), 1):
        train_state, _ = step(train_state, batch)
        if number % every == 0:
            path.append(ravel_pytree(train_state.params)[0])
    return np.stack(path)


def plane_through(start: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two directions (2, parameters) from the start, the first to `first`, at right angles."""
    to_first, to_second = first - start, second - start
    along = to_first / np.linalg.norm(to_first)
    across = to_second - (to_second @ along) * along
    return np.stack([along, across / np.linalg.norm(across)])


def filter_normalised_directions(unravel: Callable, end: np.ndarray) -> np.ndarray:
    """Two random directions (2, parameters), each neuron's part as long as its weights."""

    def normalised(drawn, weights):
        if drawn.ndim == 1:
            return jnp.zeros_like(drawn)
        return drawn * jnp.linalg.norm(weights, axis=0) / jnp.linalg.norm(drawn, axis=0)

    drawn = np.random.default_rng(0).normal(size=(2, len(end)))
    directions = [jax.tree.map(normalised, unravel(row), unravel(end)) for row in drawn]
    return np.stack([ravel_pytree(direction)[0] for direction in directions])


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
    move = lambda step: loss(center + step @ directions)
    return np.asarray(jax.jit(lambda: jax.lax.map(move, steps))()).reshape(len(y), len(x))


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


def draw_losses() -> Any:
    """The losses by probability, and their gradients by logit."""
    z = jnp.linspace(-8, 8, 161)
    with style():
        figure = new_figure(8, 3.3, "Squared error and cross-entropy, and their gradients.")
        left, right = figure.subplots(1, 2)
        for loss, series in zip((squared_error, cross_entropy), SERIES, strict=False):
            drawn = {"color": series.color, "linestyle": series.linestyle}
            name = loss.__name__.replace("_", " ")
            left.plot(sigmoid(z), loss(z), **drawn, label=name)
            right.plot(z, jax.grad(lambda z, loss=loss: loss(z).sum())(z), **drawn)
        left.set(xlabel="probability of the right answer", ylabel="loss", ylim=(0, 5))
        right.set(xlabel="logit of the right answer", ylabel="gradient by the logit")
        left.legend()
        for axes in (left, right):
            quiet_ticks(axes, grid="y")
    return figure


if __name__ == "__main__":
    tyro.cli(main)
