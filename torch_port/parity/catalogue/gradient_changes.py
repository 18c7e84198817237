"""What the entries about optimisers change of gradients, signs and rates."""

from collections.abc import Iterator
from dataclasses import replace

from torch_port.parity.updates.recipe_changes import Kernels, RecipeChange, switch
from torch_port.parity.updates.recipes import Recipe


def sign(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    said = {1.0: "descends", -1.0: "climbs"}
    sign = recipe.gradient_sign
    if isinstance(sign, float):
        yield from switch("sign", "sign", recipe, said[sign], said[-sign], gradient_sign=-sign)
    other = -recipe.update_sign
    yield from switch("sign", "sign of the update", recipe, "minus", "plus", update_sign=other)


def schedule(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if len({*recipe.rates}) > 1:
        for shift in (1, -1):
            said = f"from step {shift:+d}".replace("-", "−")
            yield from switch(
                "rate", "schedule", recipe, "from its first step", said, rate_shift=shift
            )


CLIPS = (
    ("global norm", 0.0), ("global norm", 1e-6), ("norm of each parameter", 0.0),
    ("norm of each parameter", 1e-6), ("rms of each parameter", 0.0), ("value", 0.0),
)  # fmt: skip


def clipping(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    of_torch = _clip_words(recipe.clip, recipe.clip_added, recipe.clip_at)
    if recipe.clip:
        yield from switch("clipping", "clipping", recipe, of_torch, "none", clip="")
    for kind, added in CLIPS:
        fields = {"clip": kind, "clip_added": added}
        if recipe.clip:
            said = _clip_words(kind, added, recipe.clip_at)
            yield from switch("clipping", "clipping", recipe, of_torch, said, **fields)
        change = lambda r, value, fields=fields: replace(r, **fields, clip_at=value)
        words = _clip_words(kind, added)
        name = f"clipping by {words}"
        torch = recipe.clip_at if (recipe.clip, recipe.clip_added) == (kind, added) else of_torch
        yield RecipeChange("clipping", name, torch, None, change, (1.0, 0.1, 10.0))


def _clip_words(kind: str, added: float, at: float | None = None) -> str:
    if not kind:
        return "none"
    words = kind + (f" + {added:g}" if added else "")
    return words if at is None else f"{words} at {at:g}"


def accumulation(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    of = lambda k, mean: "none" if k == 1 else f"{'mean' if mean else 'sum'} of {k}"
    before = of(recipe.accumulated, recipe.accumulates_mean)
    for k in (1, 2, 3, 4, 5, 8):
        for mean in (True, False) if k > 1 else (False,):
            yield from switch(
                "accumulation", "accumulation of gradients", recipe, before, of(k, mean),
                accumulated=k, accumulates_mean=mean,
            )  # fmt: skip


def not_cleared(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    of = {False: "cleared at each step", True: "never cleared"}
    before = recipe.sums_gradients
    yield from switch(
        "clearing", "gradients", recipe, of[before], of[not before], sums_gradients=not before
    )
