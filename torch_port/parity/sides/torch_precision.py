"""The precision of a PyTorch run: set for what it makes itself, watched for what stays below."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from torch_port.parity.sides.side import Precision


@contextmanager
def in_precision(precision: Precision) -> Iterator[None]:
    """The dtype of the tensors that a program makes itself."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, precision))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


class Float32Inside(TorchDispatchMode):
    """Watches a float64 run for what is cast to, or held in, less."""

    def __init__(self):
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        came = {x.dtype for x in tree_leaves(args) if isinstance(x, torch.Tensor)}
        gave = {x.dtype for x in tree_leaves(result) if isinstance(x, torch.Tensor)}
        less = {torch.float32, torch.float16, torch.bfloat16}
        if "_to_copy" in str(func) and torch.float64 in came and gave & less:
            self.found.add("casts to float32")
        elif torch.float64 in came and came & less:
            self.found.add("holds a constant in float32")
        return result
