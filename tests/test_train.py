"""Training: the epoch program against the plain loop, the ragged batch, callbacks, bad numbers."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Jaxpr

from jaxnn import data, evaluation, layers, losses, metrics, models, optim, train
from jaxnn.activations import relu
from jaxnn.steps import draw
from jaxnn.typing import Dataset, GradientTransformation

LOSS = losses.softmax_cross_entropy


def digits(n: int, seed: int = 0) -> Dataset:
    """The first n training images of MNIST, on the device."""
    train_set, _ = data.load("mnist")
    return jax.device_put(Dataset(train_set.images[:n], train_set.labels[:n]))


def network(**options):
    return models.image_classifier((28, 28), (32,), 10, **options)


def explicit_loop(model, optimizer, dataset, *, epochs, batch_size, key, **options):
    """The loop that the README shows."""
    train_state = train.init_train_state(model, optimizer, key)
    step = jax.jit(train.make_train_step(model, optimizer, LOSS, **options))
    for epoch in range(epochs):
        order = data.permutation(train_state.key, epoch, dataset.size)
        for batch in data.batches(dataset, order, batch_size):
            train_state, _ = step(train_state, batch)
    return train_state


def arrays(train_state):
    """The arrays of a training state by path, with the bits of its key."""
    bits = train_state._replace(key=jax.random.key_data(train_state.key))
    pairs = jax.tree_util.tree_leaves_with_path(bits)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in pairs}


def assert_bit_equal(a, b):
    a, b = arrays(a), arrays(b)
    assert a.keys() == b.keys()
    for path in a:
        assert (a[path].dtype, a[path].shape) == (b[path].dtype, b[path].shape), path
        assert a[path].tobytes() == b[path].tobytes(), path


@pytest.mark.parametrize(
    ("options", "fit_options"),
    [
        ({}, {}),
        ({"batch_norm": True, "dropout": 0.3}, {}),
        ({"batch_norm": True, "dropout": 0.3}, {"augment": data.shift_images}),
        ({}, {"penalty": lambda params: 1e-3 * losses.l2(params)}),
    ],
    ids=["plain", "batch norm, dropout", "augmented", "penalised"],
)
def test_fit_is_the_explicit_loop_bit_for_bit(options, fit_options):
    model, optimizer, dataset = network(**options), optim.adam(1e-3), digits(1000)
    common = {"epochs": 2, "batch_size": 64, "key": jax.random.key(3)}
    result = train.fit(model, optimizer, dataset, loss=LOSS, **common, **fit_options)
    loop = explicit_loop(model, optimizer, dataset, **common, **fit_options)
    assert_bit_equal(result.train_state, loop)


def test_the_second_epoch_compiles_nothing(caplog):
    model, optimizer, dataset = network(dropout=0.1), optim.adam(1e-3), digits(300)
    epoch = train.make_epoch(model, optimizer, LOSS, batch_size=64)
    train_state, _ = epoch(train.init_train_state(model, optimizer, jax.random.key(0)), dataset)
    compiled = []

    def listen(event, duration, **details):
        if "compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        train_state, _ = epoch(train_state, dataset)
        assert compiled == []
        jax.jit(lambda x: x + 1)(jnp.ones(7))
        assert compiled != [], "the listener hears a compilation"
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def test_evaluating_again_compiles_nothing():
    model, dataset = network(), digits(100)
    params, state = model.init(jax.random.key(0))
    train.evaluate(model, params, state, dataset, loss=LOSS, batch_size=64)
    with jax.no_tracing():
        train.evaluate(model, params, state, dataset, loss=LOSS, batch_size=64)


def test_a_training_leaves_no_program_in_memory():
    """Not in JAX's caches either, where one more each time adds up over many trainings."""
    dataset = digits(100)
    settings = {"loss": LOSS, "epochs": 1, "batch_size": 64, "validation": dataset}

    def held_after_a_training():
        model = network(batch_norm=True, dropout=0.1)
        train.fit(model, optim.adam(1e-3), dataset, key=jax.random.key(0), **settings)
        evaluation._evaluation.cache_clear()  # those of 16 models stay there, to be used again
        gc.collect()
        return sum(type(thing) is Jaxpr for thing in gc.get_objects())

    held_after_a_training()  # what is compiled once in a process
    assert held_after_a_training() == held_after_a_training()


