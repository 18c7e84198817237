"""Where weights start decides whether anything arrives at the other end of a network: in PyTorch.

Shows: the same networks, from the same parameters.

Look for: `torch.autograd.grad` of the loss with respect to values in the middle of the network,
which PyTorch keeps for us, where `jaxnn` asks for the gradient of each example's bias.

Found: all variances and ratios agree with those of `03_initialization.py` to 2e-7 of their size,
also where they are as small as 1e-21; the neurons that started at 0 are all alike here too.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch
import twins
import tyro
from gallery import print_table, save_findings
from torch import nn

import jaxnn
from jaxnn.initializers import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    lecun_normal,
    normal,
    torch_linear,
    zeros,
)
from torch_port import convert, data, layers, losses, train
from torch_port.activations import relu, sigmoid, tanh
from torch_port.data import Dataset

INITIALIZERS = {
    "zeros": zeros,
    "normal 0.01": normal(0.01),
    "LeCun": lecun_normal,
    "Glorot": glorot_normal,
    "He": he_normal,
    "PyTorch": torch_linear,
}

FIGURE_7 = {"standard": torch_linear, "normalised": glorot_uniform}
PIXELS = {"from 0 to 1": (0.0, 1.0), "of variance 1": (0.1307, 0.3081)}


def main(small: bool = False, out: Path = Path("gallery")) -> dict[str, Any]:
    """Shows what initial values do to neurons, activations and gradients.

    Args:
      small: on smaller networks, with fewer seeds and images.
      out: the folder for the findings.
    """
    wide, width, seeds, images = (100, 64, 2, 640) if small else (1000, 256, 5, 6400)
    train_set, test_set = data.load("mnist")
    batch = Dataset(train_set.images[:256], train_set.labels[:256])
    findings: dict[str, Any] = {}

    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    for name in ("zeros", "Glorot"):
        model = network((784, 64, 10), sigmoid)
        key, _ = jax.random.split(jax.random.key(0))  # as `jaxnn.train.init_train_state` does
        model.load_state_dict(convert.to_torch(*start((784, 64, 10), key, INITIALIZERS[name])))
        kernel, accuracy = learn(model, train_set, test_set)
        findings[f"distinct_neurons_{name}"] = len(np.unique(kernel, axis=1).T)
        findings[f"approximately_accuracy_{name}"] = accuracy

    sizes = (784, *10 * [width], 10)
    for function in (tanh, relu):
        back_propagate = make_back_propagate(network(sizes, function))
        for name, kernel_init in INITIALIZERS.items():
            bias_init = None if name == "PyTorch" else zeros
            drawn = [
                back_propagate(*start(sizes, jax.random.key(i), kernel_init, bias_init), batch)
                for i in range(seeds)
            ]
            variances = [
                [[layer.var(dtype=np.float64) for layer in quantity] for quantity in both]
                for both in drawn
            ]
            findings[f"variances_{function.__name__}_{name}"] = np.mean(variances, 0).tolist()

    sizes = (784, *5 * [wide], 10)
    back_propagate = make_back_propagate(network(sizes, tanh))
    for scale, pixels in PIXELS.items():
        for name, kernel_init in FIGURE_7.items():
            drawn = [
                back_propagate(*start(sizes, jax.random.key(i), kernel_init, pixels=pixels), batch)
                for i in range(seeds)
            ]
            ratios = [(first.std() / last.std()).item() for _, (first, *_, last) in drawn]
            findings[f"gradient_ratios_{name}, pixels {scale}"] = ratios

    report(findings)
    return save_findings(__file__, out, findings)


def network(sizes: tuple[int, ...], function: Callable) -> nn.Module:
    """A perceptron on MNIST; how it scales pixels is loaded with its parameters."""
    parts = [layers.NormalizeImages(0.0, 1.0), layers.Flatten()]
    for in_size, size in pairwise(sizes):
        parts += [layers.Dense(in_size, size), layers.Activation(function)]
    return layers.Serial(*parts[:-1])


def start(
    sizes: tuple[int, ...],
    key: Any,
    kernel_init: Any,
    bias_init: Any = zeros,
    pixels: tuple[float, float] = PIXELS["of variance 1"],
) -> Any:
    """The parameters that `jaxnn` draws, and the state: the mean and the std that pixels lose."""
    parts = [jaxnn.layers.normalize_images(*pixels), jaxnn.layers.flatten()]
    for in_size, size in pairwise(sizes):
        drawn = {"kernel_init": kernel_init, "bias_init": bias_init}
        parts += [jaxnn.layers.dense(in_size, size, **drawn), jaxnn.layers.flatten()]
    return jaxnn.layers.serial(*parts).init(key)


def learn(model: nn.Module, train_set: Dataset, test_set: Dataset) -> tuple[np.ndarray, float]:
    """The first kernel after an epoch of SGD, and the test accuracy."""
    settings = {"loss": losses.softmax_cross_entropy}
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    step = train.make_train_step(model, optimizer, **settings)
    train_state = train.init_train_state(model, optimizer, seed=0)
    for batch in twins.batches(train_set, seed=0, epoch=0, batch_size=64):
        train_state, _ = step(train_state, batch)
    accuracy = train.evaluate(model, test_set, batch_size=64, **settings)["accuracy"]
    return model[2].weight.detach().numpy().T, accuracy


def make_back_propagate(model: nn.Module) -> Callable[..., Any]:
    """A function from (params, state, batch) to the h = f(z) of hidden layers, and their ∂loss/∂z.

    The parameters are those of `jaxnn`.
    """

    def back_propagate(params, state, batch):
        model.load_state_dict(convert.to_torch(params, state))
        outputs = layers.intermediates(model, batch.images)
        hidden = [h.detach() for path, h in outputs.items() if path.endswith(("tanh", "relu"))]
        *z, logits = [z for path, z in outputs.items() if path.endswith("dense")]
        loss = losses.softmax_cross_entropy(logits, batch.labels).sum()
        grads = torch.autograd.grad(loss, z)
        return [h.numpy() for h in hidden], [grad.numpy() for grad in grads]

    return back_propagate


def report(findings: dict[str, Any]) -> None:
    """Prints all three results."""
    rows = [
        [name, findings[f"distinct_neurons_{name}"], findings[f"approximately_accuracy_{name}"]]
        for name in ("zeros", "Glorot")
    ]
    print_table(["64 neurons, from", "distinct neurons", "test accuracy"], rows)
    print("\nvariance of activations in layer 10; variance of gradients, layer 1 by layer 10")
    rows = []
    for name in INITIALIZERS:
        numbers = []
        for function in ("tanh", "relu"):
            activations, gradients = findings[f"variances_{function}_{name}"]
            numbers += [activations[-1], gradients[0] / gradients[-1] if gradients[-1] else 0.0]
        rows.append([name, *(f"{number:.2g}" for number in numbers)])
    print_table(["", "tanh", "gradients", "relu", "gradients"], rows)
    print("\nfigure 7: ratio of the standard deviations of gradients, layer 1 by layer 5")
    rows = []
    for case in (f"{name}, pixels {scale}" for scale in PIXELS for name in FIGURE_7):
        ratios = findings[f"gradient_ratios_{case}"]
        rows.append([case, f"{np.mean(ratios):.3f} ± {np.std(ratios, ddof=1):.3f}"])
    print_table(["initialisation", "ratio"], rows)


if __name__ == "__main__":
    tyro.cli(main)
