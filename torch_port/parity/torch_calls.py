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

from torch_port.layers import apply_mask

_POSITIONAL = {
    # activations
    **dict.fromkeys(
        "relu sigmoid tanh selu silu mish hardswish hardsigmoid softsign relu6 logsigmoid tanhshrink "
        "abs exp log log1p sqrt rsqrt erf square sign expm1".split(),
        {"input": None},
    ),
    "gelu": {"input": None, "approximate": "none"},
    "leaky_relu": {"input": None, "negative_slope": 0.01},
    "elu": {"input": None, "alpha": 1.0},
    "celu": {"input": None, "alpha": 1.0},
    "prelu": {"input": None, "weight": None},
    "hardtanh": {"input": None, "min_val": -1.0, "max_val": 1.0},
    "softplus": {"input": None, "beta": 1.0, "threshold": 20.0},
    "softmax": {"input": None, "dim": None},
    "log_softmax": {"input": None, "dim": None},
    "clamp": {"input": None, "min": None, "max": None},
    # layers
    "linear": {"input": None, "weight": None, "bias": None},
    **dict.fromkeys(
        ["conv1d", "conv2d", "conv3d"],
        {
            "input": None, "weight": None, "bias": None, "stride": 1, "padding": 0, "dilation": 1,
            "groups": 1,
        },
    ),
    **dict.fromkeys(
        ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"],
        {
            "input": None, "weight": None, "bias": None, "stride": 1, "padding": 0,
            "output_padding": 0, "groups": 1, "dilation": 1,
        },
    ),
    "embedding": {"input": None, "weight": None, "padding_idx": None},
    "dropout": {"input": None, "p": 0.5, "training": True, "inplace": False},
    "batch_norm": {
        "input": None, "running_mean": None, "running_var": None, "weight": None, "bias": None,
        "training": False, "momentum": 0.1, "eps": 1e-5,
    },
    "layer_norm": {
        "input": None, "normalized_shape": None, "weight": None, "bias": None, "eps": 1e-5,
    },
    "rms_norm": {"input": None, "normalized_shape": None, "weight": None, "eps": None},
    "group_norm": {
        "input": None, "num_groups": None, "weight": None, "bias": None, "eps": 1e-5,
    },
    "instance_norm": {
        "input": None, "running_mean": None, "running_var": None, "weight": None, "bias": None,
        "use_input_stats": True, "momentum": 0.1, "eps": 1e-5,
    },
    "normalize": {"input": None, "p": 2.0, "dim": 1, "eps": 1e-12},
    "lstm": {"input": None, "hx": None, "params": None},
    "lstm_cell": {
        "input": None, "hx": None, "w_ih": None, "w_hh": None, "b_ih": None, "b_hh": None,
    },
    "gru": {"input": None, "hx": None, "params": None},
    "gru_cell": {
        "input": None, "hx": None, "w_ih": None, "w_hh": None, "b_ih": None, "b_hh": None,
    },
    "multi_head_attention_forward": {"query": None, "key": None, "value": None},
    "scaled_dot_product_attention": {
        "query": None, "key": None, "value": None, "attn_mask": None, "dropout_p": 0.0,
        "is_causal": False, "scale": None,
    },
    **dict.fromkeys(
        "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d".split(),
        {"input": None, "kernel_size": None, "stride": None, "padding": 0},
    ),
    "interpolate": {
        "input": None, "size": None, "scale_factor": None, "mode": "nearest",
        "align_corners": None, "antialias": False,
    },
    # shapes
    "flatten": {"input": None, "start_dim": 0, "end_dim": -1},
    **dict.fromkeys(["reshape", "view"], {"input": None}),
    **dict.fromkeys(["chunk", "split"], {"input": None, "sizes": None, "dim": 0}),
    # masks
    "masked_fill": {"input": None, "mask": None, "value": None},
    "where": {"condition": None, "input": None, "other": None},
    **dict.fromkeys(["triu", "tril"], {"input": None, "diagonal": 0}),
    # reductions and arithmetic
    **dict.fromkeys(["var", "std", "var_mean", "std_mean"], {"input": None, "dim": None}),
    **dict.fromkeys(["mean", "sum", "amax", "max"], {"input": None, "dim": None}),
    **dict.fromkeys(
        ["add", "sub", "mul", "div", "pow", "matmul", "bmm"], {"input": None, "other": None}
    ),
    # losses
    "cross_entropy": {
        "input": None, "target": None, "weight": None, "ignore_index": -100, "reduction": "mean",
        "label_smoothing": 0.0,
    },
    "nll_loss": {
        "input": None, "target": None, "weight": None, "ignore_index": -100, "reduction": "mean",
    },
    **dict.fromkeys(
        ["mse_loss", "l1_loss", "soft_margin_loss"],
        {"input": None, "target": None, "reduction": "mean"},
    ),
    "binary_cross_entropy": {
        "input": None, "target": None, "weight": None, "reduction": "mean",
    },
    "binary_cross_entropy_with_logits": {
        "input": None, "target": None, "weight": None, "reduction": "mean", "pos_weight": None,
    },
    "huber_loss": {"input": None, "target": None, "reduction": "mean", "delta": 1.0},
    "smooth_l1_loss": {"input": None, "target": None, "reduction": "mean", "beta": 1.0},
    "kl_div": {"input": None, "target": None, "reduction": "mean", "log_target": False},
}  # fmt: skip
"""The arguments of every function that is followed, with their defaults, in the order in which
they may be given by position."""

