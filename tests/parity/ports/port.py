"""What a port is here, and what is wrong with a mutant of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Pair = tuple[Any, Any, Any, dict[str, Any]]
"""Both sides, the inputs or parameters, and the settings of the comparison."""


@dataclass(frozen=True)
class Mutant:
    """A port with one mistake.

    Attributes:
      settings: what the JAX side is made with instead of the right values.
      cause: the id of the mistake in the catalogue.
      place: kind and JAX path of the first fault: `"layer LayerNorm_0"`.
      module: PyTorch's path of the module at fault, where the JAX side is a function and has no
        layers; None elsewhere.
      constant: that is to be recovered for the JAX side, in PyTorch's convention.
      step: of an optimiser, at which it first shows; None elsewhere.
      also: other causes that are right as well.
      reason: why they are.
    """

    settings: Mapping[str, Any]
    cause: str
    place: str
    module: str | None = None
    constant: float | None = None
    step: int | None = None
    also: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        return ", ".join(f"{name}={_shown(value)}" for name, value in self.settings.items())


@dataclass(frozen=True)
class Port:
    """A PyTorch program, or optimiser, and its port to JAX.

    Attributes:
      make: from `seed`, `scale` (of the inputs) and settings of the JAX side to the pair; without
        settings the port is right.
      mutants: wrong settings.
      scales: of the inputs at which the right port is tried.
      of_optimizers: whether `compare_optimizers` compares the pair, and not `compare`.
    """

    make: Callable[..., Pair]
    mutants: tuple[Mutant, ...]
    scales: tuple[float, ...] = (1e-3, 1.0, 1e3)
    of_optimizers: bool = False

    @property
    def name(self) -> str:
        """Of the function that makes it, in words."""
        return self.make.__name__.replace("_", " ")


def wrong(cause: str, place: str, name: str, *values: Any, **others: Any) -> tuple[Mutant, ...]:
    """One mutant for each wrong value of a setting."""
    return tuple(Mutant({name: value}, cause, place, **others) for value in values)


def constants(
    cause: str,
    place: str,
    name: str,
    *values: float,
    recovered: Callable[[float], float] = lambda value: value,
    **others: Any,
) -> tuple[Mutant, ...]:
    """Likewise, where the value is to be recovered."""
    return tuple(
        Mutant({name: value}, cause, place, constant=recovered(value), **others) for value in values
    )


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return f"{value:.5g}" if isinstance(value, float) else str(value)
