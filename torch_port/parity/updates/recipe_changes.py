"""One change of an optimiser's recipe that may be what the other side does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch_port.parity.diagnosis.hypotheses import Domain
from torch_port.parity.updates.recipes import Recipe


@dataclass(frozen=True)
class RecipeChange:
    """One change of a recipe, with a constant where that is unknown.

    Attributes:
      touches: what it changes; two that touch the same are not tried together.
      name: of the setting, in the words of the report.
      of_torch: the setting there.
      of_jax: the setting there; None where it is the constant that is to be found.
      change: from the recipe, and the constant where there is one, to the recipe instead.
      starts: values from which the constant is looked for; none where there is none.
      domain: of the constant.
      rate: of a change of the learning rate: whether it is one factor for `"all"`, one for each
        `"tensor"`, or one for each `"step"`.
    """

    touches: str
    name: str
    of_torch: Any
    of_jax: Any = None
    change: Callable[..., Recipe] = lambda recipe: recipe
    starts: tuple[float, ...] = ()
    domain: Domain = "positive"
    rate: Literal["", "all", "tensor", "step"] = ""


Kernels = tuple[bool, ...]
"""Of each parameter, whether it is one: it has more than one axis."""


def switch(
    touches: str, name: str, recipe: Recipe, of_torch: Any, of_jax: Any, **fields: Any
) -> Iterator[RecipeChange]:
    """A change of settings that leaves no constant open."""
    unchanged = all(getattr(recipe, field) == value for field, value in fields.items())
    if not unchanged:
        change = lambda recipe: replace(recipe, **fields)
        yield RecipeChange(touches, name, of_torch, of_jax, change)
