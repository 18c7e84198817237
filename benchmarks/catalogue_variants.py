"""For each difference of the catalogue, a training that is right and one with it, and what it is.

One thing differs in each pair; everything else is as in `Training`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from benchmarks import catalogue_nets as nets
from jaxnn import initializers, layers, losses, optim
from jaxnn.activations import elu, gelu, leaky_relu, relu, silu, softplus
from jaxnn.typing import GradientTransformation, Layer


def cross_entropy(outputs, labels):
    return losses.softmax_cross_entropy(outputs, labels).mean()


class Training(NamedTuple):
    """A training, all of it.

    Attributes:
      model: a layer from images to ten numbers.
      loss: of outputs and labels of a batch, one number.
      optimizer: a gradient transformation.
      evaluated: the layer as it is evaluated, where that differs.
      order: which of the orders of examples.
      batch_size: examples a step.
      ragged: whether the rest of the examples makes a last, smaller batch.
    """

    model: Layer = nets.mlp()
    loss: Callable = cross_entropy
    optimizer: GradientTransformation = optim.adam(1e-3)
    evaluated: Layer | None = None
    order: int = 0
    batch_size: int = 100
    ragged: bool = False


class Pair(NamedTuple):
    """Two trainings and what is changed from one to the other, in words."""

    right: Training
    wrong: Training
    changed: str


SGD = Training(optimizer=optim.sgd(0.02))


def one_hot(labels):
    return jax.nn.one_hot(labels, 10)


def of_models(right: Layer, wrong: Layer, changed: str) -> Pair:
    return Pair(Training(right), Training(wrong), changed)


def of_losses(right: Callable, wrong: Callable, changed: str, base: Training = SGD) -> Pair:
    return Pair(base._replace(loss=right), base._replace(loss=wrong), changed)


def of_activations(right: Callable, wrong: Callable, changed: str) -> Pair:
    return of_models(*(nets.mlp(activations=[f, f]) for f in (right, wrong)), changed)


def square(*, transposed: bool = False, exchanged: bool = False) -> Layer:
    """784-32-32-32-10 whose two square kernels are used transposed, or exchanged."""
    model = nets.mlp((784, 32, 32, 32, 10))
    first, second = 4, 6

    def apply(params, state, x, **options):
        params = list(params)
        if exchanged:
            params[first], params[second] = params[second], params[first]
        if transposed:
            params[first] = {**params[first], "kernel": params[first]["kernel"].T}
        return model.apply(tuple(params), state, x, **options)

    return Layer("square", model.init, apply)


def without(name: str, value: float, model: Layer) -> Layer:
    """A model that uses a value for every number of its parameters of a name."""
    fixed = lambda path, p: jnp.full_like(p, value) if path[-1].key == name else p

    def apply(params, state, x, **options):
        return model.apply(jax.tree_util.tree_map_with_path(fixed, params), state, x, **options)

    return Layer("without", model.init, apply)


def normalized(axis: int, correction: int, epsilon: float = 1e-5) -> Layer:
    """The MLP with a normalisation without parameters before each activation."""

    def function(x):
        centered = x - x.mean(axis, keepdims=True)
        variance = x.var(axis, ddof=correction, keepdims=True)
        return centered / jnp.sqrt(variance + epsilon)

    return nets.mlp(between=lambda size: layers.activation(function))


def batch_normalized(*, momentum=0.1, biased=False, trains=True) -> Layer:
    """The MLP with batch norm; its running variance with n, or never the batch's statistics."""

    def between(size):
        norm = layers.batch_norm(size, momentum=momentum)

        def apply(params, state, x, *, key=None, train=False):
            y, new = norm.apply(params, state, x, key=key, train=train and trains)
            if biased and train:
                excess = x.var(0, ddof=1) - x.var(0)
                new = {**new, "var": new["var"] - momentum * excess}
            return y, new

        return Layer("batch_norm", norm.init, apply)

    return nets.mlp(between=between)


def drops(rate: float, *, scaled=True, evaluates=False) -> Layer:
    """The MLP with dropout; unscaled, or dropping in evaluation too."""
    dropout = layers.dropout(rate)

    def apply(params, state, x, *, key=None, train=False):
        key = jax.random.key(0) if evaluates and not train else key
        y, state = dropout.apply(params, state, x, key=key, train=train or evaluates)
        return (1 - rate) * y if train and not scaled else y, state

    return nets.mlp(between=lambda size: Layer("dropout", dropout.init, apply))


def in_bfloat16() -> Layer:
    """The MLP whose matrix products round what they multiply to bfloat16."""
    less = lambda x: x.astype(jnp.bfloat16).astype(x.dtype)

    def dense(inside, outside):
        layer = layers.dense(inside, outside)

        def apply(params, state, x, **options):
            return layer.apply({**params, "kernel": less(params["kernel"])}, state, less(x))

        return Layer("dense", layer.init, apply)

    parts = [dense(*sizes) for sizes in zip(nets.SIZES, nets.SIZES[1:], strict=False)]
    act = layers.activation(relu)
    return layers.serial(nets.INPUT, layers.flatten(), parts[0], act, parts[1], act, parts[2])


