"""Several arrays of one side that are one of the other's: the gates of a cell, the heads' inputs.

Flax keeps a kernel for each gate, and one for queries, keys and values each; PyTorch stacks them.
The JAX side is seen with them stacked, so that everything behind it meets one array on each side.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from torch_port.parity.matching.layouts import arranged, restored
from torch_port.parity.sides.side import Arrays, Name, Side
from torch_port.parity.sides.torch_side import TorchSide

_LSTM = [("ii", "if", "ig", "io"), ("hi", "hf", "hg", "ho")]
_NNX_LSTM = [("ii", "if_", "ig", "io"), ("hi", "hf", "hg", "ho")]
_GRU = [("ir", "iz", "in"), ("hr", "hz", "hn")]

_FUSED = [("dense_i",), ("dense_h",)]

RECIPES = [
    *(
        [("weight_ih", i, "kernel"), ("weight_hh", h, "kernel"), ("bias_ih", biased, "bias")]
        for (i, h), biased in (
            (_LSTM, _LSTM[1]),
            (_NNX_LSTM, _NNX_LSTM[1]),
            ([("i",), ("h",)], ("i",)),
        )
    ),
    [
        ("weight_ih", _FUSED[0], "kernel"),
        ("weight_hh", _FUSED[1], "kernel"),
        ("bias_ih", _FUSED[0], "bias"),  # of a GRU and a simple cell
        ("bias_ih", _FUSED[1], "bias"),  # of an LSTM
    ],
    [
        ("weight_ih", _GRU[0], "kernel"),
        ("weight_hh", _GRU[1], "kernel"),
        ("bias_ih", _GRU[0], "bias"),
        ("bias_hh", ("hn",), "bias"),
    ],
    [
        ("in_proj_weight", ("query", "key", "value"), "kernel"),
        ("in_proj_bias", ("query", "key", "value"), "bias"),
        ("out_proj.weight", ("out",), "kernel"),
        ("out_proj.bias", ("out",), "bias"),
    ],
]
"""What PyTorch calls the stack of the arrays that Flax has in children of these names."""


class Part(NamedTuple):
    """One array of a stack: its name, its layout, and its shape in JAX."""

    name: Name
    layout: str
    shape: tuple[int, ...]


class Stack(NamedTuple):
    """Arrays of JAX's that PyTorch has as one, above one another."""

    name: Name
    parts: list[Part]

    def join(self, arrays: Arrays) -> np.ndarray:
        """The stack, in PyTorch's layout."""
        return np.concatenate([arranged(p.layout, arrays[p.name]) for p in self.parts])

    def split(self, stack: np.ndarray) -> dict[Name, np.ndarray]:
        """The arrays of a stack, in JAX's layout."""
        rows = [len(arranged(p.layout, np.empty(p.shape, np.bool_))) for p in self.parts]
        blocks = np.split(stack, np.cumsum(rows)[:-1])
        named = zip(self.parts, blocks, strict=True)
        return {p.name: restored(p.layout, block, p.shape) for p, block in named}


class Biases(NamedTuple):
    """The two biases of a cell of PyTorch's, of which only a sum counts.

    Attributes:
      inputs: the name of the one, which gets the sum.
      hidden: the name of the other, which gets 0, but for the candidate gate of a GRU: there it is
        multiplied before it is added.
      candidate: how many numbers that gate has; 0 where there is none.
    """

    inputs: Name
    hidden: Name
    candidate: int

    def join(self, arrays: Arrays) -> dict[Name, np.ndarray]:
        """The sum, and what is left of the other."""
        hidden = np.array(arrays[self.hidden])
        rest = hidden[len(hidden) - self.candidate :].copy()
        hidden[len(hidden) - self.candidate :] = 0
        kept = {self.hidden: rest} if self.candidate else {}
        return {**arrays, self.inputs: arrays[self.inputs] + hidden, **kept}

    def split(self, arrays: Arrays) -> dict[Name, np.ndarray]:
        """Both, as PyTorch wants them."""
        hidden = np.zeros_like(arrays[self.inputs])
        if self.candidate:
            hidden[-self.candidate :] = arrays[self.hidden]
        return {**arrays, self.hidden: hidden}

    def gradients(self, arrays: Arrays) -> dict[Name, np.ndarray]:
        """The gradients by what `join` gives."""
        hidden = arrays[self.hidden]
        return {**arrays, self.hidden: hidden[len(hidden) - self.candidate :]}


def stacked(ours: Side, theirs: TorchSide) -> tuple[Side, TorchSide, list[str]]:
    """Both sides with the parameters of cells and of attention in a form that both have.

    Args:
      ours: the JAX side.
      theirs: the PyTorch side.

    Returns:
      The JAX side with its gates stacked as PyTorch's, the PyTorch side with one bias where Flax
      has one, and what is to be said about it.
    """
    names = [*theirs.values.params]
    stacks = [*_stacks(ours.values.params, {place(name, names)[1] for name in names})]
    if not stacks:
        return ours, theirs, []
    biases = [*_biases(theirs.values.params)]
    ours = _seen(ours, lambda arrays: _joined(arrays, stacks), lambda a: _parted(a, stacks))
    without = {b.hidden for b in biases if not b.candidate}
    kept = lambda arrays: {name: a for name, a in arrays.items() if name not in without}
    through = lambda function: lambda arrays: kept(_each(biases, function, arrays))
    theirs = _seen(
        theirs,
        through(Biases.join),
        lambda arrays: _each(biases, Biases.split, arrays),
        through(Biases.gradients),
    )
    return ours, theirs, [_note(b) for b in biases]


