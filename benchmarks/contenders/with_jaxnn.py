"""This library: an epoch is one compiled program."""

import jax

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
