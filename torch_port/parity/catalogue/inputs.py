"""What both sides are fed: scales of inputs that a program applies itself."""

from collections.abc import Callable, Iterator

import torch

from torch_port.parity.catalogue.changes import WITH_KERNEL, instead, is_number
from torch_port.parity.catalogue.entry import Entry
from torch_port.parity.diagnosis.hypotheses import Context, Hypothesis
from torch_port.parity.sides.torch_calls import Call

SCALES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "x / 255": lambda x: x / 255,
    "255 x": lambda x: x * 255,
    "2 x - 1": lambda x: 2 * x - 1,
    "(x + 1) / 2": lambda x: (x + 1) / 2,
    "x / 127.5 - 1": lambda x: x / 127.5 - 1,
    "(x - 0.5) / 0.5": lambda x: (x - 0.5) / 0.5,
    "(x - 0.1307) / 0.3081": lambda x: (x - 0.1307) / 0.3081,
    "0.3081 x + 0.1307": lambda x: 0.3081 * x + 0.1307,
}


def _scaled(call: Call, context: Context) -> Iterator[Hypothesis]:
    before = {earlier.name for earlier in context.calls[: call.index]}
    first = not before & {*WITH_KERNEL, "matmul", "bmm"}
    scales = call.name in ("sub", "div", "mul", "add") and is_number(call["other"])
    if (call.index == 0 or (scales and first)) and call["input"].is_floating_point():
        for said, scale in SCALES.items():
            change = lambda c, s=scale: s(c())
            yield instead(call, change, f"{said} for an input x", of=("x", said))


ENTRIES = (
    Entry(
        "input-scaling",
        "the inputs are scaled otherwise",
        "Images come as 0 to 255, 0 to 1, -1 to 1, or with mean 0 and standard deviation 1.",
        "feed JAX what PyTorch gets: {torch}",
        "feed PyTorch what JAX gets: {jax}",
        "torchvision documentation, transforms.ToTensor",
        "data",
        _scaled,
    ),
)
