"""Where weights start decides whether anything arrives at the other end of a network.

Shows: three pictures. What neurons that start at 0 learn; the variance of activations and of
back-propagated gradients in ten layers, under six initialisers; figure 7 of Glorot and Bengio,
"Understanding the difficulty of training deep feedforward neural networks" (2010), on MNIST:
gradients in a tanh network of five layers of 1000, under the standard initialisation
U(−1/√n, 1/√n) and under the normalised one, U(−√(6/(n+m)), √(6/(n+m))).

Look for: neurons that are all one neuron; lines that stay level, and which activation they stay
level for; in figure 7, histograms that narrow from layer to layer, and such that do not.

Found: after an epoch on 6400 images all 64 neurons that started at 0 are one neuron, equal to the
last bit, and 0.24 of the test images are right, against 0.90 from Glorot's values. Through ten
layers of 256, only He keeps the variance of ReLU activations (0.65 in the tenth) and of gradients
(ratio of first to tenth layer 1.1); Glorot's lose a factor of 2 a layer there, as half of each
output is cut off. 0.01 times N(0, 1), the lecture's first proposal, leaves 1e-17 of a gradient. In
figure 7, standard gradients shrink from the fifth layer to the first to 0.106 ± 0.001 of their
standard deviation (theory: (1/√3)⁴ = 0.111), normalised ones only to 0.776 ± 0.006: the paper's
figure. That is for pixels from 0 to 1. Pixels of variance 1 drive tanh out of its linear part,
which the theory takes for granted, and leave 0.437 ± 0.002 (means of five seeds).
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from gallery import print_table, save_figure, save_findings

from jaxnn import Dataset, Layer, data, layers, losses, optim, plots, train
from jaxnn.activations import relu, sigmoid, tanh
from jaxnn.initializers import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    lecun_normal,
    normal,
    torch_linear,
    zeros,
)
from jaxnn.plots.style import SERIES, WIDTH, new_figure, quiet_ticks, style

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
      out: the folder for the pictures and the findings.
    """
    wide, width, seeds, images = (100, 64, 2, 640) if small else (1000, 256, 5, 6400)
    train_set, test_set = data.load("mnist")
    batch = Dataset(train_set.images[:256], train_set.labels[:256])
    findings: dict[str, Any] = {}

    train_set = Dataset(train_set.images[:images], train_set.labels[:images])
    kernels = {}
    for name in ("zeros", "Glorot"):
        model = network((784, 64, 10), sigmoid, INITIALIZERS[name])
        kernels[name], accuracy = learn(model, train_set, test_set)
        findings[f"distinct_neurons_{name}"] = len(np.unique(kernels[name], axis=1).T)
        findings[f"approximately_accuracy_{name}"] = accuracy

    sizes = (784, *10 * [width], 10)
    for function in (tanh, relu):
        back_propagate = make_back_propagate(network(sizes, function))
        for name, kernel_init in INITIALIZERS.items():
            bias_init = None if name == "PyTorch" else zeros
            model = network(sizes, function, kernel_init, bias_init)
            drawn = [back_propagate(*model.init(jax.random.key(i)), batch) for i in range(seeds)]
            variances = [
                [[layer.var(dtype=np.float64) for layer in quantity] for quantity in both]
                for both in drawn
            ]
            findings[f"variances_{function.__name__}_{name}"] = np.mean(variances, 0).tolist()

    gradients, sizes = {}, (784, *5 * [wide], 10)
    back_propagate = make_back_propagate(network(sizes, tanh))
    for scale, pixels in PIXELS.items():
        for name, kernel_init in FIGURE_7.items():
            model = network(sizes, tanh, kernel_init, pixels=pixels)
            drawn = [back_propagate(*model.init(jax.random.key(i)), batch) for i in range(seeds)]
            gradients[scale, name] = drawn[0][1]
            ratios = [(first.std() / last.std()).item() for _, (first, *_, last) in drawn]
            findings[f"gradient_ratios_{name}, pixels {scale}"] = ratios

    report(findings)
    save_figure(__file__, out, draw_neurons(kernels), suffix="symmetry")
    save_figure(__file__, out, draw_variances(findings))
    save_figure(__file__, out, draw_gradients(gradients), suffix="glorot")
    return save_findings(__file__, out, findings)


