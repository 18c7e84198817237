"""Networks: layers put together."""

import math
from collections.abc import Callable, Sequence

import jax

from jaxnn import checks, layers
from jaxnn.activations import relu, softmax
from jaxnn.initializers import torch_linear
from jaxnn.typing import Initializer, Layer


def mlp(
    sizes: Sequence[int],
    *,
    activation: Callable[[jax.Array], jax.Array] = relu,
    batch_norm: bool = False,
    dropout: float = 0.0,
    kernel_init: Initializer = torch_linear,
) -> Layer:
    """A multilayer perceptron: dense layers with an activation after each but the last.

    Between two dense layers stand, in this order, batch norm (if asked for), the activation, and
    dropout (if its rate is not 0).

    Args:
      sizes: features of the input, of each hidden layer, of the output: at least two.
      activation: of the hidden layers.
      batch_norm: whether to normalise before each activation.
      dropout: the probability to drop after each activation, in [0, 1).
      kernel_init: of every kernel.

    Returns:
      A `serial` layer from `(batch, sizes[0])` to `(batch, sizes[-1])`.

    Raises:
      ValueError: on fewer than two sizes, a size below 1 or a rate outside [0, 1).

    Example:
      >>> mlp((784, 256, 10), batch_norm=True)
      serial(dense(784, 256), batch_norm(256, 0.1, 1e-05), relu(), dense(256, 10))
    """
    if len(sizes) < 2:
        raise ValueError(f"mlp: sizes must hold input and output at least, got {tuple(sizes)}")
    for size in sizes:
        checks.require_positive_integer(size, "mlp: each of sizes")
    *hidden, out_size = sizes[1:]
    parts = []
    for in_size, size in zip(sizes, hidden, strict=False):
        parts.append(layers.dense(in_size, size, kernel_init=kernel_init))
        if batch_norm:
            parts.append(layers.batch_norm(size))
        parts.append(layers.activation(activation))
        if checks.is_traced(dropout) or dropout != 0:
            parts.append(layers.dropout(dropout))
    parts.append(layers.dense(sizes[-2], out_size, kernel_init=kernel_init))
    return layers.serial(*parts)


def image_classifier(
    image_shape: Sequence[int], hidden: Sequence[int], classes: int, **mlp_options
) -> Layer:
    """An `mlp` on raw images: pixels from [0, 255] or [0, 1] to [−1, 1], flattened, classified.

    Args:
      image_shape: of one image, such as (28, 28).
      hidden: features of the hidden layers.
      classes: the number of classes.
      **mlp_options: those of `mlp`.

    Returns:
      A `serial` layer from images `(batch, *image_shape)`, uint8 or floating, to logits
      `(batch, classes)`.

    Raises:
      ValueError: on sizes or options that `mlp` does not take.

    Example:
      >>> image_classifier((28, 28), [], 10)
      serial(normalize_images(0.5, 0.5), flatten(), dense(784, 10))
    """
    for side in image_shape or [0]:
        checks.require_positive_integer(side, "image_classifier: image_shape")
    perceptron = mlp((math.prod(image_shape), *hidden, classes), **mlp_options)
    return layers.serial(layers.normalize_images(0.5, 0.5), layers.flatten(), *perceptron.layers)


def simple_nn(*, softmax_output: bool = False) -> Layer:
    """The lecture's network on MNIST: 784 pixels, 256 and 128 hidden neurons with ReLU, 10 classes.

    Args:
      softmax_output: True ends in a softmax, as the lecture prints it. The loss applies softmax
        itself, so that a network trained this way cannot bring it below ln(1 + 9/e) = 1.4612.

    Returns:
      A layer from images `(batch, 28, 28)` to logits (or probabilities) `(batch, 10)`.

    Example:
      >>> print(layers.summary(simple_nn()))
      layer               shapes                         parameters
      0/normalize_images                                          0
      1/flatten                                                   0
      2/dense             kernel (784, 256)  bias (256,)    200,960
      3/relu                                                      0
      4/dense             kernel (256, 128)  bias (128,)     32,896
      5/relu                                                      0
      6/dense             kernel (128, 10)  bias (10,)        1,290
      total                                                 235,146
    """
    network = image_classifier((28, 28), (256, 128), 10)
    if softmax_output:
        return layers.serial(*network.layers, layers.activation(softmax))
    return network