def place(name: Name, names: Container[Name]) -> tuple[str, str]:
    """The path of the layer that a parameter of PyTorch's belongs to, and its name there.

    Args:
      name: of the parameter.
      names: of all parameters.

    Example:
      >>> place(Name("lstm", "weight_ih_l1", "."), ())
      ('lstm.l1', 'weight_ih')
    """
    cell = re.fullmatch(r"((?:weight|bias)_(?:ih|hh))(?:_(l\d+(?:_reverse)?))?", name.short)
    if cell:
        number = "" if cell[2] in (None, "l0") else f".{cell[2]}"
        return f"{name.layer}{number}".removeprefix("."), cell[1]
    parent, _, child = name.layer.rpartition(".")
    if child == "out_proj" and Name(parent, "in_proj_weight", ".") in names:
        return parent, f"{child}.{name.short}"
    return name.layer, name.short


def _stacks(params: Arrays, wanted: Iterable[str]) -> Iterable[Stack]:
    children: dict[str, dict[str, dict[str, Name]]] = {}
    for name in params:
        parent, _, child = name.layer.rpartition("/")
        children.setdefault(parent, {}).setdefault(child, {})[name.short] = name
    for parent, named in children.items():
        for recipe in RECIPES:
            needed = {child for _, names, _ in recipe for child in names}
            if needed <= named.keys() and recipe[0][0] in wanted:
                yield from _cooked(parent, named, recipe, params)
                break


def _cooked(parent, named, recipe, params):
    for _, children, short in recipe:
        names = [named[child][short] for child in children if short in named[child]]
        if len(names) == len(children):
            parts = [Part(n, _layout(n, params[n].ndim), params[n].shape) for n in names]
            yield Stack(Name(parent, stack_name(children, short)), parts)


def stack_name(children: tuple[str, ...], short: str) -> str:
    """What a stack is called on the JAX side.

    Example:
      >>> stack_name(("query", "key", "value"), "kernel")
      '{query,key,value}/kernel'
    """
    return f"{children[0]}/{short}" if len(children) == 1 else f"{{{','.join(children)}}}/{short}"


STACK_TWINS = {
    stack_name(children, short): (torch_short,)
    for recipe in RECIPES
    for torch_short, children, short in recipe
}


def _layout(name: Name, axes: int) -> str:
    if name.short == "bias":
        return "flat"
    if axes == 2:
        return "kernel"
    return "kernel out of heads" if name.layer.endswith("out") else "kernel into heads"


def _joined(arrays: Arrays, stacks: list[Stack]) -> dict[Name, np.ndarray]:
    """Each stack where its first part was."""
    heads = {stack.parts[0].name: stack for stack in stacks}
    parts = {part.name for stack in stacks for part in stack.parts}
    named = {
        name: (heads[name].name, heads[name].join(arrays)) if name in heads else (name, array)
        for name, array in arrays.items()
        if name in heads or name not in parts
    }
    return dict(named.values())


def _parted(arrays: Arrays, stacks: list[Stack]) -> dict[Name, np.ndarray]:
    parts = [stack.split(arrays[stack.name]) for stack in stacks]
    return {**arrays, **{name: array for named in parts for name, array in named.items()}}


def _biases(params: Arrays) -> Iterable[Biases]:
    for name, array in params.items():
        other = name._replace(short=name.short.replace("_ih", "_hh"))
        if place(name, params)[1] == "bias_ih" and other in params:
            weight = params[other._replace(short=other.short.replace("bias", "weight"))]
            gates = len(array) // weight.shape[1]
            yield Biases(name, other, weight.shape[1] if gates == 3 else 0)


def _each(biases: list[Biases], function: Callable[..., Any], arrays: Arrays) -> Arrays:
    for pair in biases:
        arrays = function(pair, arrays)
    return arrays


def _note(biases: Biases) -> str:
    where = ", but for the candidate gate" if biases.candidate else ""
    return (
        f"of PyTorch's {biases.inputs} and {biases.hidden} only the sum counts{where}: "
        f"the first was given it, and the second 0"
    )


AnySide = TypeVar("AnySide", bound=Side)


def _seen(
    side: AnySide,
    join: Callable[[Arrays], Mapping[Name, Any]],
    split: Callable[[Arrays], Mapping[Name, Any]],
    join_gradients: Callable[[Arrays], Any] | None = None,
) -> AnySide:
    """A side whose parameters are seen joined."""
    whole = lambda values: values._replace(params=split(values.params))
    gradients = join_gradients or join
    seen = lambda run: run._replace(params_gradients=gradients(run.params_gradients))
    changes: dict[str, Any] = {
        "values": side.values._replace(params=join(side.values.params)),
        "run": lambda values, precision: seen(side.run(whole(values), precision)),
        "float32_inside": lambda values: side.float32_inside(whole(values)),
        "repeats": lambda values: side.repeats(whole(values)),
    }
    if isinstance(side, TorchSide):

        def rerun(values, *settings):
            run, trace = side.rerun(whole(values), *settings)
            return seen(run), trace

        changes["rerun"] = rerun
    return replace(side, **changes)
