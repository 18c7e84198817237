"""Losses at any values: their sign, their dtype, their gradients, and what a batch must not mix."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxnn import losses
from tests.properties.draws import classes, each_dtype, few, probabilities, reals, some

BATCH, CLASSES = 4, 3


class Case(NamedTuple):
    """A loss, what it is given, and whether it is finite at all of that."""

    loss: Callable
    outputs: st.SearchStrategy
    labels: st.SearchStrategy
    is_bounded: bool = True


ROWS, SHARES = reals(BATCH, CLASSES), probabilities(BATCH, CLASSES)
CASES = {
    "softmax_cross_entropy": Case(losses.softmax_cross_entropy, ROWS, classes(BATCH, CLASSES)),
    "softmax_cross_entropy, soft": Case(losses.softmax_cross_entropy, ROWS, SHARES),
    "cross_entropy": Case(losses.cross_entropy, SHARES, classes(BATCH, CLASSES), False),
    "binary_cross_entropy": Case(losses.binary_cross_entropy, SHARES, SHARES, False),
    "sigmoid_binary_cross_entropy": Case(losses.sigmoid_binary_cross_entropy, ROWS, SHARES),
    "squared_error": Case(losses.squared_error, ROWS, ROWS),
    "absolute_error": Case(losses.absolute_error, ROWS, ROWS),
    "huber": Case(losses.huber, ROWS, ROWS),
    "kl_divergence": Case(losses.kl_divergence, ROWS.map(lambda x: -abs(x)), SHARES),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def drawn(data, case, dtype):
    """Outputs and labels in a dtype; classes stay integers."""
    outputs, labels = data.draw(case.outputs), data.draw(case.labels)
    is_soft = np.issubdtype(labels.dtype, np.floating)
    return jnp.asarray(outputs, dtype), jnp.asarray(labels, dtype if is_soft else None)


@cases
@each_dtype
@few
@given(data=st.data())
def test_one_number_per_example_of_the_outputs_dtype_and_never_below_zero(case, dtype, data):
    outputs, labels = drawn(data, case, dtype)
    values = case.loss(outputs, labels)
    assert values.shape == (BATCH,)
    assert values.dtype == dtype
    assert not jnp.isnan(values).any()
    if case.loss is not losses.kl_divergence:  # of log_probabilities that are those of no rows
        assert (values >= 0).all()
    if case.is_bounded:
        assert jnp.isfinite(values).all()


@cases
@few
@given(data=st.data())
def test_gradients_are_finite_wherever_the_loss_is(case, data):
    outputs, labels = drawn(data, case, jnp.float32)
    of_one = lambda outputs, label: case.loss(outputs[None], label[None])[0]
    values, slopes = jax.vmap(jax.value_and_grad(of_one))(outputs, labels)
    assert jnp.isfinite(slopes[jnp.isfinite(values)]).all()


@cases
@few
@given(data=st.data())
def test_an_example_knows_nothing_of_the_others(case, data):
    outputs, labels = drawn(data, case, jnp.float64)
    alone = [case.loss(outputs[i : i + 1], labels[i : i + 1])[0] for i in range(BATCH)]
    np.testing.assert_allclose(case.loss(outputs, labels), alone, rtol=1e-14)


@pytest.mark.parametrize(
    "loss", [losses.squared_error, losses.absolute_error, losses.huber], ids=lambda f: f.__name__
)
@some
@given(x=ROWS, y=ROWS)
def test_an_error_is_symmetric_and_zero_where_nothing_is_wrong(loss, x, y):
    x, y = jnp.asarray(x), jnp.asarray(y)
    np.testing.assert_array_equal(loss(x, x), np.zeros(BATCH))
    np.testing.assert_array_equal(loss(x, y), loss(y, x))


@some
@given(x=ROWS, y=ROWS, delta=st.floats(1e-3, 1e5))
def test_huber_lies_below_both_the_parabola_and_the_lines(x, y, delta):
    x, y = jnp.asarray(x), jnp.asarray(y)
    value, rounding = losses.huber(x, y, delta), 1 + 1e-14
    assert (value <= rounding * losses.squared_error(x, y) / 2).all()
    assert (value <= rounding * delta * losses.absolute_error(x, y)).all()


@some
@given(p=SHARES)
def test_no_distribution_diverges_from_itself(p):
    log_p = jnp.log(jnp.asarray(p))
    np.testing.assert_array_equal(losses.kl_divergence(log_p, jnp.asarray(p)), np.zeros(BATCH))


@some
@given(p=SHARES, q=SHARES)
def test_cross_entropy_is_entropy_and_divergence(p, q):
    p, q = jnp.asarray(p), jnp.asarray(q)
    together = losses.cross_entropy(q, q) + losses.kl_divergence(jnp.log(p), q)
    np.testing.assert_allclose(losses.cross_entropy(p, q), together, rtol=1e-14, atol=1e-15)


@some
@given(x=reals(BATCH, low=-500, high=500), labels=classes(BATCH, 2))
def test_a_sigmoid_is_a_softmax_over_two_classes(x, labels):
    x, labels = jnp.asarray(x), jnp.asarray(labels)
    of_two = losses.softmax_cross_entropy(jnp.stack([jnp.zeros_like(x), x], axis=1), labels)
    np.testing.assert_allclose(
        losses.sigmoid_binary_cross_entropy(x, labels), of_two, rtol=1e-14, atol=1e-300
    )


WHOLE = ROWS.map(np.round)


@some
@given(logits=WHOLE, labels=SHARES, shift=st.integers(-10_000, 10_000))
def test_softmax_cross_entropy_sees_only_differences_of_logits(logits, labels, shift):
    logits, labels = jnp.asarray(logits, jnp.float32), jnp.asarray(labels, jnp.float32)
    np.testing.assert_array_equal(
        losses.softmax_cross_entropy(logits + jnp.float32(shift), labels),
        losses.softmax_cross_entropy(logits, labels),
    )


@some
@given(
    logits=ROWS,
    labels=classes(BATCH, CLASSES),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    hidden=st.booleans(),
)
def test_gradients_of_softmax_cross_entropy_sum_to_zero_over_the_classes(
    logits, labels, smoothing, hidden
):
    logits = np.append(logits, np.full((BATCH, 1), -np.inf if hidden and not smoothing else 0), 1)
    total = lambda x: jnp.sum(
        losses.softmax_cross_entropy(x, jnp.asarray(labels), label_smoothing=smoothing)
    )
    gradient = jax.grad(total)(jnp.asarray(logits))
    np.testing.assert_allclose(gradient.sum(axis=1), np.zeros(BATCH), atol=1e-15)
    assert (abs(gradient) <= 1).all()


@some
@given(logits=ROWS, labels=classes(BATCH, CLASSES), smoothing=st.floats(0, 1))
def test_label_smoothing_mixes_the_labels_with_all_classes(logits, labels, smoothing):
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    even = jnp.full(logits.shape, 1 / CLASSES)
    mixed = (1 - smoothing) * losses.softmax_cross_entropy(logits, labels)
    mixed = mixed + smoothing * losses.softmax_cross_entropy(logits, even)
    np.testing.assert_allclose(
        losses.softmax_cross_entropy(logits, labels, label_smoothing=smoothing), mixed, rtol=1e-13
    )


@some
@given(logits=ROWS, labels=classes(BATCH, CLASSES), weights=reals(CLASSES, low=0, high=9))
def test_a_class_weight_multiplies_the_loss_of_its_class(logits, labels, weights):
    logits, labels, weights = jnp.asarray(logits), jnp.asarray(labels), jnp.asarray(weights)
    np.testing.assert_allclose(
        losses.softmax_cross_entropy(logits, labels, class_weights=weights),
        weights[labels] * losses.softmax_cross_entropy(logits, labels),
        rtol=1e-14,
    )


@some
@given(logits=ROWS, labels=classes(BATCH, CLASSES), ignored=st.integers(-1, CLASSES - 1))
def test_an_ignored_label_counts_as_if_it_were_not_there(logits, labels, ignored):
    counts = labels != ignored
    values = losses.softmax_cross_entropy(
        jnp.asarray(logits), jnp.asarray(labels), ignore_label=ignored
    )
    plain = losses.softmax_cross_entropy(jnp.asarray(logits), jnp.asarray(labels))
    np.testing.assert_array_equal(values, np.where(counts, plain, 0))
    mean = losses.mean(values, jnp.asarray(counts))
    np.testing.assert_allclose(mean, plain[counts].mean() if counts.any() else 0, rtol=1e-14)


@some
@given(values=reals(6), cut=st.integers(1, 5))
def test_the_mean_of_a_batch_is_the_weighted_mean_of_its_parts(values, cut):
    values = jnp.asarray(values)
    parts = jnp.stack([losses.mean(values[:cut]), losses.mean(values[cut:])])
    sizes = jnp.asarray([cut, 6 - cut], jnp.float64)
    np.testing.assert_allclose(
        losses.mean(parts, sizes), losses.mean(values), rtol=1e-13, atol=1e-9
    )


@each_dtype
@few
@given(values=reals(6), weights=reals(6, low=0, high=9), left_out=st.sampled_from([np.inf, np.nan]))
def test_a_weighted_mean_lies_among_its_values_and_weight_zero_hides_anything(
    dtype, values, weights, left_out
):
    weights = jnp.asarray(weights, dtype)
    values = jnp.asarray(np.where(np.asarray(weights) == 0, left_out, values), dtype)
    mean = losses.mean(values, weights)
    assert mean.dtype == dtype
    counted = np.asarray(values, np.float64)[np.asarray(weights) > 0]
    low, high = (counted.min(), counted.max()) if counted.size else (0, 0)
    room = 8 * float(jnp.finfo(dtype).eps) * max(abs(low), abs(high))
    assert low - room <= float(mean) <= high + room