@pytest.mark.parametrize("n", [1, 63, 64, 65, 128, 150])
def test_an_epoch_takes_every_example_once(n):
    seen = []

    def watched(params, state, x, *, key=None, train=False):
        jax.debug.callback(lambda images: seen.extend(np.asarray(images)[:, 0].tolist()), x)
        return x @ params["kernel"], state

    kernel = {"kernel": jnp.zeros((1, 2))}
    model = layers.Layer("watched", lambda key, dtype=None: (kernel, {}), watched)
    dataset = Dataset(jnp.arange(n, dtype=jnp.float64)[:, None], jnp.zeros(n, jnp.int32))
    epoch = train.make_epoch(model, optim.sgd(0.0), LOSS, batch_size=64)
    train_state = train.init_train_state(model, optim.sgd(0.0), jax.random.key(0))
    train_state, measured = epoch(train_state, dataset)
    jax.effects_barrier()
    assert sorted(seen) == list(range(n))
    assert int(measured["loss"].count) == n
    assert int(train_state.step) == -(-n // 64)


def test_the_ragged_batch_is_in_loss_accuracy_and_running_statistics():
    """With a learning rate of 0 the epoch's figures can be had in one pass over all examples."""
    n, batch_size = 150, 64
    dataset = digits(n)
    model = layers.serial(
        layers.normalize_images(0.5, 0.5), layers.flatten(), layers.dense(784, 10)
    )
    optimizer = optim.sgd(0.0)
    epoch = train.make_epoch(model, optimizer, LOSS, batch_size=batch_size)
    start = train.init_train_state(model, optimizer, jax.random.key(0), jnp.float64)
    expected = train.evaluate(model, *start[:2], dataset, loss=LOSS, batch_size=n)
    _, measured = epoch(start, dataset)
    assert metrics.values(measured) == pytest.approx(expected, rel=1e-12)

    norm = layers.batch_norm(2)
    start = train.init_train_state(norm, optimizer, jax.random.key(0), jnp.float64)
    inputs = jax.random.normal(jax.random.key(1), (n, 2), jnp.float64)
    order = np.asarray(data.permutation(start.key, 0, n))
    epoch = train.make_epoch(norm, optimizer, LOSS, batch_size=batch_size)
    after, _ = epoch(start, Dataset(inputs, jnp.zeros(n, jnp.int32)))
    mean = np.zeros(2)
    for first in range(0, n, batch_size):
        batch = np.asarray(inputs)[order[first : first + batch_size]]
        mean = 0.9 * mean + 0.1 * batch.mean(axis=0)
    np.testing.assert_allclose(after.state["mean"], mean, rtol=1e-12)
    assert int(after.state["count"]) == 3


@pytest.mark.parametrize("batch_size", [1, 7, 64, 100, 1000])
def test_evaluation_does_not_depend_on_the_batch_size(batch_size):
    model, dataset = network(batch_norm=True, dropout=0.5), digits(100)
    params, state = model.init(jax.random.key(0), jnp.float64)
    outputs, _ = model.apply(params, state, dataset.images)
    expected = {
        "loss": float(LOSS(outputs, dataset.labels).mean()),
        "accuracy": float(np.mean(np.asarray(outputs).argmax(-1) == np.asarray(dataset.labels))),
    }
    found = train.evaluate(model, params, state, dataset, loss=LOSS, batch_size=batch_size)
    assert found == pytest.approx(expected, rel=1e-12)
    predicted = train.predict(model, params, state, dataset.images, batch_size=batch_size)
    np.testing.assert_allclose(predicted, outputs, rtol=1e-12)


def test_targets_that_are_not_classes_have_a_loss_and_no_accuracy():
    inputs = jnp.linspace(-1, 1, 20)[:, None]
    dataset = Dataset(inputs, 3 * inputs + 1)
    model = layers.dense(1, 1)
    result = train.fit(
        model,
        optim.sgd(0.3),
        Dataset(*(x.astype(jnp.float32) for x in dataset)),
        loss=losses.squared_error,
        epochs=100,
        batch_size=20,
        key=jax.random.key(0),
    )
    assert set(result.history[-1]) == {"epoch", "loss", "seconds"}
    kernel, bias = (float(result.train_state.params[name].item()) for name in ("kernel", "bias"))
    assert (kernel, bias) == pytest.approx((3, 1), abs=1e-4)


def test_training_is_repeatable_and_differs_by_key():
    model, optimizer, dataset = network(dropout=0.2), optim.adam(1e-3), digits(200)
    run = lambda seed: (
        train.fit(
            model, optimizer, dataset, loss=LOSS, epochs=1, batch_size=64, key=jax.random.key(seed)
        ).train_state
    )
    assert_bit_equal(run(0), run(0))
    assert not np.array_equal(run(0).params[2]["kernel"], run(1).params[2]["kernel"])


def test_every_step_and_epoch_draws_anew():
    train_state = train.init_train_state(network(), optim.sgd(0.1), jax.random.key(0))
    batch = digits(2)
    keys = [
        draw(train_state._replace(step=jnp.array(step, jnp.int32)), batch, None)[1]
        for step in range(100)
    ]
    assert len({tuple(jax.random.key_data(key).tolist()) for key in keys}) == 100
    orders = [data.permutation(train_state.key, epoch, 50).tolist() for epoch in range(20)]
    assert len({tuple(order) for order in orders}) == 20


def test_the_penalty_is_minimised_and_not_reported():
    model, optimizer, dataset = network(), optim.sgd(1.0), digits(64)
    start = train.init_train_state(model, optimizer, jax.random.key(0), jnp.float64)
    plain, reported = train.make_train_step(model, optimizer, LOSS)(start, dataset)
    penalty = lambda params: 0.05 * losses.l2(params)
    decayed, also_reported = train.make_train_step(model, optimizer, LOSS, penalty=penalty)(
        start, dataset
    )
    assert metrics.values(reported) == metrics.values(also_reported)
    shrunk = plain.params[2]["kernel"] - 0.1 * start.params[2]["kernel"]
    np.testing.assert_allclose(decayed.params[2]["kernel"], shrunk, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(decayed.params[2]["bias"], plain.params[2]["bias"])


def test_callbacks_see_every_epoch_and_end_the_training():
    seen = []

    def callback(progress):
        seen.append((progress.epoch, progress.epochs, len(progress.history)))
        return "enough" if progress.epoch == 2 else None

    result = train.fit(
        network(),
        optim.adam(1e-3),
        digits(100),
        loss=LOSS,
        epochs=5,
        batch_size=64,
        key=jax.random.key(0),
        validation=digits(30),
        callbacks=[callback],
    )
    assert seen == [(1, 5, 1), (2, 5, 2)]
    assert result.stopped == "enough"
    assert [row["epoch"] for row in result.history] == [1, 2]
    assert result.history[0].keys() == {
        "epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds",
    }  # fmt: skip


def explode_after(limit: float):
    """An activation that overflows once its input passes a limit, which training will reach."""
    return lambda x: jnp.where(x > limit, jnp.inf, x)


def test_a_number_that_is_not_finite_names_epoch_step_and_layer():
    model = layers.serial(
        layers.normalize_images(0.5, 0.5),
        layers.flatten(),
        layers.dense(784, 16),
        layers.activation(relu),
        layers.activation(explode_after(4.0)),
        layers.dense(16, 10),
    )
    optimizer, key, dataset = optim.sgd(0.05), jax.random.key(0), digits(320)
    train_state = train.init_train_state(model, optimizer, key)
    step = jax.jit(train.make_train_step(model, optimizer, LOSS))
    for taken in range(100):
        order = data.permutation(train_state.key, taken // 5, 320)
        batch = list(data.batches(dataset, order, 64))[taken % 5]
        train_state, measured = step(train_state, batch)
        if not jnp.isfinite(measured["loss"].value):
            break
    assert 5 < taken < 99, "it happens within a later epoch"
    place = rf"epoch {taken // 5 + 1}, step {taken + 1}: loss is nan; .* is 4/<lambda>"
    with pytest.raises(FloatingPointError, match=place):
        train.fit(model, optimizer, dataset, loss=LOSS, epochs=20, batch_size=64, key=key)


def test_an_update_that_is_not_finite_is_noticed_though_the_loss_is():
    infinite = GradientTransformation(
        lambda params: (),
        lambda grads, state, params=None: (jax.tree.map(lambda g: g * jnp.inf, grads), state),
    )
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 1: .* outputs of all layers are"):
        train.fit(
            network(), infinite, digits(10), loss=LOSS, epochs=1, batch_size=64,
            key=jax.random.key(0),
        )  # fmt: skip


def test_parameters_in_float64_train_in_float64():
    model, optimizer = network(batch_norm=True, dropout=0.1), optim.adam(1e-3)
    start = train.init_train_state(model, optimizer, jax.random.key(0), jnp.float64)
    after, _ = train.make_epoch(model, optimizer, LOSS, batch_size=64)(start, digits(100))
    dtypes = {leaf.dtype for leaf in jax.tree.leaves((after.params, after.opt_state[0].mu))}
    assert dtypes == {jnp.dtype(jnp.float64)}


def test_the_lecture_s_network_learns_mnist():
    train_set, test_set = data.load("mnist")
    model, optimizer = models.simple_nn(), optim.adam(1e-3)
    result = train.fit(
        model, optimizer, train_set, loss=LOSS, epochs=1, batch_size=64, key=jax.random.key(0)
    )
    found = train.evaluate(model, *result.train_state[:2], test_set, loss=LOSS, batch_size=1000)
    assert found["accuracy"] > 0.93
    assert int(result.train_state.step) == 938
