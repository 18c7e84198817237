"""Metrics: against scikit-learn and plain NumPy, and over ragged batches as over all at once."""

import inspect
from collections.abc import Callable
from functools import partial
from itertools import pairwise, product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxnn import metrics

CLASSES, BINS = 5, 4


def calibration_error(probabilities, labels):
    """Guo et al. (2017), equation 3: example by example, bin by bin."""
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    error = 0.0
    for b in range(BINS):
        inside = (confidence > b / BINS) & (confidence <= (b + 1) / BINS)
        if inside.any():
            accuracy = (predicted == labels)[inside].mean()
            error += inside.mean() * abs(accuracy - confidence[inside].mean())
    return error


class Case(NamedTuple):
    """A metric of (probabilities, labels), the number read from it, and the same from elsewhere."""

    metric: Callable
    read: Callable
    reference: Callable


ALL = {"labels": range(CLASSES)}
CASES = {
    "accuracy": Case(
        metrics.accuracy,
        lambda metric: metric.value,
        lambda p, labels: sklearn.metrics.accuracy_score(labels, p.argmax(axis=1)),
    ),
    "top_k_accuracy": Case(
        partial(metrics.top_k_accuracy, k=2),
        lambda metric: metric.value,
        lambda p, labels: sklearn.metrics.top_k_accuracy_score(labels, p, k=2, **ALL),
    ),
    "confusion_matrix": Case(
        metrics.confusion_matrix,
        lambda metric: metric.sum,
        lambda p, labels: sklearn.metrics.confusion_matrix(labels, p.argmax(axis=1), **ALL),
    ),
    "calibration": Case(
        partial(metrics.calibration, bins=BINS), lambda metric: metric.error, calibration_error
    ),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def draw(seed: int, n: int, dtype=np.float32):
    """Rows of different multiples of 1/1024 that sum to 1, whose sums over a batch are exact."""
    rng = np.random.default_rng(seed)
    cuts = [np.sort(rng.choice(np.arange(1, 1024), CLASSES - 1, replace=False)) for _ in range(n)]
    parts = np.diff(np.array(cuts), axis=1, prepend=0, append=1024)
    return (parts / 1024).astype(dtype), rng.integers(CLASSES, size=n).astype(np.int32)


def without_ties(seed, n):
    p, labels = draw(seed, n)
    keep = [len(set(row)) == CLASSES for row in p]
    return p[keep], labels[keep]


def assert_equal_trees(actual, expected):
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def test_every_metric_has_a_case():
    public = {
        name
        for name, function in vars(metrics).items()
        if inspect.isfunction(function)
        and not name.startswith("_")
        and "labels" in inspect.signature(function).parameters
    }
    assert public == {*CASES}


@cases
@pytest.mark.parametrize("n", [1, 100])
def test_agrees_with_the_reference(case, n):
    p, labels = without_ties(0, n + 10)
    p, labels = p[:n], labels[:n]
    np.testing.assert_allclose(
        case.read(case.metric(jnp.array(p), jnp.array(labels))),
        case.reference(p.astype(np.float64), labels),
        rtol=1e-6,  # the sums are exact, but divided in float32
    )


@cases
@settings(max_examples=15, deadline=None)
@given(cuts=st.sets(st.integers(1, 11)))
def test_any_batches_add_up_to_all_at_once(case, cuts):
    p, labels = draw(1, 12)
    edges = [0, *sorted(cuts), 12]
    parts = [slice(a, b) for a, b in pairwise(edges)]
    merged = metrics.merge(*(case.metric(jnp.array(p[i]), jnp.array(labels[i])) for i in parts))
    assert_equal_trees(merged, case.metric(jnp.array(p), jnp.array(labels)))


@cases
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "uint32"])
def test_labels_of_every_integer_dtype_count_alike(case, dtype):
    p, labels = draw(2, 20)
    p, labels = jnp.array(p), jnp.array(labels)
    assert_equal_trees(case.metric(p, labels.astype(dtype)), case.metric(p, labels))


@cases
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_jit_and_vmap_change_nothing(case, dtype):
    p, labels = draw(3, 20, dtype)
    p, labels = jnp.array(p), jnp.array(labels)
    expected = case.metric(p, labels)
    assert_equal_trees(jax.jit(case.metric)(p, labels), expected)
    one_by_one = jax.vmap(lambda p, label: case.metric(p[None], label[None]))(p, labels)
    assert_equal_trees(jax.tree.map(lambda x: jnp.sum(x, 0, dtype=x.dtype), one_by_one), expected)


