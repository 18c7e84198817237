"""The shapes that hypotheses about PyTorch's calls have: another argument, another function."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from torch_port.parity.diagnosis.hypotheses import Domain, Hypothesis
from torch_port.parity.sides.torch_calls import Call

NORMS = {"batch_norm", "layer_norm", "rms_norm", "group_norm", "instance_norm"}

CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}

WITH_KERNEL = {"linear", *CONVOLUTIONS}

TRANSPOSED = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}


def another(call: Call, said: str, *, of: tuple[Any, Any] = (None, None), **arguments: Any):
    """The call with other arguments; `of` is what PyTorch and JAX have, where that is a setting."""
    return Hypothesis(call.index, lambda c: c(**arguments), said, of_torch=of[0], of_jax=of[1])


def constant(
    call: Call, argument: str, said: str, starts: tuple[float, ...], domain: Domain = "positive"
) -> Hypothesis:
    """The call with another number as an argument, which is to be found."""
    return Hypothesis(
        call.index,
        lambda c, value: c(**{argument: value}),
        said,
        starts,
        domain,
        of_torch=call[argument],
    )


def instead(
    call: Call, change: Callable[[Call], Any], said: str, *, of: tuple[Any, Any] = (None, None)
) -> Hypothesis:
    """Something else in place of the call's result."""
    return Hypothesis(call.index, change, said, of_torch=of[0], of_jax=of[1])


def tensors(call: Call) -> Iterator[torch.Tensor]:
    """The tensors that a call was given by position."""
    yield from (x for x in call.args if isinstance(x, torch.Tensor))


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
