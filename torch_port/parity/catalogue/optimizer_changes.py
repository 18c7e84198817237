"""What the entries about optimisers change of a recipe."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from torch_port.parity.diagnosis.hypotheses import Domain
from torch_port.parity.updates.recipe_changes import Kernels, RecipeChange, switch
from torch_port.parity.updates.recipes import Number, Recipe

SQUARES = ("rmsprop", "adagrad", "adam")
"""The families that divide by the root of squares."""

MOST_MASKED = 8
"""Up to as many parameters, each alone may be left out of the decay."""


def epsilon(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.family not in SQUARES:
        return
    place = "inside the root" if recipe.eps_root else "outside the root"
    eps, root = recipe.eps, recipe.eps_root
    move = lambda r: replace(r, eps=r.eps_root, eps_root=r.eps, eps_uncorrected=False)
    other = "outside the root" if root else "inside the root"
    yield RecipeChange("place of ε", "ε", place, other, move)
    if recipe.corrects_second and eps:
        before = "outside the root, before the bias correction"
        yield from switch("place of ε", "ε", recipe, place, before, eps_uncorrected=True)
    if eps and not root and recipe.family == "adam":
        also = lambda r, value: replace(r, eps_root=value)
        yield RecipeChange(
            "place of ε", "a second ε inside the root", 0.0, None, also, (1e-8, 1e-3)
        )


def bias_correction(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.family not in ("adam", "rmsprop"):
        return
    both = recipe.corrects_first, recipe.corrects_second
    words = {
        (True, True): "of both moments", (False, False): "none",
        (True, False): "of the first moment", (False, True): "of the second moment",
    }  # fmt: skip
    kinds = [*words] if recipe.family == "adam" else [(False, False), (False, True)]
    for kind in kinds:
        fields = {"corrects_first": kind[0], "corrects_second": kind[1]}
        said = words[both], words[kind]
        yield from switch("bias correction", "bias correction", recipe, *said, **fields)
    if any(both):
        for shift, said in ((1, "with t+1"), (-1, "with t−1")):
            yield from switch(
                "bias correction", "bias correction", recipe, "with t", said, correction_shift=shift
            )


def _constant(
    name: str, field: str, torch: Number, starts: tuple[float, ...], domain: Domain = "positive"
) -> Iterator[RecipeChange]:
    """a setting of the optimiser has another value, for the parameters that have it at all."""
    change = lambda r, value: replace(r, **{field: _where_set(getattr(r, field), value)})
    values = torch if isinstance(torch, tuple) else (torch,)
    shown = next((value for value in values if value), 0.0)
    near = tuple(dict.fromkeys([*(v for v in [shown] if v), *starts]))
    yield RecipeChange(field, name, shown, None, change, near, domain)
    if shown:
        yield RecipeChange(field, name, shown, 0.0, lambda recipe: change(recipe, 0.0))


def _where_set(old: Number, value: float) -> Number:
    return tuple(value if x else 0.0 for x in old) if isinstance(old, tuple) else value


def hyperparameters(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    rate = recipe.rates[0]
    for kind in ("all", "tensor", "step"):
        names = {"all": "", "tensor": " of each parameter", "step": " of each step"}
        yield RecipeChange("rate", "learning rate" + names[kind], rate, rate=kind)
    yield from _decays(recipe, kernels)
    if recipe.family in ("sgd", "rmsprop"):
        yield from _constant("momentum", "momentum", recipe.momentum, (0.9, 0.5), "unit")
    if recipe.family == "adam":
        yield from _constant("β₁", "beta1", recipe.beta1, (0.9,), "unit")
    if recipe.family in ("adam", "rmsprop"):
        yield from _constant("β₂", "beta2", recipe.beta2, (0.9, 0.99, 0.999), "unit")
    if recipe.family in SQUARES:
        yield _epsilon_value(recipe)
    if recipe.looks_ahead == "schedule":
        psi = recipe.momentum_decay
        yield from _constant("momentum decay", "momentum_decay", psi, (4e-3,))
    if recipe.family == "adagrad":
        yield from _constant("decay of the learning rate", "rate_decay", recipe.rate_decay, (0.1,))


def _epsilon_value(recipe: Recipe) -> RecipeChange:
    """ε, wherever another change may have put it."""
    change = lambda r, value: replace(r, **{"eps_root" if r.eps_root else "eps": value})
    torch = recipe.eps_root or recipe.eps
    near = torch if isinstance(torch, float) and torch else 1e-8
    return RecipeChange("ε", "ε", torch, None, change, (near, 1e-7, 1e-5, 1e-3, 1e-10, 1e-1))


def _decays(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    decay = recipe.weight_decay
    if decay:
        yield from _constant("weight decay", "weight_decay", decay, (1e-2, 1e-4))
        return
    places = ("gradient", "update")
    for place in places if recipe.family != "sgd" or recipe.momentum else places[:1]:
        change = lambda r, value, place=place: replace(r, weight_decay=value, decay_to=place)
        said = {"gradient": "added to the gradient", "update": "decoupled"}[place]
        name = f"weight decay ({said})"
        yield RecipeChange("weight_decay", name, 0.0, None, change, (1e-2, 1e-4))
        if any(kernels) and not all(kernels):
            masked = lambda r, value, change=change: _masked(kernels)(change(r, value))
            name = f"weight decay of kernels ({said})"
            yield RecipeChange("weight_decay", name, 0.0, None, masked, (1e-2, 1e-4))


DECAY_TO = {
    "gradient": "in the gradient",
    "direction": "before the momentum",
    "update": "in the update",
}


def _decay_moves(recipe: Recipe) -> Iterator[RecipeChange]:
    if recipe.weight_decay:
        for place, said in DECAY_TO.items():
            before = DECAY_TO[recipe.decay_to]
            if place == "direction" and not (recipe.momentum and recipe.family != "sgd"):
                continue  # it is the same as one of the others
            yield from switch("decay", "weight decay", recipe, before, said, decay_to=place)


def decay_coupled(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.family != "sgd":
        yield from _decay_moves(recipe)


def decay_order(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.family == "sgd" and recipe.momentum:
        yield from _decay_moves(recipe)


def decay_mask(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if not np.any(recipe.weight_decay):
        return
    masks = {"kernels only": kernels, "all but kernels": tuple(not k for k in kernels)}
    if isinstance(recipe.weight_decay, tuple):
        masks["all parameters"] = (True,) * len(kernels)
    if len(kernels) <= MOST_MASKED:
        for i in range(len(kernels)):
            masks[f"all but parameter {i}"] = tuple(j != i for j in range(len(kernels)))
    before = "as the parameter groups say" if isinstance(recipe.weight_decay, tuple) else "on all"
    for said, mask in masks.items():
        if any(mask):
            yield RecipeChange("mask", "weight decay", before, f"on {said}", _masked(mask))


def _masked(mask: tuple[bool, ...]):
    def change(recipe: Recipe) -> Recipe:
        decay = float(np.max(recipe.weight_decay))
        of_each = tuple(decay if decays else 0.0 for decays in mask)
        return replace(recipe, weight_decay=of_each if not all(mask) else decay)

    return change


def dampening(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if not recipe.momentum:
        return
    if recipe.dampening:
        said = recipe.dampening, 0.0
        yield from switch("momentum", "dampening", recipe, *said, dampening=0.0)
        said = "from the second step", "from the first step"
        yield from switch("momentum", "dampening", recipe, *said, dampens_first=True)
    change = lambda r, value: replace(r, dampening=value, averages="")
    yield RecipeChange("momentum", "dampening", recipe.dampening, None, change, (0.5, 0.9), "unit")


def average(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.momentum:
        for kind in ("plain", "debiased", "") if recipe.averages else ("plain", "debiased"):
            of = {"": "a sum", "plain": "an average", "debiased": "an average without bias"}
            said = of[recipe.averages], of[kind]
            yield from switch("momentum", "momentum", recipe, *said, averages=kind, dampening=0.0)


def nesterov(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.family == "adam":
        if not recipe.looks_ahead:
            yield from switch(
                "nesterov", "Nesterov's form", recipe, False, True, looks_ahead="constant"
            )
        else:
            yield from switch("nesterov", "Nesterov's form", recipe, True, False, looks_ahead="")
    elif recipe.momentum:
        other = not recipe.nesterov
        said = recipe.nesterov, other
        yield from switch("nesterov", "Nesterov's form", recipe, *said, nesterov=other)


def momentum_rate(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.momentum:
        said = ("inside the buffer", "outside the buffer")
        of_torch, of_jax = said if recipe.rate_inside else said[::-1]
        yield from switch(
            "place of the rate", "learning rate", recipe, of_torch, of_jax,
            rate_inside=not recipe.rate_inside,
        )  # fmt: skip


def initial(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.family in SQUARES:
        yield from _constant("initial accumulator", "initial", recipe.initial, (0.1, 1.0, 1e-3))


def centered(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.family == "rmsprop":
        other = not recipe.centered
        yield from switch("centered", "centered", recipe, not other, other, centered=other)


AMSGRAD = {
    "": "no maximum",
    "raw": "the maximum before the bias correction",
    "corrected": "the maximum after the bias correction",
}


def amsgrad(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.family == "adam":
        for kind, said in AMSGRAD.items():
            before = AMSGRAD[recipe.amsgrad]
            yield from switch("amsgrad", "AMSGrad", recipe, before, said, amsgrad=kind)


def nadam(recipe: Recipe, kernels: Kernels) -> Iterator[RecipeChange]:
    if recipe.looks_ahead:
        said = {"schedule": "grows with the step", "constant": "constant"}
        other = "constant" if recipe.looks_ahead == "schedule" else "schedule"
        yield from switch(
            "nesterov", "β₁", recipe, said[recipe.looks_ahead], said[other], looks_ahead=other
        )