def network(
    sizes: tuple[int, ...],
    function: Callable,
    kernel_init: Any = glorot_normal,
    bias_init: Any = zeros,
    pixels: tuple[float, float] = PIXELS["of variance 1"],
) -> Layer:
    """A perceptron on MNIST, from whose pixels in [0, 1] it takes a mean, and divides by a std."""
    parts = [layers.normalize_images(*pixels), layers.flatten()]
    for in_size, size in pairwise(sizes):
        parts.append(layers.dense(in_size, size, kernel_init=kernel_init, bias_init=bias_init))
        parts.append(layers.activation(function))
    return layers.serial(*parts[:-1])


def learn(model: Layer, train_set: Dataset, test_set: Dataset) -> tuple[np.ndarray, float]:
    """The first kernel after an epoch of SGD, and the test accuracy."""
    settings = {"loss": losses.softmax_cross_entropy, "batch_size": 64}
    key = jax.random.key(0)
    trained = train.fit(model, optim.sgd(0.5), train_set, epochs=1, key=key, **settings)
    params, state = trained.train_state[:2]
    accuracy = train.evaluate(model, params, state, test_set, **settings)["accuracy"]
    return np.asarray(params[2]["kernel"]), accuracy


def make_back_propagate(model: Layer) -> Callable[..., Any]:
    """A function from (params, state, batch) to the h = f(z) of hidden layers, and their ∂loss/∂z.

    As z = x·W + b, ∂loss/∂z is the gradient with respect to b, of one example at a time.
    """

    def loss(params, state, image, label):
        logits, _ = model.apply(params, state, image[None])
        return losses.softmax_cross_entropy(logits, label[None])[0]

    @jax.jit
    def compiled(params, state, batch):
        outputs = layers.intermediates(model, params, state, batch.images)
        hidden = [h for path, h in outputs.items() if path.endswith(("tanh", "relu"))]
        grads = jax.vmap(jax.grad(loss), (None, None, 0, 0))(params, state, *batch)
        return hidden, [layer["bias"] for layer in grads if layer][:-1]

    return lambda *given: jax.tree.map(np.asarray, compiled(*given))


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


def draw_neurons(kernels: dict[str, np.ndarray]) -> Any:
    """The weights of the first eight neurons as images."""
    with style():
        figure = new_figure(WIDTH, 1.9, "The weights of eight neurons, from zeros and from Glorot.")
        for axes_row, (name, kernel) in zip(figure.subplots(2, 8), kernels.items(), strict=True):
            limit = np.abs(kernel[:, :8]).max()
            for axes, weights in zip(axes_row, kernel.T, strict=False):
                axes.imshow(weights.reshape(28, 28), "PuOr", vmin=-limit, vmax=limit)
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(False)
            axes_row[0].set_title(f"from {name}")
    return figure


def draw_variances(findings: dict[str, Any]) -> Any:
    """The variances by layer, a line an initialiser, a column an activation."""
    with style():
        figure = new_figure(8, 4.8, "Variances of activations and gradients in ten layers.")
        panels = figure.subplots(2, 2, sharex=True, sharey="row")
        for axes_column, function in zip(panels.T, ("tanh", "relu"), strict=True):
            for name, series in list(zip(INITIALIZERS, SERIES, strict=True))[1:]:
                both = findings[f"variances_{function}_{name}"]
                for axes, by_layer in zip(axes_column, both, strict=True):
                    axes.semilogy(range(1, 11), by_layer, label=name, **series._asdict())
            axes_column[0].set_title(function)
            axes_column[1].set_xlabel("layer")
        panels[0, 0].set(ylabel="variance of activations", ylim=(1e-6, 3))
        panels[1, 0].set(ylabel="variance of gradients", ylim=(1e-11, 0.1))
        for axes in panels.ravel():
            quiet_ticks(axes, grid="y")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.set_xticks(range(1, 11))
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=6)
    return figure


def draw_gradients(gradients: dict[tuple[str, str], list[np.ndarray]]) -> Any:
    """Histograms of the gradients of each layer, for pixels from 0 to 1."""
    panels = {
        name: {f"layer {number}": layer for number, layer in enumerate(by_layer, 1)}
        for (scale, name), by_layer in gradients.items()
        if scale == "from 0 to 1"
    }
    return plots.compare_layer_histograms(panels, quantity="back-propagated gradient")


if __name__ == "__main__":
    tyro.cli(main)
