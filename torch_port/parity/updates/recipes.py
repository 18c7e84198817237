"""What an optimiser computes, as one equation in which every known variant is a field.

    gradients:  sign, running sum, accumulation, clipping          → g
    decay:      g + λθ, or later
    direction:  g itself, g/(√s+ε) with a mean or a sum of squares, or Adam's m̂/(√v̂+ε)
    momentum:   b ← μb + (1−τ)d
    update:     −η·b, and the decoupled decay

The reference is NumPy's in float64, over all parameters in one row of numbers.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple

import numpy as np

Number = Any
"""A float, one float for each parameter tensor, or inside this file one for each element."""


@dataclass(frozen=True)
class Recipe:
    """An optimiser; each number may be one for all parameter tensors or a tuple with one for each.

    Attributes:
      family: what the direction is made of.
      rates: η of each step, and of one step more.
      rate_shift: how many steps later the rates are taken from.
      rate_decay: Adagrad's: η/(1 + (t−1)·decay).
      gradient_sign: −1 to climb.
      update_sign: −1 to go the wrong way, decay included.
      sums_gradients: whether gradients are never cleared.
      accumulated: how many steps share one update.
      accumulates_mean: whether the mean of their gradients counts, else the sum.
      clip: what is bounded, if anything.
      clip_at: the bound.
      clip_added: what is added to the norm before the bound is divided by it.
      weight_decay: λ.
      decay_to: what λθ is added to.
      beta1: weight of the old mean of gradients.
      beta2: weight of the old mean of squares.
      eps: ε beside the root.
      eps_root: ε inside the root.
      eps_uncorrected: whether ε stands beside √v before the bias correction.
      corrects_first: whether the mean of gradients is divided by 1−β₁ᵗ.
      corrects_second: whether the mean of squares is divided by 1−β₂ᵗ.
      correction_shift: what is added to t there.
      initial: of the mean or sum of squares.
      centered: whether the squared mean of gradients is subtracted.
      amsgrad: of what the maximum is taken: `"raw"` or `"corrected"`.
      looks_ahead: NAdam's, with a `"constant"` β₁ or a `"schedule"` of it.
      momentum_decay: ψ of that schedule.
      momentum: μ.
      dampening: τ, from the second step.
      dampens_first: whether from the first.
      averages: whether b ← μb + (1−μ)d from the first step, `"debiased"` or `"plain"`.
      nesterov: whether d + μb is used.
      rate_inside: whether η stands inside b.
    """

    family: Literal["sgd", "rmsprop", "adagrad", "adam"]
    rates: tuple[Number, ...]
    rate_shift: int = 0
    rate_decay: Number = 0.0
    gradient_sign: Number = 1.0
    update_sign: float = 1.0
    sums_gradients: bool = False
    accumulated: int = 1
    accumulates_mean: bool = False
    clip: Literal["", "global norm", "norm of each parameter", "rms of each parameter", "value"] = (
        ""
    )
    clip_at: float = 1.0
    clip_added: float = 0.0
    weight_decay: Number = 0.0
    decay_to: Literal["gradient", "direction", "update"] = "gradient"
    beta1: Number = 0.9
    beta2: Number = 0.999
    eps: Number = 0.0
    eps_root: Number = 0.0
    eps_uncorrected: bool = False
    corrects_first: bool = False
    corrects_second: bool = False
    correction_shift: int = 0
    initial: Number = 0.0
    centered: bool = False
    amsgrad: Literal["", "raw", "corrected"] = ""
    looks_ahead: Literal["", "constant", "schedule"] = ""
    momentum_decay: Number = 4e-3
    momentum: Number = 0.0
    dampening: Number = 0.0
    dampens_first: bool = False
    averages: Literal["", "plain", "debiased"] = ""
    nesterov: bool = False
    rate_inside: bool = False


class Stream(NamedTuple):
    """What an optimiser is fed, all parameter tensors in one row.

    Attributes:
      params: (steps, elements), before each step.
      gradients: likewise.
      sizes: how many elements each parameter tensor has here.
      left_out: (steps, tensors), the sum of squares of the gradients that are not in the row.
      whole_sizes: how many elements each parameter tensor has in all.
    """

    params: np.ndarray
    gradients: np.ndarray
    sizes: np.ndarray
    left_out: np.ndarray
    whole_sizes: np.ndarray

    def first(self, steps: int) -> "Stream":
        """The first steps of it."""
        rows = (self.params[:steps], self.gradients[:steps])
        return Stream(*rows, self.sizes, self.left_out[:steps], self.whole_sizes)


@dataclass
class Memory:
    """What an optimiser keeps between steps."""

    mean: Any
    square: Any
    largest: Any
    buffer: Any
    product: Any = 1.0


def updates(recipe: Recipe, stream: Stream) -> np.ndarray:
    """What the optimiser adds to the parameters at each step.

    Args:
      recipe: the optimiser.
      stream: parameters and gradients of all steps.

    Returns:
      (steps, elements).

    Example:
      >>> one = np.ones((3, 1))
      >>> stream = Stream(one, one, np.array([1]), np.zeros((3, 1)), np.array([1]))
      >>> updates(Recipe("sgd", rates=(0.5,) * 4, momentum=1.0), stream).ravel().tolist()
      [-0.5, -1.0, -1.5]
    """
    recipe = _for_each_element(recipe, stream.sizes)
    result = np.zeros_like(stream.gradients)
    memory = Memory(0.0, recipe.initial, 0.0, 0.0)
    last = recipe.accumulated - 1
    with np.errstate(all="ignore"):
        gradients = _clipped(recipe, stream, _accumulated(recipe, stream.gradients))
        for t, g in enumerate(gradients, start=1):
            place = last + (t - 1) * recipe.accumulated
            result[place] = _update(recipe, t, g, stream.params[place], memory)
    return result


def _for_each_element(recipe: Recipe, sizes: np.ndarray) -> Recipe:
    spread = lambda x: np.repeat(x, sizes) if isinstance(x, tuple) else x
    numbers = {f.name: spread(getattr(recipe, f.name)) for f in fields(recipe) if f.name != "rates"}
    return replace(recipe, **numbers, rates=tuple(map(spread, recipe.rates)))


def _accumulated(recipe: Recipe, gradients: np.ndarray) -> np.ndarray:
    """The gradients of the steps at which something happens."""
    gradients = recipe.gradient_sign * gradients
    if recipe.sums_gradients:
        gradients = np.cumsum(gradients, 0)
    k = recipe.accumulated
    if k == 1:
        return gradients
    grouped = gradients[: len(gradients) // k * k].reshape(-1, k, gradients.shape[1])
    return grouped.mean(1) if recipe.accumulates_mean else grouped.sum(1)


def _clipped(recipe: Recipe, stream: Stream, g: np.ndarray) -> np.ndarray:
    bound = recipe.clip_at
    if not recipe.clip:
        return g
    if recipe.clip == "value":
        return np.clip(g, -bound, bound)
    starts = np.cumsum(stream.sizes) - stream.sizes
    squares = np.add.reduceat(g**2, starts, axis=1) + stream.left_out[: len(g)]
    if recipe.clip == "global norm":
        size = np.sqrt(squares.sum(1, keepdims=True))
    else:
        per = stream.whole_sizes if recipe.clip == "rms of each parameter" else 1
        size = np.repeat(np.sqrt(squares / per), stream.sizes, axis=1)
    return g * np.minimum(1, bound / np.where(size == 0, 1, size + recipe.clip_added))


def _update(recipe: Recipe, t: int, g: Any, params: Any, memory: Memory) -> Any:
    """The update of step t."""
    decayed = lambda x, place: x + recipe.weight_decay * params if place == recipe.decay_to else x
    direction = _direction(recipe, t, decayed(g, "gradient"), memory)
    direction, rate = decayed(direction, "direction"), _rate(recipe, t)
    if recipe.rate_inside:
        step = _with_momentum(recipe, t, rate * direction, memory)
        return -recipe.update_sign * (step + rate * decayed(0.0, "update"))
    step = _with_momentum(recipe, t, direction, memory)
    return -recipe.update_sign * rate * decayed(step, "update")


def _rate(recipe: Recipe, t: int) -> Any:
    place = min(max(t - 1 + recipe.rate_shift, 0), len(recipe.rates) - 1)
    return recipe.rates[place] / (1 + (t - 1) * recipe.rate_decay)


def _direction(recipe: Recipe, t: int, g: Any, memory: Memory) -> Any:
    if recipe.family == "sgd":
        return g
    return _adam(recipe, t, g, memory) if recipe.family == "adam" else _rms(recipe, t, g, memory)


def _rms(recipe: Recipe, t: int, g: Any, memory: Memory) -> Any:
    """g over the root of the mean of squares (RMSProp), or of their sum (Adagrad)."""
    beta = recipe.beta2
    old, new = (1.0, 1.0) if recipe.family == "adagrad" else (beta, 1 - beta)
    memory.square = old * memory.square + new * g**2
    corrected = _correction(recipe, beta, t) if recipe.corrects_second else 1.0
    square = memory.square / corrected
    if recipe.centered:
        memory.mean = beta * memory.mean + (1 - beta) * g
        square = np.maximum(square - (memory.mean / corrected) ** 2, 0)
    return g / _root(recipe, square, recipe.eps)


def _adam(recipe: Recipe, t: int, g: Any, memory: Memory) -> Any:
    """m̂/(√v̂+ε) and its variants."""
    memory.mean = recipe.beta1 * memory.mean + (1 - recipe.beta1) * g
    memory.square = recipe.beta2 * memory.square + (1 - recipe.beta2) * g**2
    corrected = _correction(recipe, recipe.beta2, t) if recipe.corrects_second else 1.0
    square = memory.square / corrected
    if recipe.amsgrad:
        candidate = memory.square if recipe.amsgrad == "raw" else square
        memory.largest = np.maximum(memory.largest, candidate)
        square = memory.largest / (corrected if recipe.amsgrad == "raw" else 1.0)
    eps = recipe.eps / np.sqrt(corrected) if recipe.eps_uncorrected else recipe.eps
    return _mean(recipe, t, g, memory) / _root(recipe, square, eps)


def _mean(recipe: Recipe, t: int, g: Any, memory: Memory) -> Any:
    beta, mean = recipe.beta1, memory.mean
    if recipe.looks_ahead == "schedule":
        at = lambda t: beta * (1 - 0.5 * 0.96 ** (t * recipe.momentum_decay))
        memory.product = memory.product * at(t)
        ahead = at(t + 1) / (1 - memory.product * at(t + 1)) * mean
        return (1 - at(t)) / (1 - memory.product) * g + ahead
    corrected = _correction(recipe, beta, t) if recipe.corrects_first else 1.0
    if recipe.looks_ahead == "constant":
        following = _correction(recipe, beta, t + 1) if recipe.corrects_first else 1.0
        return beta * mean / following + (1 - beta) * g / corrected
    return mean / corrected


def _correction(recipe: Recipe, beta: Any, t: int) -> Any:
    return 1 - beta ** (t + recipe.correction_shift)


def _root(recipe: Recipe, square: Any, eps: Any) -> Any:
    """√(s+ε_root) + ε, which nothing is divided by where it is 0."""
    root = np.sqrt(square + recipe.eps_root) + eps
    return root if recipe.family == "adam" or root.all() else np.where(root == 0, 1.0, root)


def _with_momentum(recipe: Recipe, t: int, d: Any, memory: Memory) -> Any:
    mu = recipe.momentum
    if isinstance(mu, float) and mu == 0:
        return d
    dampened = t > 1 or recipe.dampens_first
    weight = 1 - mu if recipe.averages else 1 - recipe.dampening if dampened else 1.0
    memory.buffer = mu * memory.buffer + weight * d
    buffer = memory.buffer / (1 - mu**t) if recipe.averages == "debiased" else memory.buffer
    return d + mu * buffer if recipe.nesterov else buffer
