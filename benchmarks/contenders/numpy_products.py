"""The floor: the matrix products of a training step and nothing else, by NumPy's BLAS."""

from itertools import pairwise

import numpy as np

from benchmarks.contenders.mnist import floats, predictions


def epoch(hidden=(256, 128), batch_size=64, examples=60_000):
    """All products of an epoch's forward and backward passes, into arrays that are there.

    The gradient of the first layer's input is not needed, and not computed.
    """
    full, ragged = divmod(examples, batch_size)
    step = products((784, *hidden, 10), batch_size)
    last = products((784, *hidden, 10), ragged)

    def run():
        for _ in range(full):
            step()
        if ragged:
            last()
        return {"examples": examples}

    return run


def products(sizes, batch):
    """A function that computes the products of one step on a batch."""
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.standard_normal(shape, np.float32)
    kernels = [draw(*shape) for shape in pairwise(sizes)]
    inputs = [draw(batch, size) for size in sizes]
    grads = [draw(batch, size) for size in sizes]
    kernel_grads = [np.empty_like(kernel) for kernel in kernels]

    def step():
        for i, kernel in enumerate(kernels):
            np.matmul(inputs[i], kernel, out=inputs[i + 1])
        for i in reversed(range(len(kernels))):
            np.matmul(inputs[i].T, grads[i + 1], out=kernel_grads[i])
            if i > 0:
                np.matmul(grads[i + 1], kernels[i].T, out=grads[i])

    return step


def prediction(images, batch_size, calls):
    """The network's forward pass in NumPy."""
    rng = np.random.default_rng(0)
    sizes = 784, 256, 128, 10
    kernels = [rng.standard_normal(shape, np.float32) / 28 for shape in pairwise(sizes)]
    biases = [np.zeros(size, np.float32) for size in sizes[1:]]

    def predict(batch):
        x = floats(batch)
        for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
            x = np.maximum(x @ kernel + bias, 0)
        return x @ kernels[-1] + biases[-1]

    return predictions(predict, images, batch_size, calls)
