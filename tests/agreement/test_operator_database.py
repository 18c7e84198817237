"""PyTorch's own operators on the sample inputs of PyTorch's own database, against `jaxnn`'s.

The database (`op_db`) holds the inputs that PyTorch tests its operators with. Each adapter below
brings `jaxnn`'s function to PyTorch's arguments: axes, reductions, layouts. A sample that has no
equal in `jaxnn` is named with the reason.
"""

import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jaxnn import activations, layers, losses


class NoEqual(Exception):
    """The sample asks for what `jaxnn` does not have."""


def refuse(reason, when=True):
    if when:
        raise NoEqual(reason)


def elementwise(function):
    return lambda x, **_: function(x)


def along_axis(function):
    def adapted(x, axis, dtype=None):
        refuse("no axis", x.ndim == 0)
        refuse("no numbers", x.size == 0)
        return function(x, axis)

    return adapted


def softplus(x, beta, threshold):
    return jnp.where(beta * x > threshold, x, activations.softplus(beta * x) / beta)


def reduced(values, reduction):
    return {"none": lambda v: v, "mean": jnp.mean, "sum": jnp.sum}[reduction](values)


def each_number_an_example(loss):
    """A loss by element: every number is an example of its own."""

    def adapted(x, target, *, reduction="mean", weight=1.0, pos_weight=None, **options):
        refuse("pos_weight", pos_weight is not None)
        values = loss(x.reshape(-1), target.reshape(-1), **options).reshape(x.shape)
        return reduced(values * jnp.broadcast_to(weight, x.shape), reduction)

    return adapted


def kl_divergence(log_p, target, log_target=False):
    target = jnp.exp(target) if log_target else target
    return losses.kl_divergence(log_p[:, None], target[:, None])


def kl_div(x, target, *, reduction="mean", log_target=False):
    if reduction == "batchmean":
        return kl_div(x, target, reduction="sum", log_target=log_target) / x.shape[0]
    return each_number_an_example(kl_divergence)(
        x, target, reduction=reduction, log_target=log_target
    )


def smooth_l1(x, target, beta=1.0):
    refuse("beta of 0", beta == 0)
    return losses.huber(x, target, beta) / beta


