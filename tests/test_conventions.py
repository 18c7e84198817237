"""Every convention of layers and losses, in numbers by hand: each test fails when its one breaks.

The choices between which frameworks differ: `design.md` of the project lists them as "Numerics".
"""

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxnn import layers, losses

KEY = jax.random.key(0)


def trained(layer, x):
    """The output and the new state of a step in training, from the initial state."""
    return layer.apply(*layer.init(KEY, jnp.float64), jnp.array(x), key=KEY, train=True)


def test_a_dense_kernel_is_in_by_out():
    """PyTorch's weight is (out, in)."""
    assert layers.dense(3, 2).init(KEY)[0]["kernel"].shape == (3, 2)
    params = {"kernel": jnp.array([[0.0, 1.0], [0.0, 0.0]]), "bias": jnp.array([0.0, 10.0])}
    y, _ = layers.dense(2, 2).apply(params, {}, jnp.array([[5.0, 7.0]]))
    assert y.tolist() == [[0, 15]]


@pytest.mark.parametrize("name", ["kernel", "bias"])
@pytest.mark.parametrize("in_size", [25, 400])
def test_dense_starts_uniform_within_1_over_the_root_of_in(name, in_size):
    """Both the kernel and the bias, as PyTorch's; Flax's kernel is normal, its bias 0."""
    keys = jax.random.split(KEY, 20)
    init = lambda key: layers.dense(in_size, 50).init(key)[0][name]
    values, bound = np.ravel(jax.vmap(init)(keys)), 1 / math.sqrt(in_size)
    uniform = scipy.stats.uniform(-bound, 2 * bound)
    assert np.abs(values).max() <= bound
    assert scipy.stats.kstest(values, uniform.cdf).pvalue > 0.01


def test_the_kernel_and_the_bias_start_independently():
    params, _ = layers.dense(1, 100).init(KEY)
    assert abs(np.corrcoef(params["kernel"][0], params["bias"])[0, 1]) < 0.3


def test_momentum_is_the_weight_of_the_new_value():
    """0.1 unless told otherwise; in Flax it is the weight of the old one, 0.99."""
    _, state = trained(layers.batch_norm(1), [[9.0], [11.0]])
    assert state["mean"].tolist() == [pytest.approx(0.1 * 10)]
    _, state = trained(layers.batch_norm(1, momentum=0.25), [[9.0], [11.0]])
    assert state["mean"].tolist() == [pytest.approx(0.25 * 10)]


def test_the_biased_variance_normalises():
    y, _ = trained(layers.batch_norm(1, epsilon=1e-12), [[-1.0], [1.0]])
    assert y.ravel().tolist() == pytest.approx([-1, 1])
    layer = layers.layer_norm(2, epsilon=1e-12)
    assert trained(layer, [[-1.0, 1.0]])[0].ravel().tolist() == pytest.approx([-1, 1])


def test_the_unbiased_variance_is_remembered():
    """Of −1 and 1 it is 2; the biased one is 1, the initial value too."""
    _, state = trained(layers.batch_norm(1), [[-1.0], [1.0]])
    assert state["var"].tolist() == [pytest.approx(0.9 * 1 + 0.1 * 2)]


def test_the_running_values_start_at_0_and_1_and_count_steps():
    _, state = layers.batch_norm(2).init(KEY)
    assert {name: value.tolist() for name, value in state.items()} == {
        "mean": [0, 0],
        "var": [1, 1],
        "count": 0,
    }
    assert trained(layers.batch_norm(1), [[-1.0], [1.0]])[1]["count"] == 1


def test_the_running_values_normalise_in_evaluation():
    """As they are: nothing corrects for their start."""
    layer = layers.batch_norm(1, epsilon=1e-12)
    params, state = layer.init(KEY, jnp.float64)
    _, state = layer.apply(params, state, jnp.array([[3.0], [5.0]]), train=True)
    y, same = layer.apply(params, state, jnp.array([[3.0]]))
    assert y.tolist() == [[pytest.approx((3 - 0.4) / math.sqrt(0.9 + 0.2))]]
    assert same is state