_BY_KEYWORD_BEHIND = {
    "cross_entropy": 3, "nll_loss": 3, "mse_loss": 2, "l1_loss": 2, "soft_margin_loss": 2,
    "binary_cross_entropy": 3, "binary_cross_entropy_with_logits": 3, "kl_div": 2,
    "smooth_l1_loss": 2, "scaled_dot_product_attention": 6,
}  # fmt: skip
"""How many arguments stand where the table says before others, out of use, come between."""

_SAME = {"__add__": "add", "__mul__": "mul", "truediv": "div", "true_divide": "div", "rsub": "sub"}


@dataclass(frozen=True)
class Call:
    """One call of a function of PyTorch in a forward pass.

    Attributes:
      index: its number among the calls that are followed.
      name: of the function: `"layer_norm"`; `"input"` and `"output"` stand for the arguments and the
        results of the whole program.
      path: of the module in whose forward pass it is made.
      function: what was called.
      args: by position.
      kwargs: by name.
      module: the whole program, whose parameters an edit may use; None for a function alone.
    """

    index: int
    name: str
    path: str
    function: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    module: torch.nn.Module | None = None

    def __call__(self, **changes: Any) -> Any:
        """The result, with some of the arguments changed."""
        names = [*_POSITIONAL.get(self.name, ("input",))][: len(self.args)]
        args = [changes.pop(name, arg) for name, arg in zip(names, self.args, strict=False)]
        return self.function(*args, *self.args[len(args) :], **{**self.kwargs, **changes})

    def __getitem__(self, argument: str) -> Any:
        """An argument by name, or its default."""
        table = _POSITIONAL.get(self.name, {"input": None})
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
      module: the program that is run.

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
        module: torch.nn.Module | None = None,
    ):
        super().__init__()
        self.mask_of = mask_of
        self.module = module
        self.edits = edits or {}
        self.calls: list[Call] = []
        self.paths: list[str] = [""]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "").removesuffix("_")
        name = _SAME.get(name, name)
        if func is functional.dropout:
            return self.answer(name, self.drop, args, kwargs or {})
        if name not in _POSITIONAL or len(args) > _BY_KEYWORD_BEHIND.get(name, 99):
            return func(*args, **(kwargs or {}))
        return self.answer(name, func, args, kwargs or {})

    def answer(self, name: str, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """The result of a call, or of the edit that stands for it."""
        call = Call(len(self.calls), name, self.paths[-1], func, args, kwargs, self.module)
        self.calls.append(call)
        edit = self.edits.get(call.index)
        return edit(call) if edit else call()

    def drop(self, input, p=0.5, training=True, inplace=False):
        """Dropout by a given mask."""
        return apply_mask(input, self.mask_of(input.shape, p), p) if training else input
