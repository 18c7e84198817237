"""A training that was interrupted and taken up again is one that never was, bit for bit."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import (
    callbacks,
    checkpoint,
    data,
    layers,
    losses,
    models,
    optim,
    pieces,
    streaming,
    train,
)
from jaxnn.typing import Dataset

LOSS = losses.softmax_cross_entropy
EPOCHS, BATCH_SIZE = 3, 32


def digits(n: int) -> Dataset:
    train_set, _ = data.load("mnist")
    return Dataset(train_set.images[:n], train_set.labels[:n])


def network(**options):
    return models.image_classifier((28, 28), (16,), 10, **options)


ALL_OF_IT = {
    "model": network(batch_norm=True, dropout=0.3),
    "optimizer": optim.adamw(optim.warmup_cosine_decay_schedule(0.0, 1e-2, 5, 15), b1=0.8),
    "augment": data.shift_images,
    "penalty": lambda params: 1e-3 * losses.l2(params),
}
TRAININGS = {
    "plain": {"model": network(), "optimizer": optim.sgd(0.1), "dataset": digits(128)},
    "all of it, a ragged batch": ALL_OF_IT | {"dataset": digits(150)},
}


def fit(dataset, *, model, optimizer, **options):
    settings = {"loss": LOSS, "epochs": EPOCHS, "batch_size": BATCH_SIZE, "key": jax.random.key(3)}
    return train.fit(model, optimizer, dataset, validation=digits(50), **(settings | options))


def without_times(history):
    return [{k: v for k, v in row.items() if k not in ("seconds", "waiting")} for row in history]


def assert_same(found, expected):
    assert without_times(found.history) == without_times(expected.history)
    bits = lambda state: state._replace(key=jax.random.key_data(state.key))
    for (path, x), (_, y) in zip(
        *(jax.tree_util.tree_leaves_with_path(bits(r.train_state)) for r in (found, expected)),
        strict=True,
    ):
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes(), path


def after(pieces_taken: int):
    """Asks to stop after so many pieces."""
    count = itertools.count(1)
    return lambda: "asked to" if next(count) == pieces_taken else None


@pytest.fixture
def short_pieces(monkeypatch):
    """Pieces of two steps, then, as a piece takes longer than no time, of one."""
    monkeypatch.setattr(pieces, "FIRST_STEPS", 2)
    monkeypatch.setattr(pieces, "SECONDS", 0.0)


@pytest.mark.parametrize("training", TRAININGS.values(), ids=TRAININGS)
def test_stopped_after_any_piece_and_read_from_disk_it_goes_on(tmp_path, short_pieces, training):
    expected = fit(**training)
    resume = None
    for interruption in range(100):
        result = fit(**training, resume=resume, stop=after(1))
        if result.stopped is None:
            break
        path = tmp_path / str(interruption)
        step = int(result.train_state.step)
        checkpoint.save(
            path, result.train_state, step=step, config={}, loss=1.0,
            history=result.history, measured=result.measured,
        )  # fmt: skip
        resume = checkpoint.load(path)
    assert interruption >= EPOCHS * 2, "it was interrupted within epochs"
    assert_same(result, expected)


def test_stored_data_are_taken_up_within_an_epoch(tmp_path, monkeypatch):
    dataset = digits(150)
    np.save(tmp_path / "images.npy", dataset.images)
    np.save(tmp_path / "labels.npy", dataset.labels)
    stored = streaming.open_npy(tmp_path / "images.npy", tmp_path / "labels.npy")
    monkeypatch.setattr(streaming, "make_pieces", partial(streaming.make_pieces, chunk_bytes=1))
    expected = fit(dataset, **ALL_OF_IT)
    part = fit(stored, **ALL_OF_IT, stop=after(7))
    assert (part.stopped, len(part.history), int(part.train_state.step)) == ("asked to", 1, 7)
    assert_same(fit(stored, **ALL_OF_IT, resume=part), expected)


def test_more_epochs_are_those_of_a_longer_training():
    expected = fit(**TRAININGS["plain"])
    first = fit(**TRAININGS["plain"], epochs=1)
    assert_same(fit(**TRAININGS["plain"], resume=first), expected)
    assert_same(first, fit(**TRAININGS["plain"], epochs=1))
    assert_same(fit(**TRAININGS["plain"], resume=expected), expected)


def test_callbacks_see_the_whole_history():
    stop = callbacks.early_stopping("loss", patience=1)
    rising = optim.sgd(optim.linear_schedule(0.1, 200.0, 12))
    training = TRAININGS["plain"] | {"optimizer": rising, "epochs": 9}
    expected = fit(**training, callbacks=[stop])
    assert expected.stopped == "loss has not fallen since epoch 2"
    seen = []
    watch = lambda progress: seen.append((progress.epoch, len(progress.history)))
    found = fit(**training, callbacks=[watch, stop], resume=fit(**(training | {"epochs": 1})))
    assert seen == [(2, 2), (3, 3)]
    assert found.stopped == expected.stopped
    assert_same(found, expected)


def test_a_bad_number_in_a_training_taken_up_names_its_step(short_pieces):
    model = layers.serial(*network().layers[:2], layers.activation(jnp.log))
    with pytest.raises(FloatingPointError, match="epoch 1, step 1: loss is nan"):
        fit(digits(128), model=model, optimizer=optim.sgd(0.1), stop=after(1))


WRONG = {
    "another batch size": ({"batch_size": 64}, r"stand at step 1 × 2 \+ 0, .* got 4: batch"),
    "other data": ({"dataset": digits(64)}, r"after 1 epochs of 2 steps each"),
    "another model": ({"model": network(batch_norm=True)}, r"fit: resume: arrays missing: \["),
    "another width": (
        {"model": models.image_classifier((28, 28), (8,), 10)},
        r"\.params\[2\]\['bias'\] must be float32 of shape \(8,\), got float32 of shape \(16,\)",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_refused_before_anything_is_computed(changes, message):
    training = TRAININGS["plain"]
    resume = fit(**training, epochs=1)
    with pytest.raises(ValueError, match=message):
        fit(**(training | changes), resume=resume)
