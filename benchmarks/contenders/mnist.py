"""The training images of MNIST, as the contenders are given them; no framework is loaded."""

import numpy as np

from jaxnn import data


def training(examples):
    """uint8 images (n, 28, 28) and int32 labels (n,), writable as PyTorch wishes."""
    train_set, _ = data.load("mnist")
    return train_set.images[:examples].copy(), train_set.labels[:examples].astype(np.int32)


def floats(images):
    """Pixels from −1 to 1, a row for each image, float32."""
    return ((images / np.float32(255) - np.float32(0.5)) / np.float32(0.5)).reshape(len(images), -1)


def batches(order, batch_size):
    """The order cut into batches, the ragged last one included."""
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def predictions(predict, images, batch_size, calls):
    """What is timed of a prediction: `calls` times all images, a batch at a time.

    Args:
      predict: a batch of raw images to logits, an array of NumPy.
      images: how many.
      batch_size: images at a time.
      calls: how often.
    """
    inputs, _ = training(images)
    parts = [inputs[i : i + batch_size] for i in range(0, images, batch_size)]

    def run():
        logits = []
        for _ in range(calls):
            logits = [predict(part) for part in parts]
        return {"logits": [sum(map(len, logits)), *logits[0].shape[1:]]}

    return run
