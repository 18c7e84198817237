"""How large every difference of the catalogue is on a typical net, as the documentation shows it.

    python -m benchmarks.catalogue_figures

writes `docs/data/catalogue-figures.json`. Each pair of trainings starts from the same numbers and
sees the same batches; one thing differs. The figure is ‖θ' − θ‖/‖θ − θ₀‖: how far the wrong
parameters θ' are from the right ones θ, of how far the right ones have moved, after one step and
after one epoch. Beside it stands the same figure of a copy of the right training whose first
parameters are moved by one unit in the last place: what rounding alone does. The data are the first
10 000 images of MNIST; accuracies are those on its 10 000 test images, in percent. Where only the
initial values differ, the figure is of them, too. Losses are compared under SGD at 0.02, momentum
at 0.01 and 0.9, all that is not about optimisers under Adam at 1e-3; batches are of 100.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from benchmarks import catalogue_nets as nets
from benchmarks.catalogue_updates import DATA, LOSSES, OPTIMIZERS
from benchmarks.catalogue_variants import MODELS, Pair, Training
from jaxnn import data, optim
from jaxnn.files import write_atomically

PAIRS = {**MODELS, **LOSSES, **OPTIMIZERS, **DATA}
EXAMPLES = 10_000
WORDS = {
    "index-out-of-range": "no training has a figure for it: PyTorch raises IndexError at the first "
    "such index; jax.numpy gives the last row instead; jnp.take, linen.Embed and the losses of "
    "Optax give NaN.",
}


class Result(NamedTuple):
    """What a training gives: parameters and statistics at the start, after one step, at the end."""

    start: Any
    first: Any
    last: Any


def program(training: Training) -> Callable[..., Result]:
    """One epoch, compiled: `(params, state, images, labels, key) -> Result`."""
    model, loss, optimizer = training.model, training.loss, training.optimizer

    def step(carry, batch):
        (params, state, opt_state), (images, labels, key) = carry, batch

        def objective(params):
            y, new_state = model.apply(params, state, images, key=key, train=True)
            return loss(y, labels), new_state

        gradients, state = jax.grad(objective, has_aux=True)(params)
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        return optim.apply_updates(params, updates), state, opt_state

    def stepped(carry, batch):
        (*trained, first), (number, *batch) = carry, batch
        trained = step(trained, batch)
        first = jax.tree.map(partial(jnp.where, number == 0), trained[:2], first)
        return (*trained, first), None

    def epoch(params, state, images, labels, key):
        n, size = len(labels), training.batch_size
        order = data.permutation(key, training.order, n)
        keys = jax.random.split(key, n // size + 1)
        rows = order[: n // size * size].reshape(-1, size)
        batches = jnp.arange(len(rows)), images[rows], labels[rows], keys[:-1]
        carry = params, state, optimizer.init(params), (params, state)
        *trained, first = jax.lax.scan(stepped, carry, batches)[0]
        if training.ragged:
            rest = order[rows.size :]
            trained = step(trained, (images[rest], labels[rest], keys[-1]))
        return Result((params, state), first, tuple(trained[:2]))

    return jax.jit(epoch)


def moved(params):
    """Parameters one unit in the last place higher."""
    return jax.tree.map(lambda p: jnp.nextafter(p, jnp.full_like(p, jnp.inf)), params)


def less(a, b) -> np.ndarray:
    """All numbers of a tree less those of another in one row of float64; counts are left out."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    rows = [np.float64(x) - np.float64(y) for x, y in pairs if np.issubdtype(x.dtype, np.floating)]
    return np.concatenate([np.zeros(0), *map(np.ravel, rows)])


def distance(right: Result, wrong: Result, when: str, what: int) -> float | None:
    """‖θ' − θ‖/‖θ − θ₀‖ of the parameters (0) or the statistics (1)."""
    right_one, wrong_one = (getattr(result, when)[what] for result in (right, wrong))
    path = np.linalg.norm(less(right_one, right.start[what]))
    apart = np.linalg.norm(less(wrong_one, right_one))
    return apart / path if path and np.isfinite(apart) else None


class Lab:
    """Runs trainings and keeps their results, since many pairs share one."""

    def __init__(self, seeds: int):
        self.train, self.test = data.load("mnist")
        self.seeds = range(seeds)
        self.results: dict[Any, list[Result]] = {}
        self.programs: dict[Any, Callable[..., Result]] = {}
        self.predictions: dict[int, Callable[..., jax.Array]] = {}

    def run(self, training: Training, change=lambda params: params, name="") -> list[Result]:
        """The results for each seed, from parameters that `change` has changed."""
        key = (*map(id, training), name)
        if key not in self.results:
            epoch = self.programs.setdefault(key[:-1], program(training))
            self.results[key] = [self._one(epoch, training, change, s) for s in self.seeds]
        return self.results[key]

    def _one(self, epoch, training, change, seed):
        params, state = training.model.init(jax.random.key(seed))
        images, labels = self.train.images[:EXAMPLES], jnp.asarray(self.train.labels[:EXAMPLES])
        result = epoch(change(params), state, jnp.asarray(images), labels, jax.random.key(seed))
        return jax.device_get(result)

    def accuracies(self, training: Training, results: list[Result]) -> list[float]:
        """On the test images, in percent, for each seed."""
        model = training.evaluated or training.model
        classes = jax.jit(lambda params, state, x: model.apply(params, state, x)[0].argmax(-1))
        predict = self.predictions.setdefault(id(model), classes)
        right = lambda r: predict(*r.last, jnp.asarray(self.test.images)) == self.test.labels
        return [100 * float(np.mean(right(result))) for result in results]


