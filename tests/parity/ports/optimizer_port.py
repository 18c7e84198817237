"""What ports of optimisers share."""

from collections.abc import Callable
from typing import Any

import jax
import optax
import torch

from tests.parity.ports.port import Mutant, Pair
from tests.parity.right_pairs import normal

SGD, RMSprop, Adam, AdamW, Adagrad, NAdam = (
    getattr(torch.optim, name) for name in ("SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "NAdam")
)

FIRST = "update first/bias"
"""The first parameter in order, whose first gradient is of unit scale."""

HYPERPARAMETER = "optimizer-hyperparameter"


def params(seed: int, scale: float) -> dict[str, Any]:
    """Of two dense layers."""
    draw = lambda number, *shape: normal(*shape, scale=0.3 * scale, seed=[seed, number])
    return {
        "first": {"bias": draw(0, 5), "kernel": draw(1, 3, 5)},
        "second": {"bias": draw(2, 3), "kernel": draw(3, 5, 3)},
    }


def pair(transformation, factory, seed, scale) -> Pair:
    return transformation, factory, params(seed, scale), {}


def at(step, *mutants):
    """Mutants that first show at a step."""
    return tuple(
        Mutant(m.settings, m.cause, m.place, None, m.constant, step, m.also, m.reason)
        for m in mutants
    )


def by_tensor(init: Callable[[Any], Any], step: Callable[..., tuple[Any, Any]]):
    """A transformation from functions of one tensor, `step(t, g, p, memory) -> (g, memory)`."""

    def of_all(updates, state, params=None):
        count, memories = state
        leaves, structure = jax.tree.flatten(updates)
        old = structure.flatten_up_to(memories)
        pairs = [step(count + 1, *each) for each in zip(leaves, jax.tree.leaves(params), old,
                                                         strict=True)]  # fmt: skip
        new, kept = zip(*pairs, strict=True)
        return structure.unflatten(new), (count + 1, structure.unflatten(kept))

    return optax.GradientTransformation(lambda p: (0, jax.tree.map(init, p)), of_all)
