"""A PyTorch program as a sequence of calls, any of which may be answered otherwise.

Modules and functions alike end in calls of PyTorch's own functions: `nn.LayerNorm(8)` in
`layer_norm(input, (8,), weight, bias, eps=1e-5)`. A hypothesis of what differs is another answer to
one of these calls, so that a module and a hand-written forward pass are treated the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from torch_port.convert.masks import dropped
from torch_port.parity.sides.torch_functions import ARGUMENTS, BY_POSITION, SAME


@dataclass(frozen=True)
class Call:
    """One call of a function of PyTorch in a forward pass.

    Attributes:
      index: its number among the calls that are followed.
      name: of the function: `"layer_norm"`; `"input"` and `"output"` stand for the arguments and
        the results of the whole program.
      path: of the module in whose forward pass it is made.
      function: what was called.
      args: by position.
      kwargs: by name.
      named: the program's parameters and inputs by name, which an edit may use.
    """

    index: int
    name: str
    path: str
    function: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    named: Mapping[str, torch.Tensor]

    def __call__(self, **changes: Any) -> Any:
        """The result, with some of the arguments changed."""
        names = [*ARGUMENTS.get(self.name, ("input",))][: len(self.args)]
        args = [changes.pop(name, arg) for name, arg in zip(names, self.args, strict=False)]
        return self.function(*args, *self.args[len(args) :], **{**self.kwargs, **changes})

    def __getitem__(self, argument: str) -> Any:
        """An argument by name, or its default."""
        table = ARGUMENTS.get(self.name, {"input": None})
        if argument in self.kwargs:
            return self.kwargs[argument]
        by_position = dict(zip(table, self.args, strict=False))
        return by_position.get(argument, table.get(argument))


Edit = Callable[[Call], Any]
"""What a call is answered with instead of its result."""

Edits = Mapping[int, Edit]


class Follow(TorchFunctionMode):
    """Writes down the calls of a forward pass, answers some otherwise, and gives dropout its masks.

    Args:
      mask_of: from a shape and a rate to a mask, as for `MasksInstead`.
      edits: answers by the number of the call.
      named: the program's parameters and inputs.

    Example:
      >>> with Follow(lambda shape, rate: None, {0: lambda call: call(negative_slope=0.5)}) as mode:
      ...     functional.leaky_relu(torch.tensor([-1.0, 1.0]))
      tensor([-0.5000,  1.0000])
      >>> [call.name for call in mode.calls]
      ['leaky_relu']
    """

    def __init__(
        self,
        mask_of: Callable[[torch.Size, float], Any],
        edits: Edits | None = None,
        named: Mapping[str, torch.Tensor] | None = None,
    ):
        super().__init__()
        self.mask_of = mask_of
        self.named = {**(named or {})}
        self.edits = edits or {}
        self.calls: list[Call] = []
        self.paths: list[str] = [""]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "").removesuffix("_")
        name = SAME.get(name, name)
        if func is functional.dropout:
            return self.answer(name, self.drop, args, kwargs or {})
        if name not in ARGUMENTS or len(args) > BY_POSITION.get(name, 99):
            return func(*args, **(kwargs or {}))
        return self.answer(name, func, args, kwargs or {})

    def answer(self, name: str, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The result of a call, or of the edit that stands for it."""
        call = Call(len(self.calls), name, self.paths[-1], func, args, kwargs, self.named)
        self.calls.append(call)
        edit = self.edits.get(call.index)
        with torch._C.DisableTorchFunction():  # what an edit calls is not the program's
            return edit(call) if edit else call()

    def drop(self, input, p=0.5, training=True, inplace=False):
        """Dropout by a given mask."""
        return dropped(input, self.mask_of(input.shape, p), p) if training else input