def clamped_softplus(x):
    return jnp.where(x > 20, x, softplus(x))


def layer_norm(epsilon: float) -> Layer:
    return nets.mlp(between=lambda size: layers.layer_norm(size, epsilon=epsilon))


MODELS = {
    "kernel-transposed": of_models(square(), square(transposed=True), "a square kernel transposed"),
    "bias-missing": of_models(nets.mlp(), without("bias", 0.0, nets.mlp()), "no biases"),
    "parameters-permuted": of_models(
        square(), square(exchanged=True), "two square layers exchanged"
    ),
    "flatten-order": of_models(
        nets.convolution(), nets.convolution(order=(0, 1, 2, 3)), "channels last before flattening"
    ),
    "conv-padding-same": of_models(
        nets.convolution(), nets.convolution(((0, 1), (0, 1))), '"SAME" for padding=1, stride 2'
    ),
    "conv-transpose-flip": of_models(
        nets.transposed_convolution(flip=False),
        nets.transposed_convolution(flip=True),
        "the kernel flipped in space",
    ),
    "lstm-gate-order": of_models(nets.lstm(), nets.lstm((0, 1, 3, 2)), "i, f, o, g for i, f, g, o"),
    "recurrent-double-bias": of_models(
        nets.gru(), nets.gru(inner_bias=False), "both biases of the candidate outside the reset"
    ),
    "gru-reset-order": of_models(
        nets.gru(), nets.gru(resets_product=False), "the reset before the product"
    ),
    "attention-scale": of_models(
        nets.attention(), nets.attention(scale=1 / 16), "products by 1/16 for 1/√16"
    ),
    "attention-mask": of_models(
        nets.attention(), nets.attention(may_attend=False), "a causal mask inverted"
    ),
    "gelu-approximation": of_activations(gelu, lambda x: gelu(x, True), "tanh for erf"),
    "leaky-relu-slope": of_activations(
        leaky_relu, lambda x: leaky_relu(x, 0.2), "slope 0.2 for 0.01"
    ),
    "elu-alpha": of_activations(elu, lambda x: elu(x, 0.5), "α = 0.5 for 1"),
    "softplus-threshold": of_activations(softplus, clamped_softplus, "x itself above 20"),
    "activation-different": of_activations(relu, silu, "SiLU for ReLU"),
    "activation-missing": of_models(
        nets.mlp(), nets.mlp(activations=[relu, lambda x: x]), "no second ReLU"
    ),
    "batch-norm-momentum": of_models(
        batch_normalized(), batch_normalized(momentum=0.01), "new value's weight 0.01 for 0.1"
    ),
    "batch-norm-running-variance": of_models(
        batch_normalized(), batch_normalized(biased=True), "n for n − 1, batches of 100"
    ),
    "normalization-epsilon": of_models(
        layer_norm(1e-5), layer_norm(1e-6), "ε of layer norm 1e-6 for 1e-5"
    ),
    "scale-missing": of_models(
        layer_norm(1e-5), without("scale", 1.0, layer_norm(1e-5)), "layer norm without scales"
    ),
    "normalization-axis": of_models(
        normalized(-1, 0), normalized(0, 0), "over the batch, not the features"
    ),
    "batch-norm-mode": of_models(
        batch_normalized(), batch_normalized(trains=False), "running statistics while training"
    ),
    "dropout-rate": of_models(drops(0.2), drops(0.5), "rate 0.5 for 0.2"),
    "dropout-rate-complement": of_models(drops(0.2), drops(0.8), "rate 0.8 for 0.2"),
    "dropout-scaling": of_models(drops(0.2), drops(0.2, scaled=False), "no 1/(1 − p) in training"),
    "dropout-mode": Pair(
        Training(drops(0.2)),
        Training(drops(0.2), evaluated=drops(0.2, evaluates=True)),
        "drops while evaluated",
    ),
    "variance-correction": of_models(
        normalized(-1, 0), normalized(-1, 1), "n − 1 for n in a layer norm of 64 and 32"
    ),
    "initializer-default": of_models(
        nets.mlp(),
        nets.mlp(kernel_init=initializers.lecun_normal, bias_init=initializers.zeros),
        "LeCun normal and zeros for ±1/√in",
    ),
    "embedding-initializer": of_models(
        nets.embedding(1.0), nets.embedding(0.25), "standard deviation 1/√16 for 1"
    ),
    "embedding-padding": of_models(
        nets.embedding(1.0, trains_empty=False), nets.embedding(1.0), "the empty word is trained"
    ),
    "truncated-normal-correction": of_models(
        nets.mlp(kernel_init=initializers.lecun_normal),
        nets.mlp(kernel_init=lambda *a: 0.8796 * initializers.lecun_normal(*a)),
        "standard deviation 0.88/√in for 1/√in",
    ),
    "input-scaling": of_models(
        nets.mlp(), nets.mlp(prepare=layers.normalize_images(0.0, 1.0)), "[0, 1] for [−1, 1]"
    ),
    "matmul-precision": of_models(
        nets.mlp(), in_bfloat16(), "products of bfloat16, rounded here as a TPU does"
    ),
}
