"""Why two optimisers part: their settings, changed until the other's updates are reproduced.

PyTorch's settings say which recipe it follows. That is believed only if the recipe reproduces
PyTorch's updates in float64; then the catalogue's changes are tried on it, one, two and three
together, until it reproduces JAX's in all steps.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from torch_port.parity.catalogue.optimizers import ENTRIES
from torch_port.parity.report import Cause, Difference, Fault
from torch_port.parity.updates.fitting import Fit, Target, Trial
from torch_port.parity.updates.recipes import Recipe, updates
from torch_port.parity.updates.runs import Fed, Leaves
from torch_port.parity.updates.samples import Sample
from torch_port.parity.updates.search import Search

BEFORE_THE_STEP = {
    "gradient-clipping", "gradient-accumulation", "gradient-not-cleared", "update-sign"
}  # fmt: skip
"""What hooks and subclasses of PyTorch's optimisers do, which no setting tells."""


class Found(NamedTuple):
    """What is known of a pair of optimisers: its runs, and how they were judged.

    Attributes:
      jax: the updates in float32, in float64, and from gradients moved by one unit.
      torch: likewise.
      precision: that decides.
    """

    jax: Sequence[list[Leaves]]
    torch: Sequence[list[Leaves]]
    precision: str


def diagnose_updates(
    first: Difference, found: Found, read: Recipe | None, optimizer: str, fed: Fed
) -> Fault:
    """The first difference of meaning with all that explains it.

    Args:
      first: the first update that differs.
      found: all updates of both.
      read: the recipe that PyTorch's settings say, if they can be read.
      optimizer: PyTorch's, by its class.
      fed: parameters and gradients.
    """
    steps = (*found.jax[1], *found.torch[1])
    if not all(np.isfinite(u).all() for leaves in steps for u in leaves):
        return Fault(first, evidence="an update is not finite: " + _ratios(found, fed))
    sampled = Sample(fed)
    theirs = sampled.target(found.torch, found.precision, params=True)
    recipe = None if read is None else _verified(read, theirs, sampled.kernels)
    if recipe is None:
        said = f"PyTorch's {optimizer} cannot be read: no recipe reproduces its updates; "
        return Fault(first, evidence=said + _ratios(found, fed))
    ours = sampled.target(found.jax, found.precision)
    fitting = Search(recipe, _trials(recipe, sampled.kernels), ours).explanations()
    if not fitting:
        return Fault(first, evidence="nothing in the catalogue fits; " + _ratios(found, fed))
    causes = [_causes(fit, first, found) for fit in fitting]
    return Fault(first, causes[0], tuple(causes[1:]), _probe(fitting))


def _trials(recipe: Recipe, kernels: tuple[bool, ...], only: set[str] | None = None) -> list[Trial]:
    return [
        Trial(entry, change)
        for entry in ENTRIES
        if only is None or entry.id in only
        for change in entry.hypotheses(recipe, kernels)
    ]


def _verified(read: Recipe, target: Target, kernels: tuple[bool, ...]) -> Recipe | None:
    """The recipe, if need be with what is done to the gradients before, if that reproduces all."""
    if target.left(updates(read, target.stream)) <= 1:
        return read
    fitting = Search(read, _trials(read, kernels, BEFORE_THE_STEP), target).explanations()
    return fitting[0].recipe if fitting else None


def _causes(fit: Fit, first: Difference, found: Found) -> tuple[Cause, ...]:
    together = "" if len(fit.trials) == 1 else ", all together"
    steps = len(found.jax[1])
    causes = []
    for (entry, change), value in zip(fit.trials, fit.values, strict=True):
        of_jax = change.of_jax if value is None else value
        if change.rate:
            of_jax = _shown_rates(value)
        torch, jax = _short(change.of_torch), _short(of_jax)
        words = {"torch": torch, "jax": jax, "name": change.name}
        evidence = (
            f"{change.name}: {torch} in PyTorch, {jax} in JAX; put in{together}, PyTorch's "
            f"updates become JAX's in all {steps} steps, to rounding in {found.precision}"
        )
        causes.append(
            entry.cause(
                words,
                evidence,
                jax_path="optimizer",
                torch_path="optimizer",
                constants={"torch": change.of_torch, "jax": of_jax},
                step=first.step,
            )
        )
    return tuple(causes)


def _shown_rates(rates: Any) -> Any:
    """The one rate, or those of the steps."""
    return rates[0] if len({*rates}) == 1 else rates[:-1]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        more = ", ..." if len(value) > 5 else ""
        return ", ".join(_short(v) for v in value[:5]) + more
    return str(value)


def _probe(fitting: Sequence[Fit]) -> str:
    """What would part explanations that make the same updates at these settings."""
    if len(fitting) == 1:
        return ""
    names = dict.fromkeys(t.change.name for fit in fitting for t in fit.trials)
    return (
        f"{len(fitting)} explanations make the same updates for these gradients at these settings; "
        f"they part when one of these is changed on both sides: {', '.join(names)}"
    )


def _ratios(found: Found, fed: Fed) -> str:
    """JAX's update over PyTorch's, by step and by parameter."""
    size = lambda u: float(np.sqrt(np.mean(np.square(u)))) if u.size else 0.0
    over = lambda a, b: a / b if b else (1.0 if a == b else np.inf)
    pairs = [
        [over(size(a), size(b)) for a, b in zip(*leaves, strict=True)]
        for leaves in zip(found.jax[1], found.torch[1], strict=True)
    ]
    shown = lambda values: ", ".join(f"{value:.3g}" for value in values)
    steps = [float(np.median(row)) for row in pairs]
    tensors = [float(np.median(column)) for column in zip(*pairs, strict=True)]
    of_tensors = [*zip([leaf.jax_path for leaf in fed.leaves], tensors, strict=True)]
    return (
        f"size of JAX's updates over PyTorch's by step: {shown(steps[:6])}; by parameter: "
        + ", ".join(f"{path} {ratio:.3g}" for path, ratio in of_tensors[:6])
    )
