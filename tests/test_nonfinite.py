"""Numbers that are not finite: named, skipped, gone back from; and those that soon would be."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxnn import checkpoint, layers, losses, metrics, models, nonfinite, optim, train
from jaxnn.typing import Dataset

LOSS = losses.softmax_cross_entropy
MODEL = models.mlp((3, 8, 2), dropout=0.1)
KEY = jax.random.key(3)


def dataset(n: int = 60, bad: int | None = None) -> Dataset:
    """Points of two classes, of which one may be infinite."""
    inputs = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    if bad is not None:
        inputs[bad] = np.inf
    return Dataset(inputs, (inputs[:, 0] > 0).astype(np.int32))


def fit(data: Dataset, **options):
    settings = {"loss": LOSS, "epochs": 3, "batch_size": 8, "key": KEY}
    return train.fit(options.pop("model", MODEL), optim.adam(1e-2), data, **(settings | options))


def bits(result):
    state = result.train_state._replace(key=jax.random.key_data(result.train_state.key))
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in result.history]
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(state)], rows


def test_the_message_has_what_is_needed_at_three_in_the_morning():
    with pytest.raises(nonfinite.NonFiniteError) as caught:
        fit(dataset(bad=7))
    message = str(caught.value)
    epoch, step, *_ = message.split(",")
    assert (epoch, step.split(":")[0]) == ("epoch 1", f" step {caught.value.step}")
    assert "loss is nan; the first layer whose output is not finite is 0/dense" in message
    assert "the norm of its gradient is nan" in message
    assert "in the step before" in message
    assert "the first gradient that is not finite is params[0]['bias']" in message


def test_the_norm_of_a_gradient_is_that_of_the_step():
    train_state = train.init_train_state(MODEL, optim.sgd(0.1), KEY)
    batch = dataset(8)
    observe = train.make_train_step(MODEL, nonfinite.GRADIENTS, LOSS)
    seen = observe(train_state._replace(opt_state=train_state.params), batch)[0]
    after, _ = train.make_train_step(MODEL, optim.sgd(1.0), LOSS)(train_state, batch)
    moved = jax.tree.map(lambda old, new: old - new, train_state.params, after.params)
    for grad, change in zip(*map(jax.tree.leaves, (seen.opt_state, moved)), strict=True):
        np.testing.assert_allclose(grad, change, rtol=1e-5, atol=1e-6)


def test_a_bad_step_is_skipped_and_counted():
    found = fit(dataset(bad=7), on_nonfinite="skip")
    assert [row["skipped"] for row in found.history] == [1, 1, 1]
    assert all(math.isfinite(row["loss"]) for row in found.history)
    assert int(found.train_state.step) == 24
    assert int(found.train_state.opt_state[0].count) == 21, "the moments know nothing of it"
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found.train_state.params))


def test_where_nothing_is_bad_to_skip_changes_no_bit():
    plain, skipping = fit(dataset()), fit(dataset(), on_nonfinite="skip")
    for row in skipping.history:
        assert row.pop("skipped") == 0
    assert bits(plain) == bits(skipping)


def test_if_every_step_would_be_skipped_it_stops():
    data = dataset()
    with pytest.raises(FloatingPointError, match="epoch 1, step 1: loss is nan"):
        fit(Dataset(data.images * np.float32(np.nan), data.labels), on_nonfinite="skip")


def unlucky(share: float) -> layers.Layer:
    """A network of which some draws of the masks overflow, and others do not."""

    def apply(params, state, x, *, key=None, train=False):
        strikes = train and jax.random.uniform(key) < share
        return jnp.where(strikes, jnp.inf, x), state

    layer = layers.Layer("unlucky", lambda key, dtype=jnp.float32: ({}, {}), apply)
    return layers.serial(layer, layers.dense(3, 2))


def test_an_epoch_is_taken_again_with_other_draws_and_the_history_says_so():
    model = unlucky(0.06)
    found = fit(dataset(), model=model, on_nonfinite="rewind", epochs=6)
    rewinds = [row["rewinds"] for row in found.history]
    assert sum(rewinds) > 0
    assert max(rewinds) <= nonfinite.REWINDS
    assert int(found.train_state.step) == 6 * 8
    assert bits(found) == bits(fit(dataset(), model=model, on_nonfinite="rewind", epochs=6))


def test_a_training_that_rewinds_is_taken_up_as_if_never_interrupted(tmp_path):
    model = unlucky(0.06)
    expected = fit(dataset(), model=model, on_nonfinite="rewind", epochs=6)
    resume = None
    for epochs in range(1, 7):
        stopped = fit(
            dataset(), model=model, on_nonfinite="rewind", epochs=6, resume=resume,
            stop=lambda: "asked to",
        )  # fmt: skip
        assert stopped.measured is None, "an epoch is taken whole, or not at all"
        part = fit(dataset(), model=model, on_nonfinite="rewind", epochs=epochs, resume=resume)
        checkpoint.save(
            tmp_path, part.train_state, step=8 * epochs, config={}, loss=1.0, history=part.history
        )
        resume = checkpoint.load(tmp_path)
    assert bits(part) == bits(expected)


def test_rewinding_in_vain_stops():
    with pytest.raises(FloatingPointError, match=r"epoch 1, step 1: loss is nan; .* is 0/unlucky"):
        fit(dataset(), model=unlucky(1.0), on_nonfinite="rewind")


def test_an_unknown_answer_is_refused():
    with pytest.raises(
        ValueError, match="on_nonfinite must be one of stop, skip, rewind, got 'go'"
    ):
        fit(dataset(), on_nonfinite="go")


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_adds_losses_in_float32(dtype):
    """65 504 is float16's largest number, 256 the last up to which bfloat16 counts."""
    values = jnp.full(70_000, 1.0, dtype)
    average = metrics.average(values)
    assert float(average.sum) / int(average.count) == 1.0


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_the_mean_of_many_losses_in_half_precision_is_right(dtype):
    values = jnp.full(70_000, 1.5, dtype)
    assert float(losses.mean(values)) == pytest.approx(1.5, rel=1e-2)


