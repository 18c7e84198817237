"""This library: an epoch is one compiled program."""

from functools import partial

import jax
import numpy as np

from benchmarks.contenders.mnist import predictions
from jaxnn import data, losses, models, optim, train

LOSS = losses.softmax_cross_entropy


def epoch(hidden=(256, 128), batch_size=64, examples=60_000, batch_norm=False, dropout=0.0):
    """`train.make_epoch`, as `train.fit` uses it."""
    model = models.image_classifier((28, 28), hidden, 10, batch_norm=batch_norm, dropout=dropout)
    optimizer = optim.adam(1e-3)
    one_epoch = train.make_epoch(model, optimizer, LOSS, batch_size=batch_size)
    train_state = train.init_train_state(model, optimizer, jax.random.key(0))
    train_set, _ = data.load("mnist")
    train_set = jax.device_put(jax.tree.map(lambda array: array[:examples], train_set))

    def run():
        nonlocal train_state
        train_state, metrics = one_epoch(train_state, train_set)
        loss = metrics["loss"]
        return {"loss": float(loss.value), "examples": int(loss.count)}

    return run


def prediction(images, batch_size, calls):
    """`train.predict`, which goes through the batches itself."""
    model = models.simple_nn()
    params, state = model.init(jax.random.key(0))
    predict = partial(train.predict, model, params, state, batch_size=batch_size)
    return predictions(lambda batch: np.asarray(predict(batch)), images, images, calls)


def jitted_prediction(images, batch_size, calls):
    """The model's own function in `jax.jit`, for those who write their own loop."""
    model = models.simple_nn()
    params, state = model.init(jax.random.key(0))
    logits = jax.jit(lambda params, images: model.apply(params, state, images)[0])
    predict = lambda batch: np.asarray(logits(params, batch))
    return predictions(predict, images, batch_size, calls)
