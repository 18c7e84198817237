"""Losses at their edges: extreme numbers, kinks, labels, ignored ones, weights; and penalties."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from jaxnn import losses

CLASSES, IGNORED = 7, 3
WEIGHTS = np.array([0.5, 1.0, 1.5, 2.0, 0.25, 0.0, 1.0])

# The edges: (loss, its arguments, its value).
EDGES = [
    (losses.softmax_cross_entropy, [[1e4, -1e4]], [0], 0),
    (losses.softmax_cross_entropy, [[1e4, -1e4]], [1], 2e4),
    (losses.softmax_cross_entropy, [[1e4, -1e4]], [[0.5, 0.5]], 1e4),
    (losses.softmax_cross_entropy, [[1e4, 1e4]], [1], np.log(2)),
    (losses.softmax_cross_entropy, [[-1e4, -1e4]], [1], np.log(2)),
    (losses.softmax_cross_entropy, [[-np.inf, 0.0]], [1], 0),
    (losses.softmax_cross_entropy, [[5.0]], [0], 0),
    (losses.cross_entropy, [[1.0, 0.0]], [0], 0),
    (losses.cross_entropy, [[1.0, 0.0]], [1], np.inf),
    (losses.cross_entropy, [[1.0, 0.0]], [[1.0, 0.0]], 0),
    (losses.cross_entropy, [[0.5, 0.0, 0.5]], [[0.5, 0.0, 0.5]], np.log(2)),
    (losses.cross_entropy, [[1.0]], [0], 0),
    (losses.binary_cross_entropy, [0.0], [0], 0),
    (losses.binary_cross_entropy, [1.0], [1], 0),
    (losses.binary_cross_entropy, [1.0], [True], 0),
    (losses.binary_cross_entropy, [0.0], [1], np.inf),
    (losses.binary_cross_entropy, [1.0], [0], np.inf),
    (losses.sigmoid_binary_cross_entropy, [1e4], [1], 0),
    (losses.sigmoid_binary_cross_entropy, [1e4], [0], 1e4),
    (losses.sigmoid_binary_cross_entropy, [-1e4], [1], 1e4),
    (losses.sigmoid_binary_cross_entropy, [-1e4], [0.25], 2500),
    (losses.kl_divergence, [[0.0, -np.inf]], [[1.0, 0.0]], 0),
    (losses.kl_divergence, [[np.log(0.5), np.log(0.5)]], [[0.0, 1.0]], np.log(2)),
    (losses.squared_error, [1e4], [-1e4], 4e8),
    (losses.absolute_error, [1e4], [-1e4], 2e4),
    (losses.huber, [1e4], [-1e4], 2e4 - 0.5),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("loss", "outputs", "targets", "value"), EDGES)
def test_the_edges(loss, outputs, targets, value, dtype):
    x, y = jnp.array(outputs, dtype), jnp.array(targets)
    y = y.astype(dtype) if y.dtype.kind == "f" else y
    values, pull = jax.vjp(lambda x: loss(x, y), x)
    np.testing.assert_allclose(values, np.array([value], dtype), rtol=2e-7, strict=True)
    if np.isfinite(value):
        assert jnp.isfinite(pull(jnp.ones_like(values))[0]).all()


ELEMENTWISE = [
    losses.binary_cross_entropy,
    losses.sigmoid_binary_cross_entropy,
    losses.squared_error,
    losses.absolute_error,
    losses.huber,
]


@pytest.mark.parametrize("loss", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2, 3)])
def test_an_example_of_several_numbers_has_their_mean(loss, shape):
    outputs, targets = np.random.default_rng(0).uniform(size=(2, *shape))
    one_by_one = loss(jnp.array(outputs.ravel()), jnp.array(targets.ravel()))
    values = loss(jnp.array(outputs), jnp.array(targets))
    np.testing.assert_allclose(values, one_by_one.reshape(4, -1).mean(1), rtol=1e-14, strict=True)


# At a residual of 0 the slope could be anything from −1 to 1; PyTorch's is 0.
KINKS = {
    "absolute_error": (losses.absolute_error, partial(F.l1_loss, reduction="none")),
    "huber": (losses.huber, partial(F.huber_loss, reduction="none")),
    "l1": (lambda x, y: losses.l1({"kernel": x})[None], lambda x, y: torch.norm(x, 1)[None]),
}


@pytest.mark.parametrize(("ours", "theirs"), KINKS.values(), ids=KINKS)
@pytest.mark.parametrize("x", [0.0, -0.0, 1.0, -1.0])
def test_the_slope_at_a_kink_is_pytorchs(ours, theirs, x):
    slope = jax.grad(lambda x: ours(x, jnp.zeros(1)).sum())(jnp.array([x]))
    tensor = torch.tensor([x], dtype=torch.float64, requires_grad=True)
    theirs(tensor, torch.zeros(1, dtype=torch.float64)).sum().backward()
    np.testing.assert_array_equal(slope, tensor.grad.numpy(), strict=True)


@pytest.mark.parametrize("loss", [losses.softmax_cross_entropy, losses.cross_entropy])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "uint32"])
def test_labels_of_every_integer_dtype_mean_the_same(loss, dtype):
    """With more classes than int8 and uint8 can count, whose one-hot vectors must not wrap."""
    rng = np.random.default_rng(0)
    p = jnp.array(rng.dirichlet(np.ones(300), size=20))
    labels = rng.integers(128, size=20)
    np.testing.assert_array_equal(
        loss(p, jnp.array(labels, dtype)), loss(p, jax.nn.one_hot(labels, 300, dtype=p.dtype))
    )


@pytest.mark.parametrize("ignored", [-100, IGNORED])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"class_weights": WEIGHTS}])
@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_an_ignored_label_counts_for_nothing(ignored, options, wrap):
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(40, CLASSES)), rng.integers(CLASSES, size=40)
    labels[::3] = ignored
    kept = labels != ignored
    options = {name: jnp.array(value) for name, value in options.items()}
    loss = lambda x: losses.softmax_cross_entropy(
        x, jnp.array(labels), ignore_label=ignored, **options
    )
    values, pull = jax.vjp(wrap(loss), jnp.array(logits))
    gradient = pull(jnp.ones_like(values))[0]
    assert not values[~kept].any()
    assert not gradient[~kept].any()
    alone = losses.softmax_cross_entropy(
        jnp.array(logits[kept]), jnp.array(labels[kept]), **options
    )
    np.testing.assert_allclose(values[kept], alone, rtol=1e-14)


def test_a_batch_of_ignored_labels_gives_0():
    labels = jnp.full(4, -100)
    loss = lambda x: losses.mean(
        losses.softmax_cross_entropy(x, labels, ignore_label=-100), labels != -100
    )
    value, gradient = jax.value_and_grad(loss)(jnp.ones((4, 3)))
    assert value == 0
    assert not gradient.any()


def test_an_ignored_label_need_not_fit_the_dtype_of_the_labels():
    """−100 as an uint8 would be 156, which is a class here."""
    labels = jnp.array([156], jnp.uint8)
    assert losses.softmax_cross_entropy(jnp.zeros((1, 200)), labels, ignore_label=-100)[0] > 5


@pytest.mark.parametrize("loss", [losses.softmax_cross_entropy, losses.cross_entropy])
@pytest.mark.parametrize("label", [-1, 3, 255])
def test_a_label_that_is_no_class_is_an_error_or_nan(loss, label):
    probabilities, labels = jnp.full((2, 3), 1 / 3), jnp.array([0, label])
    with pytest.raises(ValueError, match=rf"labels must be classes in 0 … 2, got {label}"):
        loss(probabilities, labels)
    values = jax.jit(loss)(probabilities, labels)
    assert jnp.isnan(values).tolist() == [False, True]


def test_weighted_mean():
    values, weights = jnp.array([1.0, 3.0, 8.0]), jnp.array([1.0, 0.5, 0.0])
    assert losses.mean(values) == 4
    assert losses.mean(values, weights) == 2.5 / 1.5
    assert losses.mean(values, weights > 0) == 2
    assert losses.mean(values, jnp.array([2, 1, 0])) == 5 / 3
    assert losses.mean(values, jnp.zeros(3)) == 0


@pytest.mark.parametrize("left_out", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_the_mean_leaves_out_values_of_weight_0(left_out, wrap):
    values, weights = jnp.array([1.0, 3.0, left_out]), jnp.array([True, True, False])
    value, gradient = jax.value_and_grad(wrap(losses.mean))(values, weights)
    assert value == 2
    assert gradient.tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_mean_of_ragged_batches_is_that_of_all(dtype):
    """Padded to equal lengths and weighted, as a scan needs it."""
    values = jnp.arange(1, 11, dtype=dtype)
    padded = jnp.pad(values, (0, 2), constant_values=jnp.nan).reshape(3, 4)
    weights = (jnp.arange(12) < 10).reshape(3, 4)
    means, counts = jax.vmap(losses.mean)(padded, weights), weights.sum(1)
    assert means.dtype == dtype
    assert losses.mean(means, counts) == values.mean()


x23, x2 = jnp.ones((2, 3)), jnp.ones(2)
WRONG = [
    (lambda: losses.softmax_cross_entropy(x2, jnp.array([0, 1])), r"\(batch, classes\), got"),
    (lambda: losses.softmax_cross_entropy(jnp.ones((2, 3), int), jnp.array([0, 1])), "int64"),
    (lambda: losses.softmax_cross_entropy(x23, jnp.array([0])), r"shape \(2,\), got .* \(1,\)"),
    (lambda: losses.softmax_cross_entropy(x23, jnp.array([[0], [1]])), r"shape \(2,\), got"),
    (lambda: losses.softmax_cross_entropy(x23, jnp.array([True, False])), "integers .* got bool"),
    (lambda: losses.softmax_cross_entropy(x23, jnp.ones((2, 4))), r"\(2, 3\), .* \(2, 4\)"),
    (lambda: losses.softmax_cross_entropy(x23, x23.astype("float32")), "float64 .* got float32"),
    (lambda: losses.softmax_cross_entropy(x23, x23, ignore_label=0), "integer labels, got float64"),
    (
        lambda: losses.softmax_cross_entropy(x23, jnp.array([0, 1]), class_weights=x2),
        r"class_weights must be float64 of shape \(3,\), got float64 of shape \(2,\)",
    ),
    (
        lambda: losses.softmax_cross_entropy(x23, jnp.array([0, 1]), label_smoothing=1.1),
        r"label_smoothing must be a number in \[0, 1\], got 1.1",
    ),
    (lambda: losses.cross_entropy(x2, jnp.array([0, 1])), r"\(batch, classes\), got \(2,\)"),
    (lambda: losses.cross_entropy(x23, jnp.array([0, 1, 2])), r"shape \(2,\), got"),
    (lambda: losses.binary_cross_entropy(x2, x23), r"\(2,\), got float64 of shape \(2, 3\)"),
    (lambda: losses.binary_cross_entropy(jnp.array(0.5), jnp.array(1)), "batch axis"),
    (lambda: losses.sigmoid_binary_cross_entropy(x2, x2.astype("float32")), "got float32"),
    (lambda: losses.squared_error(x2, x23), r"targets must be float64 of shape \(2,\), got"),
    (lambda: losses.absolute_error(x2, x2.astype("float32")), "float64 .* got float32"),
    (lambda: losses.huber(x2, x2, delta=0), r"delta must be a number in \(0, inf\), got 0"),
    (lambda: losses.kl_divergence(x2, x2), r"\(batch, classes\), got \(2,\)"),
    (lambda: losses.mean(x23), r"\(batch,\), got \(2, 3\)"),
    (lambda: losses.mean(jnp.array([1, 2])), "floating .* got int64"),
    (lambda: losses.mean(x2, jnp.ones(3)), r"weights must have shape \(2,\), got \(3,\)"),
    (lambda: losses.l2({"bias": x2}), r"that of a parameter, got \('kernel',\)"),
    (lambda: losses.l1({}, ("kernel", "scale")), r"parameter, got \('kernel', 'scale'\)"),
]


@pytest.mark.parametrize(("use", "message"), WRONG)
def test_refuses_what_does_not_fit(use, message):
    with pytest.raises(ValueError, match=message):
        use()


def test_settings_may_be_traced():
    logits, labels = jnp.ones((2, 3)), jnp.array([0, 1])
    smoothed = lambda s: losses.softmax_cross_entropy(logits, labels, label_smoothing=s)
    bent = lambda delta: losses.huber(jnp.array([0.5, 3.0]), jnp.zeros(2), delta)
    for loss in (smoothed, bent):
        expected = jnp.stack([loss(0.25), loss(0.5)])
        np.testing.assert_allclose(jax.vmap(loss)(jnp.array([0.25, 0.5])), expected, rtol=1e-14)


PARAMS = (
    {"kernel": jnp.array([[1.0, -2.0]]), "bias": jnp.array([5.0, 6.0])},
    {},
    ({"scale": jnp.array([7.0]), "bias": jnp.array([8.0])}, {"kernel": jnp.array([[0.0], [3.0]])}),
)


@pytest.mark.parametrize(
    ("penalty", "names", "value"),
    [
        (losses.l1, ("kernel",), 6),
        (losses.l1, ("bias", "scale"), 26),
        (losses.l2, ("kernel",), 14),
        (losses.l2, ("kernel", "bias"), 14 + 25 + 36 + 64),
    ],
)
def test_penalties_count_what_is_named(penalty, names, value):
    assert penalty(PARAMS, names) == value
    if names == ("kernel",):
        assert penalty(PARAMS) == value


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_penalties_pull_kernels_only(wrap, dtype):
    params = jax.tree.map(lambda x: x.astype(dtype), PARAMS)
    first, _, (second, third) = jax.grad(wrap(losses.l1))(params)
    assert first["kernel"].tolist() == [[1, -1]]
    assert third["kernel"].tolist() == [[0], [1]]
    assert not any(leaf.any() for leaf in (first["bias"], second["scale"], second["bias"]))
    first, _, (_, third) = jax.grad(wrap(losses.l2))(params)
    assert first["kernel"].tolist() == [[2, -4]]
    assert third["kernel"].tolist() == [[0], [6]]


def test_half_an_l2_penalty_is_pytorchs_weight_decay():
    decay, rate, kernel = 0.1, 0.5, np.array([[1.0, -2.0]])
    gradient = jax.grad(lambda params: decay / 2 * losses.l2(params))({"kernel": jnp.array(kernel)})
    weight = torch.nn.Parameter(torch.tensor(kernel))
    weight.grad = torch.zeros_like(weight)
    torch.optim.SGD([weight], lr=rate, weight_decay=decay).step()
    np.testing.assert_allclose(
        kernel - rate * gradient["kernel"], weight.detach().numpy(), rtol=1e-14
    )