@cases
@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.ones(2, np.float32), np.zeros(2, int), r"\(batch, classes\), got float32"),
        (np.ones((2, 3), int), np.zeros(2, int), r"floating .* got int64 of shape \(2, 3\)"),
        (np.ones((2, 3), np.float32), np.zeros(3, int), r"shape \(2,\), got int64 of shape \(3,\)"),
        (np.ones((2, 3), np.float32), np.zeros(2, bool), r"integers of shape \(2,\), got bool"),
        (np.ones((2, 3), np.float32), np.array([0, 3]), r"classes in 0 … 2, got 3"),
        (np.ones((2, 3), np.float32), np.array([0, -1]), r"classes in 0 … 2, got -1"),
    ],
)
def test_refuses_what_does_not_fit(case, probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        case.metric(jnp.array(probabilities), jnp.array(labels))


@pytest.mark.parametrize("label", [-1, CLASSES, -100])
def test_a_traced_label_that_is_no_class_counts_as_wrong(label):
    p = jnp.full((1, CLASSES), 0.2, jnp.float32)
    count = lambda name: jax.jit(CASES[name].metric)(p, jnp.array([label]))
    assert (count("accuracy").sum, count("accuracy").count) == (0, 1)
    assert (count("top_k_accuracy").sum, count("top_k_accuracy").count) == (0, 1)
    assert (count("confusion_matrix").sum.sum(), count("confusion_matrix").count) == (0, 1)
    assert count("calibration").accuracy.sum.sum() == 0


@pytest.mark.parametrize("k", [0, CLASSES + 1])
def test_top_k_refuses_more_classes_than_there_are(k):
    with pytest.raises(ValueError, match=rf"k must be a number in \[1, 5\], got {k}"):
        metrics.top_k_accuracy(jnp.ones((2, CLASSES)), jnp.array([0, 1]), k)


def test_top_k_is_in_the_top_unless_k_are_above_it():
    tied = jnp.array([[1.0, 1.0, 0.0], [jnp.nan, 1.0, 0.0]])
    in_top = lambda label: int(metrics.top_k_accuracy(tied[:1], jnp.array([label]), 1).sum)
    assert [in_top(0), in_top(1), in_top(2)] == [1, 1, 0]
    assert metrics.top_k_accuracy(tied[1:], jnp.array([0]), 3).sum == 0, "NaN is never right"


def test_the_predicted_class_is_the_first_of_the_largest():
    rows = np.array(list(product([-np.inf, -0.0, 0.0, 1.0, np.inf, np.nan], repeat=3)))
    alone = lambda row: metrics.confusion_matrix(row[None], jnp.array([0])).sum[0]
    ours = jnp.argmax(jax.vmap(alone)(jnp.array(rows)), axis=1)
    np.testing.assert_array_equal(ours, rows.argmax(axis=1))


@pytest.mark.parametrize("confidence", [0.25, 0.5, 0.75, 1.0])
def test_a_confidence_on_the_edge_belongs_to_the_bin_below(confidence):
    p = jnp.array([[confidence] + [(1 - confidence) / 4] * 4], jnp.float32)
    counts = metrics.calibration(p, jnp.array([0]), bins=BINS).accuracy.count
    assert counts.tolist() == [confidence == edge for edge in (0.25, 0.5, 0.75, 1.0)]


def test_counts_are_exact_where_float32_would_not_be():
    many = metrics.Average(jnp.array(2**24, jnp.int32), jnp.array(2**24, jnp.int32))
    one = metrics.Average(jnp.array(1, jnp.int32), jnp.array(1, jnp.int32))
    total = metrics.merge(many, one)
    assert (int(total.sum), int(total.count)) == (2**24 + 1, 2**24 + 1)


@pytest.mark.parametrize(
    ("total", "count", "value"),
    [(jnp.array(3, jnp.int32), 4, 0.75), (jnp.array(3.0, jnp.float32), 4, 0.75)],
)
def test_the_value_is_the_quotient(total, count, value):
    average = metrics.Average(total, jnp.array(count, jnp.int32))
    assert average.value == value
    assert metrics.values({"name": average}) == {"name": value}


def test_the_value_of_nothing_is_nan():
    nothing = metrics.Average(jnp.array(0.0), jnp.array(0, jnp.int32))
    assert jnp.isnan(nothing.value)


def test_a_ragged_last_batch_weighs_what_it_holds():
    losses = np.arange(10.0)
    merged = metrics.merge(*(metrics.average(jnp.array(losses[i : i + 4])) for i in (0, 4, 8)))
    assert merged.value == losses.mean() != np.mean([losses[i : i + 4].mean() for i in (0, 4, 8)])