def test_the_variance_takes_two_passes():
    """The mean of squares less the square of the mean has no digit left here."""
    x = jnp.array([[4095.0], [4097.0]], "float32") * 64
    layer = layers.batch_norm(1, momentum=1.0)
    y, state = layer.apply(*layer.init(KEY), x, train=True)
    assert y.ravel().tolist() == [-1, 1]
    assert state["var"].tolist() == [8192]
    layer = layers.layer_norm(2)
    assert layer.apply(*layer.init(KEY), x.T)[0].ravel().tolist() == [-1, 1]


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 3)])
def test_one_value_per_feature_has_no_variance(shape):
    """Flax gives zeros and says nothing."""
    with pytest.raises(ValueError, match="more than one value per feature"):
        trained(layers.batch_norm(3), np.ones(shape))


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm"])
def test_epsilon_is_1e_5_and_inside_the_root(name):
    """Flax's layer norm has 1e-6. A standard deviation of 1e-3 shows it."""
    layer, x = getattr(layers, name)(2), np.array([[-1e-3, -1e-3], [1e-3, 1e-3]])
    x = x if name == "batch_norm" else x.T
    y, _ = trained(layer, x)
    np.testing.assert_allclose(np.abs(y), 1e-3 / math.sqrt(1e-6 + 1e-5), rtol=1e-12)


def test_epsilon_counts_in_evaluation_too():
    layer = layers.batch_norm(1)
    params, state = layer.init(KEY, jnp.float64)
    y, _ = layer.apply(params, state | {"var": jnp.zeros(1)}, jnp.ones((1, 1)))
    assert y.tolist() == [[pytest.approx(1 / math.sqrt(1e-5))]]


def test_rate_is_the_probability_to_drop():
    """In stax it was that to keep."""
    y, _ = trained(layers.dropout(0.2), np.ones(10_000))
    assert abs(float((y == 0).mean()) - 0.2) < 0.02


def test_what_dropout_keeps_is_scaled_while_training_only():
    y, _ = trained(layers.dropout(0.2), np.ones(1000))
    assert set(y.tolist()) == {0, 1 / 0.8}
    assert set(layers.dropout(0.2).apply({}, {}, jnp.ones(1000))[0].tolist()) == {1}


LOSSES = {
    name: loss
    for name, loss in inspect.getmembers(losses, inspect.isfunction)
    if loss.__module__ == losses.__name__ and name != "mean" and not name.startswith("_")
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_loss_is_a_number_per_example(loss):
    """PyTorch's default is the mean over the batch."""
    rows = jnp.array([[0.25, 0.75], [0.5, 0.5], [0.1, 0.9]])
    values = loss(rows, rows[::-1])
    assert values.shape == (3,)
    alone = [loss(rows[i : i + 1], rows[::-1][i : i + 1])[0] for i in range(3)]
    np.testing.assert_allclose(values, alone, rtol=1e-12)
    assert len({round(float(value), 6) for value in values[:2]}) == 2


def test_only_losses_over_classes_add_up_an_example():
    """The others average it, so that the mean over the batch is PyTorch's."""
    ones = jnp.ones((1, 4))
    assert losses.squared_error(2 * ones, ones).tolist() == [1]
    assert losses.absolute_error(2 * ones, ones).tolist() == [1]
    assert losses.huber(3 * ones, ones).tolist() == [1.5]
    assert losses.kl_divergence(-ones, ones).tolist() == [4]
    assert losses.cross_entropy(jnp.exp(-ones), ones).tolist() == [pytest.approx(4)]


def test_the_mean_of_class_weighted_losses_divides_by_the_weights():
    logits, labels, weights = jnp.zeros((2, 2)), jnp.array([0, 1]), jnp.array([3.0, 1.0])
    values = losses.softmax_cross_entropy(logits, labels, class_weights=weights)
    np.testing.assert_allclose(values, np.log(2) * np.array([3, 1]), rtol=1e-12)
    plain = losses.softmax_cross_entropy(logits, labels)
    np.testing.assert_allclose(losses.mean(plain, weights[labels]), np.log(2), rtol=1e-12)


def test_label_smoothing_takes_from_the_label_too():
    """q = (1 − s) · target + s/classes: the label itself keeps 1 − s + s/classes."""
    logits = jnp.array([[1000.0, 0.0]])
    loss = losses.softmax_cross_entropy(logits, jnp.array([0]), label_smoothing=0.2)
    assert loss.tolist() == [pytest.approx(0.1 * 1000)]
