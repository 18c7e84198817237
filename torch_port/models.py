"""Networks: layers put together."""

import math
from collections.abc import Callable, Sequence

from torch import Generator, Tensor

from torch_port import checks, layers
from torch_port.activations import relu, softmax
from torch_port.initializers import Initializer, torch_linear


class _Network(layers.Serial):
    """A `Sequential` that is made from sizes, which `Sequential` cannot do when it is sliced."""

    def __getitem__(self, index):
        return layers.Serial(*self)[index]


class MLP(_Network):
    """A multilayer perceptron: dense layers with an activation after each but the last.

    Between two dense layers stand, in this order, batch norm (if asked for), the activation, and
    dropout (if its rate is not 0).

    Args:
      sizes: features of the input, of each hidden layer, of the output: at least two.
      activation: of the hidden layers.
      batch_norm: whether to normalise before each activation.
      dropout: the probability to drop after each activation, in [0, 1).
      kernel_init: of every weight.
      generator: what the initial values are drawn from; None is PyTorch's global generator.

    Raises:
      ValueError: on fewer than two sizes, a size below 1 or a rate outside [0, 1).

    Example:
      >>> print(layers.summary(MLP((784, 256, 10), batch_norm=True)))
      layer         shapes                         parameters
      0/dense       weight (256, 784)  bias (256,)    200,960
      1/batch_norm  weight (256,)  bias (256,)            512
      2/relu                                                0
      3/dense       weight (10, 256)  bias (10,)        2,570
      total                                           204,042
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: Callable[[Tensor], Tensor] = relu,
        batch_norm: bool = False,
        dropout: float = 0.0,
        kernel_init: Initializer = torch_linear,
        generator: Generator | None = None,
    ):
        if len(sizes) < 2:
            raise ValueError(f"mlp: sizes must hold input and output at least, got {tuple(sizes)}")
        for size in sizes:
            checks.require_positive_integer(size, "mlp: each of sizes")
        drawn = {"kernel_init": kernel_init, "generator": generator}
        *hidden, out_size = sizes[1:]
        parts = []
        for in_size, size in zip(sizes, hidden, strict=False):
            parts.append(layers.Dense(in_size, size, **drawn))
            if batch_norm:
                parts.append(layers.BatchNorm(size))
            parts.append(layers.Activation(activation))
            if dropout != 0:
                parts.append(layers.Dropout(dropout))
        parts.append(layers.Dense(sizes[-2], out_size, **drawn))
        super().__init__(*parts)


class ImageClassifier(_Network):
    """An `MLP` on raw images: pixels from [0, 255] or [0, 1] to [−1, 1], flattened, classified.

    Args:
      image_shape: of one image, such as (28, 28).
      hidden: features of the hidden layers.
      classes: the number of classes.
      **mlp_options: those of `MLP`.

    Example:
      >>> import torch
      >>> ImageClassifier((28, 28), [], 10)(torch.zeros(5, 28, 28, dtype=torch.uint8)).shape
      torch.Size([5, 10])
    """

    def __init__(
        self, image_shape: Sequence[int], hidden: Sequence[int], classes: int, **mlp_options
    ):
        for side in image_shape or [0]:
            checks.require_positive_integer(side, "image_classifier: image_shape")
        perceptron = MLP((math.prod(image_shape), *hidden, classes), **mlp_options)
        super().__init__(layers.NormalizeImages(0.5, 0.5), layers.Flatten(), *perceptron)


class SimpleNN(_Network):
    """The lecture's network on MNIST: 784 pixels, 256 and 128 hidden neurons with ReLU, 10 classes.

    Args:
      softmax_output: True ends in a softmax, as the lecture prints it. The loss applies softmax
        itself, so that a network trained this way cannot bring it below ln(1 + 9/e) = 1.4612.
      generator: what the initial values are drawn from; None is PyTorch's global generator.

    Example:
      >>> print(layers.summary(SimpleNN()))
      layer               shapes                         parameters
      0/normalize_images                                          0
      1/flatten                                                   0
      2/dense             weight (256, 784)  bias (256,)    200,960
      3/relu                                                      0
      4/dense             weight (128, 256)  bias (128,)     32,896
      5/relu                                                      0
      6/dense             weight (10, 128)  bias (10,)        1,290
      total                                                 235,146
    """

    def __init__(self, *, softmax_output: bool = False, generator: Generator | None = None):
        network = ImageClassifier((28, 28), (256, 128), 10, generator=generator)
        output = [layers.Activation(softmax)] if softmax_output else []
        super().__init__(*network, *output)