def cross_entropy(
    x, target, *, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    """Classes are PyTorch's axis 1; its mean divides by the weights of the labels that count."""
    is_classes = jnp.issubdtype(target.dtype, jnp.integer)
    rows = lambda a: jnp.moveaxis(a, 1, -1).reshape(-1, x.shape[1])
    labels = target.reshape(-1) if is_classes else rows(target)
    ignored = {"ignore_label": ignore_index} if is_classes else {}
    options = {"label_smoothing": label_smoothing, "class_weights": weight}
    values = losses.softmax_cross_entropy(rows(x), labels, **options, **ignored)
    if reduction != "mean":
        return reduced(values.reshape(x.shape[0], *x.shape[2:]), reduction)
    if not is_classes:  # without weights of the labels
        return jnp.mean(values)
    per_class = jnp.ones(x.shape[1]) if weight is None else weight
    counts = jnp.where(labels == ignore_index, 0, per_class[jnp.clip(labels, 0)])
    return jnp.sum(values) / jnp.sum(counts)


def linear(x, weight, bias=None):
    layer = layers.dense(weight.shape[1], weight.shape[0], use_bias=bias is not None)
    params = {"kernel": weight.T} | ({} if bias is None else {"bias": bias})
    return layer.apply(params, {}, x)[0]


def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    refuse("an epsilon that is not positive", eps <= 0)
    size = math.prod(shape)
    flat = x.reshape(*x.shape[: x.ndim - len(shape)], size)
    scale = jnp.ones(size) if weight is None else weight.reshape(-1)
    bias = jnp.zeros(size) if bias is None else bias.reshape(-1)
    params = {"scale": scale, "bias": bias}
    return layers.layer_norm(size, epsilon=eps).apply(params, {}, flat)[0].reshape(x.shape)


def batch_norm(
    x, mean, var, weight=None, bias=None, *, training=False, momentum=0.1, eps=1e-5, **_
):
    refuse("no numbers", x.size == 0)
    refuse("a momentum outside [0, 1]", training and not 0 <= momentum <= 1)
    size = x.shape[1]
    fill = lambda given, value: jnp.full(size, value) if given is None else given
    params = {"scale": fill(weight, 1.0), "bias": fill(bias, 0.0)}
    state = {"mean": fill(mean, 0.0), "var": fill(var, 1.0), "count": jnp.array(0)}
    layer = layers.batch_norm(size, momentum=momentum if training else 0.1, epsilon=eps)
    y, state = layer.apply(params, state, jnp.moveaxis(x, 1, -1), train=training)
    running = () if mean is None else (state["mean"], state["var"])
    return (jnp.moveaxis(y, -1, 1), *running)


ADAPTERS = {
    "sigmoid": elementwise(activations.sigmoid),
    "tanh": elementwise(activations.tanh),
    "nn.functional.relu": elementwise(activations.relu),
    "nn.functional.leaky_relu": elementwise(activations.leaky_relu),
    "nn.functional.elu": elementwise(activations.elu),
    "nn.functional.gelu": lambda x, approximate: activations.gelu(x, approximate == "tanh"),
    "nn.functional.silu": elementwise(activations.silu),
    "nn.functional.softplus": softplus,
    "softmax": along_axis(activations.softmax),
    "nn.functional.softmin": along_axis(lambda x, axis: activations.softmax(-x, axis)),
    "log_softmax": along_axis(activations.log_softmax),
    "nn.functional.cross_entropy": cross_entropy,
    "nn.functional.binary_cross_entropy": each_number_an_example(losses.binary_cross_entropy),
    "nn.functional.binary_cross_entropy_with_logits": each_number_an_example(
        losses.sigmoid_binary_cross_entropy
    ),
    "nn.functional.mse_loss": each_number_an_example(losses.squared_error),
    "nn.functional.l1_loss": each_number_an_example(losses.absolute_error),
    "nn.functional.huber_loss": each_number_an_example(losses.huber),
    "nn.functional.smooth_l1_loss": each_number_an_example(smooth_l1),
    "nn.functional.kl_div": kl_div,
    "nn.functional.linear": linear,
    "nn.functional.layer_norm": layer_norm,
    "nn.functional.batch_norm": batch_norm,
}

NO_EQUAL = {
    "softmax": {"no axis", "no numbers"},
    "nn.functional.softmin": {"no axis", "no numbers"},
    "log_softmax": {"no axis", "no numbers"},
    "nn.functional.binary_cross_entropy_with_logits": {"pos_weight"},
    "nn.functional.smooth_l1_loss": {"beta of 0"},
    "nn.functional.layer_norm": {"an epsilon that is not positive"},
    "nn.functional.batch_norm": {"no numbers", "a momentum outside [0, 1]"},
}
"""Why samples of an operator are left out; a reason that no sample gives is an error too."""


@pytest.fixture(scope="module")
def database():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what PyTorch's test helpers import
        from torch.testing._internal.common_methods_invocations import op_db
    return [op for op in op_db if op.name in ADAPTERS and op.variant_test_name != "complex"]


def tensors_of(sample):
    """Every tensor of a sample by its place among the arguments."""
    arguments = {0: sample.input, **dict(enumerate(sample.args, 1)), **sample.kwargs}
    return {place: x for place, x in arguments.items() if isinstance(x, torch.Tensor)}


def called(function, sample, tensors):
    """The function with the tensors put in their places."""
    positional = [
        tensors.get(i, argument) for i, argument in enumerate([sample.input, *sample.args])
    ]
    return function(
        *positional, **sample.kwargs | {k: v for k, v in tensors.items() if isinstance(k, str)}
    )


def of_pytorch(op, sample):
    """Values, gradients, and for batch norm the running statistics that PyTorch writes."""
    tensors = {place: x.detach().clone() for place, x in tensors_of(sample).items()}
    moving = [p for p, x in tensors_of(sample).items() if x.requires_grad]
    for place in moving:
        tensors[place].requires_grad_()
    result = called(op.op, sample, tensors)
    cotangent = torch.tensor(np.random.default_rng(0).normal(size=result.shape))
    result.backward(cotangent)
    grads = {place: tensors[place].grad for place in moving}
    statistics = []
    if op.name.endswith("batch_norm") and 1 in tensors:
        statistics = [tensors[1], tensors[2]]
    return [result.detach(), *statistics], grads, cotangent


def of_jaxnn(op, sample, moving, cotangent):
    arrays = {place: jnp.array(x.detach().numpy()) for place, x in tensors_of(sample).items()}

    def run(moved):
        result = called(ADAPTERS[op.name], sample, arrays | moved)
        return (result[0], result[1:]) if isinstance(result, tuple) else (result, ())

    output, pull, statistics = jax.vjp(run, {p: arrays[p] for p in moving}, has_aux=True)
    return [output, *statistics], pull(jnp.array(cotangent))[0]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # of F.kl_div
@pytest.mark.parametrize("name", ADAPTERS)
def test_values_and_gradients_are_those_of_pytorchs_operator(name, database):
    compared, refused = 0, set()
    for op in [op for op in database if op.name == name]:
        for sample in op.sample_inputs("cpu", torch.float64, requires_grad=True):
            try:
                values, grads, cotangent = of_pytorch(op, sample)
                ours, our_grads = of_jaxnn(op, sample, list(grads), cotangent)
            except NoEqual as reason:
                refused.add(str(reason))
                continue
            compared += 1
            for a, b in zip(ours, values, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
            largest = max((float(g.abs().max()) for g in grads.values() if g.numel()), default=0)
            for place, gradient in grads.items():
                atol = 1e-14 * largest  # where terms have cancelled, to their rounding
                np.testing.assert_allclose(
                    our_grads[place], gradient, rtol=1e-10, atol=atol, err_msg=str(place)
                )
    assert compared
    assert refused == NO_EQUAL.get(name, set())