def figures(lab: Lab, pair: Pair) -> dict[str, Any]:
    """All figures of one difference."""
    right, wrong = lab.run(pair.right), lab.run(pair.wrong)
    rounded = lab.run(pair.right, moved, "moved")
    accuracy = lab.accuracies(pair.right, right)
    change = lambda other: spread([b - a for a, b in zip(accuracy, other, strict=True)])
    return {
        "of": pair.changed,
        **compared(right, wrong),
        "accuracy": spread(accuracy),
        "accuracy_change": change(lab.accuracies(pair.wrong, wrong)),
        "accuracy_change_of_copied_parameters": change(lab.accuracies(pair.wrong, right)),
        "rounding_alone": {
            **compared(right, rounded),
            "accuracy_change": change(lab.accuracies(pair.right, rounded)),
        },
    }


def compared(right: list[Result], wrong: list[Result]) -> dict[str, Any]:
    """The distances between trainings over seeds."""
    places = {"after_one_step": ("first", 0), "after_one_epoch": ("last", 0)}
    if less(right[0].last[1], right[0].start[1]).any():
        places |= {
            "statistics_after_one_step": ("first", 1),
            "statistics_after_one_epoch": ("last", 1),
        }
    return {
        name: spread([distance(*pair, *place) for pair in zip(right, wrong, strict=True)])
        for name, place in places.items()
    }


def in_short(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure headed by the one for either moment that a table has room for.

    Where the parameters do not part at all, it is that of the statistics.
    """
    short = {}
    for when, place in (("step", "after_one_step"), ("epoch", "after_one_epoch")):
        distance = figure.get(place, {"mean": None})
        if distance and distance["mean"] == 0:
            distance = figure.get(f"statistics_{place}", {"mean": "0"})
        short[when] = distance["mean"] if distance else "diverges"
    change = (figure.get("accuracy_change") or {}).get("mean")
    if short["epoch"] == "0" and change:  # the trainings are the same, their evaluations are not
        short["epoch"] = f"{change:+.1f} % accuracy"
    return short | figure


def spread(values: list[float | None]) -> dict[str, float] | None:
    """Mean, least and largest over the seeds; None where one is not finite."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    figures = {"mean": np.mean(known), "min": min(known), "max": max(known)}
    return {name: float(f"{value:.3g}") for name, value in figures.items()}


def in_float64(lab: Lab) -> dict[str, Any]:
    """The same training in float32 and in float64."""
    scaled = lambda x: x.astype(jnp.result_type(float)) / 127.5 - 1
    apply = lambda params, state, x, **options: (scaled(x), state)
    training = Training(nets.mlp(prepare=replace(nets.INPUT, apply=apply)))
    right = lab.run(training)
    with jax.enable_x64(True):
        wide = lambda params: jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), params)
        wrong = lab.run(training, wide, "float64")
    accuracy, other = (lab.accuracies(training, results) for results in (right, wrong))
    return {
        "of": "float64 for float32",
        **compared(right, wrong),
        "accuracy": spread(accuracy),
        "accuracy_change": spread([b - a for a, b in zip(accuracy, other, strict=True)]),
    }


def main() -> None:
    """Measures pairs and writes their figures into the file, after each one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("docs/data/catalogue-figures.json"))
    parser.add_argument("--only", nargs="+", help="ids; the file's other figures stay")
    arguments = parser.parse_args()
    lab = Lab(arguments.seeds)
    measured = {id: partial(figures, lab, pair) for id, pair in PAIRS.items()}
    measured |= {"default-dtype": partial(in_float64, lab)}
    measured |= {id: partial(dict, words=words) for id, words in WORDS.items()}
    about = {"machine": machine(), "versions": versions(), "seeds": [*lab.seeds], "how": __doc__}
    found = {"about": about}
    if arguments.only:
        found = json.loads(arguments.out.read_text(encoding="utf-8")) | found
    for id in arguments.only or measured:
        found[id] = in_short(measured[id]())
        print(id, json.dumps(found[id]), flush=True)
        write_atomically(arguments.out, json.dumps(found, indent=1, ensure_ascii=False).encode())


def machine() -> str:
    return f"{platform.platform()}, {os.cpu_count()} processors, {jax.default_backend()}"


def versions() -> dict[str, str]:
    modules = {"jax": jax, "flax": flax, "optax": optax, "torch": torch, "numpy": np}
    return {"python": platform.python_version()} | {n: m.__version__ for n, m in modules.items()}


if __name__ == "__main__":
    main()