@pytest.mark.parametrize(("dtype", "eps"), [(jnp.float16, 1e-4), (jnp.bfloat16, 1e-8)])
def test_adam_in_half_precision_takes_no_step_that_is_not_finite(dtype, eps):
    params = {"kernel": jnp.ones(4, dtype)}
    optimizer = optim.adam(1e-3, eps=eps)
    state = optimizer.init(params)
    for gradient in (0.0, 1e-4, 1e-7, 200.0):  # the square of 1e-4 is 0 in float16
        grads = {"kernel": jnp.full(4, gradient, dtype)}
        updates, state = optimizer.update(grads, state, params)
        params = optim.apply_updates(params, updates)
        assert np.isfinite(np.asarray(params["kernel"], np.float32)).all(), gradient


def test_adam_s_usual_epsilon_is_0_in_float16_as_in_optax():
    """0 / (√0 + 0) is the update of a parameter without gradient: why the docstring warns."""
    params = {"kernel": jnp.zeros(4, jnp.float16)}
    for library in (optim, optax):
        optimizer = library.adam(1e-3)
        with jax.numpy_dtype_promotion("standard"):  # Optax needs it
            updates, _ = optimizer.update(params, optimizer.init(params), params)
        assert np.isnan(updates["kernel"]).all()


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_all_equal_features_are_normalised_to_what_is_finite(dtype):
    norm = layers.batch_norm(3)
    params, state = norm.init(KEY, dtype)
    outputs, state = norm.apply(params, state, jnp.full((4, 3), 300, dtype), train=True)
    assert np.isfinite(np.asarray(outputs, np.float32)).all()
    assert np.abs(np.asarray(outputs, np.float32)).max() < 1e-2
    assert all(np.isfinite(np.asarray(leaf, np.float32)).all() for leaf in jax.tree.leaves(state))


def test_classes_without_examples_and_a_single_class_train_and_are_measured():
    data = dataset()
    one_class = Dataset(data.images, np.zeros(data.size, np.int32))
    model = models.mlp((3, 8, 5))  # five classes, of which one has examples
    result = fit(one_class, model=model, validation=one_class)
    assert result.history[-1]["accuracy"] == 1.0
    logits = train.predict(model, *result.train_state[:2], data.images, batch_size=8)
    matrix = metrics.confusion_matrix(logits, jnp.asarray(one_class.labels)).sum
    assert matrix[0, 0] == data.size
    assert int(matrix.sum()) == data.size
