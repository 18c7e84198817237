"""The settings of two optimisers side by side: PyTorch's from its groups, Optax's from closures."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch

from torch_port.parity.report import Setting
from torch_port.parity.settings.attributes import Attributes, Read, differs, shown


class Link(NamedTuple):
    """One transformation of a chain: what made it, and the values that its functions close over."""

    maker: str
    values: Mapping[str, Any]


KNOWN = {
    *("scale_by_adam", "scale_by_amsgrad", "scale_by_rms", "scale_by_stddev", "scale_by_rss"),
    *("trace", "scale", "scale_by_schedule", "scale_by_learning_rate", "add_decayed_weights"),
    *("identity", "clip_by_global_norm", "clip"),
}
"""What a chain may consist of, so that a setting that was not found is known to be absent."""

SECOND_MOMENTS = {
    *("scale_by_adam", "scale_by_amsgrad", "scale_by_rms", "scale_by_stddev", "scale_by_rss")
}

NAMES = {
    "b1": "beta1",
    "b2": "beta2",
    "eps": "eps",
    "eps_root": "eps_root",
    "weight_decay": "weight_decay",
    "nesterov": "nesterov",
    "initial_scale": "initial_accumulator_value",
    "initial_accumulator_value": "initial_accumulator_value",
    "max_norm": "clip_by_global_norm",
}
"""What a value of Optax's is called in the table."""

ABSENT = {
    **dict.fromkeys(("weight_decay", "momentum", "dampening", "eps_root", "lr_decay"), 0),
    **dict.fromkeys(("nesterov", "amsgrad", "centered", "maximize"), False),
    **dict.fromkeys(("initial_accumulator_value", "momentum_decay"), 0),
}
"""What it means that a side does not mention a setting."""

TORCH_NAMES = (
    *("lr", "eps", "weight_decay", "momentum", "dampening", "alpha", "nesterov", "amsgrad"),
    *("centered", "maximize", "momentum_decay", "lr_decay", "initial_accumulator_value"),
)


def optimizer_settings(
    transformation: Any, torch_optimizer: torch.optim.Optimizer
) -> tuple[Setting, ...]:
    """What both optimisers were made with, as far as it can be read.

    Args:
      transformation: Optax's or `jaxnn`'s; what its functions close over is read, and what hides
        its values otherwise is left out.
      torch_optimizer: its groups of parameters are read one by one.

    Returns:
      A row for each setting that either side has; it differs if both are known, and not the same.

    Example:
      >>> from jaxnn import optim
      >>> theirs = torch.optim.Adam([torch.zeros(1)], lr=1e-2)
      >>> [s.name for s in optimizer_settings(optim.adam(1e-3), theirs) if s.differs]
      ['lr']
    """
    links = [*_links(transformation.update, transformation.init)]
    ours = _of_chain(links)
    complete = all(link.maker in KNOWN for link in links)
    groups = torch_optimizer.param_groups
    rows = []
    for i, group in enumerate(groups):
        theirs = _of_group(type(torch_optimizer).__name__, group)
        place = "optimizer" if len(groups) == 1 else f"optimizer, group {i}"
        for name in {**theirs, **ours}:
            absent = Read(None, ABSENT.get(name))
            pair = ours.get(name, absent if complete else None), theirs.get(name, absent)
            rows.append(
                Setting(place, name, shown(ours, name), shown(theirs, name), differs(*pair))
            )
    return tuple(rows)


def _links(update: Callable[..., Any], init: Callable[..., Any] | None) -> Iterator[Link]:
    """The transformations within a chain, in order."""
    values = _closed_over(update)
    maker = getattr(update, "__qualname__", "").partition(".<locals>")[0]
    inner = [pair for value in values.values() for pair in _functions(value)]
    if maker in KNOWN:
        of_parts = [_closed_over(function) for function, _ in inner]
        of_init = {} if init is None else _closed_over(init)
        yield Link(maker, {k: v for part in (*of_parts, of_init, values) for k, v in part.items()})
    elif inner:
        for pair in inner:
            yield from _links(*pair)
    else:
        yield Link(maker, values)


def _closed_over(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return dict(inspect.getclosurevars(function).nonlocals)
    except TypeError:  # not written in Python
        return {}


def _functions(value: Any) -> list[tuple[Callable[..., Any], Callable[..., Any] | None]]:
    """The updates within a value, each with its `init` where it has one."""
    if hasattr(value, "update") and hasattr(value, "init"):
        return [(value.update, value.init)]
    if isinstance(value, tuple | list):
        return [pair for entry in value for pair in _functions(entry)]
    return [(value, None)] if inspect.isfunction(value) else []


def _of_chain(links: list[Link]) -> Attributes:
    found: Attributes = {}
    rates: list[Any] = []
    makers = [link.maker for link in links]
    for link in links:
        for name, value in link.values.items():
            if name in NAMES and _is_plain(value):
                found[NAMES[name]] = _same(value)
        if "decay" in link.values and link.maker in ("trace", "scale_by_rms", "scale_by_stddev"):
            found["momentum" if link.maker == "trace" else "alpha"] = _same(link.values["decay"])
        rates += [
            link.values[name] for name in ("step_size", "step_size_fn") if name in link.values
        ]
        if link.maker in SECOND_MOMENTS:
            inside = link.maker == "scale_by_rss" or link.values.get("eps_in_sqrt", False)
            found["place of eps"] = _same("inside the root" if inside else "outside the root")
    if "scale_by_amsgrad" in makers:
        found["amsgrad"] = _same(True)
    if "scale_by_stddev" in makers:
        found["centered"] = _same(True)
    if found.get("weight_decay"):
        first = [i for i, m in enumerate(makers) if m in SECOND_MOMENTS or m == "trace"]
        coupled = not first or makers.index("add_decayed_weights") < first[0]
        found["weight decay is"] = _same("in the gradient" if coupled else "apart from it")
    if rates:
        found["lr"] = _rate(rates)
    return found


def _rate(steps: list[Any]) -> Read:
    """The learning rate, minus the product of all factors; a schedule's first value is known."""
    if not all(map(_is_plain, steps)):
        return Read("a schedule")
    product = 1.0
    for step in steps:
        product *= float(step)
    return _same(-product)


def _of_group(kind: str, group: Mapping[str, Any]) -> Attributes:
    plain = {name: group[name] for name in TORCH_NAMES if name in group}
    found = {name: _same(value) for name, value in plain.items() if _is_plain(value)}
    if "betas" in group:
        found |= {f"beta{i + 1}": _same(beta) for i, beta in enumerate(group["betas"])}
    if kind == "NAdam":
        found["nesterov"] = _same(True)
    if "eps" in group:
        found["place of eps"] = _same("outside the root")
    if group.get("weight_decay"):
        apart = kind == "AdamW" or group.get("decoupled_weight_decay", False)
        found["weight decay is"] = _same("apart from it" if apart else "in the gradient")
    return found


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _same(value: Any) -> Read:
    """A setting that means what it shows."""
    return Read(value, value)
