"""Which functions of PyTorch are followed: their arguments by position, with their defaults."""

from collections.abc import Mapping
from typing import Any


def _alike(names: str, **arguments: Any) -> dict[str, Mapping[str, Any]]:
    """Functions with the same arguments."""
    return {name: arguments for name in names.split()}


_CONVOLUTION = {"input": None, "weight": None, "bias": None, "stride": 1, "padding": 0}
_RUNNING = {"input": None, "running_mean": None, "running_var": None, "weight": None, "bias": None}
_CELL = {"input": None, "hx": None, "w_ih": None, "w_hh": None, "b_ih": None, "b_hh": None}
_CLASSES = {"input": None, "target": None, "weight": None, "ignore_index": -100}
_LOSS = {"input": None, "target": None, "reduction": "mean"}
_WEIGHTED_LOSS = {"input": None, "target": None, "weight": None, "reduction": "mean"}

_ACTIVATIONS = {
    **_alike(
        "relu sigmoid tanh selu silu mish hardswish hardsigmoid softsign relu6 logsigmoid "
        "tanhshrink abs exp log log1p sqrt rsqrt erf square sign expm1",
        input=None,
    ),
    "gelu": {"input": None, "approximate": "none"},
    "leaky_relu": {"input": None, "negative_slope": 0.01},
    **_alike("elu celu", input=None, alpha=1.0),
    "prelu": {"input": None, "weight": None},
    "hardtanh": {"input": None, "min_val": -1.0, "max_val": 1.0},
    "softplus": {"input": None, "beta": 1.0, "threshold": 20.0},
    **_alike("softmax log_softmax", input=None, dim=None),
    "clamp": {"input": None, "min": None, "max": None},
}

_LAYERS = {
    "linear": {"input": None, "weight": None, "bias": None},
    **_alike("conv1d conv2d conv3d", **_CONVOLUTION, dilation=1, groups=1),
    **_alike(
        "conv_transpose1d conv_transpose2d conv_transpose3d",
        **_CONVOLUTION,
        output_padding=0,
        groups=1,
        dilation=1,
    ),
    "embedding": {"input": None, "weight": None, "padding_idx": None},
    "dropout": {"input": None, "p": 0.5, "training": True, "inplace": False},
    "batch_norm": {**_RUNNING, "training": False, "momentum": 0.1, "eps": 1e-5},
    "instance_norm": {**_RUNNING, "use_input_stats": True, "momentum": 0.1, "eps": 1e-5},
    "layer_norm": {
        "input": None,
        "normalized_shape": None,
        "weight": None,
        "bias": None,
        "eps": 1e-5,
    },
    "rms_norm": {"input": None, "normalized_shape": None, "weight": None, "eps": None},
    "group_norm": {"input": None, "num_groups": None, "weight": None, "bias": None, "eps": 1e-5},
    "normalize": {"input": None, "p": 2.0, "dim": 1, "eps": 1e-12},
    **_alike("lstm gru", input=None, hx=None, params=None),
    **_alike("lstm_cell gru_cell", **_CELL),
    "multi_head_attention_forward": {"query": None, "key": None, "value": None},
    "scaled_dot_product_attention": {
        "query": None,
        "key": None,
        "value": None,
        "attn_mask": None,
        "dropout_p": 0.0,
        "is_causal": False,
        "scale": None,
    },
    **_alike(
        "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d",
        input=None,
        kernel_size=None,
        stride=None,
        padding=0,
    ),
}

_ARITHMETIC = {
    "flatten": {"input": None, "start_dim": 0, "end_dim": -1},
    **_alike("reshape view", input=None),
    **_alike("chunk split", input=None, sizes=None, dim=0),
    "masked_fill": {"input": None, "mask": None, "value": None},
    "where": {"condition": None, "input": None, "other": None},
    **_alike("triu tril", input=None, diagonal=0),
    **_alike("var std mean sum amax max", input=None, dim=None),
    **_alike("add sub mul div pow matmul bmm", input=None, other=None),
}

_LOSSES = {
    "cross_entropy": {**_CLASSES, "reduction": "mean", "label_smoothing": 0.0},
    "nll_loss": {**_CLASSES, "reduction": "mean"},
    **_alike("mse_loss l1_loss soft_margin_loss", **_LOSS),
    "binary_cross_entropy": _WEIGHTED_LOSS,
    "binary_cross_entropy_with_logits": {**_WEIGHTED_LOSS, "pos_weight": None},
    "huber_loss": {**_LOSS, "delta": 1.0},
    "smooth_l1_loss": {**_LOSS, "beta": 1.0},
    "kl_div": {**_LOSS, "log_target": False},
}

ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    **_ACTIVATIONS,
    **_LAYERS,
    **_ARITHMETIC,
    **_LOSSES,
}
"""The arguments of every function that is followed, with their defaults, in the order in which
they may be given by position."""

BY_POSITION = {
    "cross_entropy": 3,
    "nll_loss": 3,
    "binary_cross_entropy": 3,
    "binary_cross_entropy_with_logits": 3,
    **dict.fromkeys(["mse_loss", "l1_loss", "soft_margin_loss", "kl_div", "smooth_l1_loss"], 2),
    "scaled_dot_product_attention": 6,
}
"""How many arguments stand where the table says before others, out of use, come between."""

SAME = {"true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub"}
"""Other names of these functions."""
