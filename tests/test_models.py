"""Models: which layers they are made of, what they compute, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import layers, losses, models
from jaxnn.activations import softmax, tanh
from jaxnn.initializers import constant

KEY = jax.random.key(0)
PREPARE = "normalize_images(0.5, 0.5), flatten()"

REPRS = [
    (lambda: models.mlp((3, 2)), "serial(dense(3, 2))"),
    (lambda: models.mlp([4, 3, 2]), "serial(dense(4, 3), relu(), dense(3, 2))"),
    (
        lambda: models.mlp((4, 3, 3, 2), activation=tanh, dropout=0.5),
        "serial(dense(4, 3), tanh(), dropout(0.5), dense(3, 3), tanh(), dropout(0.5), dense(3, 2))",
    ),
    (
        lambda: models.mlp((4, 3, 2), batch_norm=True, dropout=0.1),
        "serial(dense(4, 3), batch_norm(3, 0.1, 1e-05), relu(), dropout(0.1), dense(3, 2))",
    ),
    (
        lambda: models.image_classifier((28, 28), (), 10),
        f"serial({PREPARE}, dense(784, 10))",
    ),
    (
        lambda: models.image_classifier((32, 32, 3), [5], 10, activation=tanh),
        f"serial({PREPARE}, dense(3072, 5), tanh(), dense(5, 10))",
    ),
    (
        models.simple_nn,
        f"serial({PREPARE}, dense(784, 256), relu(), dense(256, 128), relu(), dense(128, 10))",
    ),
    (
        lambda: models.simple_nn(softmax_output=True),
        f"serial({PREPARE}, dense(784, 256), relu(), dense(256, 128), relu(), dense(128, 10), "
        "softmax())",
    ),
]


@pytest.mark.parametrize(("make", "text"), REPRS)
def test_is_made_of_these_layers(make, text):
    assert repr(make()) == text


WRONG = [
    (lambda: models.mlp((784,)), r"sizes must hold input and output at least, got \(784,\)"),
    (lambda: models.mlp(()), r"sizes must hold input and output at least, got \(\)"),
    (
        lambda: models.mlp((3, 0, 2)),
        "mlp: each of sizes must be a whole number of at least 1, got 0",
    ),
    (lambda: models.mlp((3, 2.5, 2)), "mlp: each of sizes must be .* got 2.5"),
    (lambda: models.mlp((3, 3, 2), dropout=1.0), r"rate must be a number in \[0, 1\), got 1.0"),
    (lambda: models.mlp((3, 3, 2), dropout=-0.1), r"rate must be .* got -0.1"),
    (lambda: models.image_classifier((28, 0), (3,), 10), "image_shape must be .* got 0"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_refuses_what_does_not_fit(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_initializer_is_that_of_every_kernel():
    params, _ = models.mlp((4, 3, 3, 2), kernel_init=constant(0.5)).init(KEY)
    kernels = [p["kernel"] for p in params if p]
    assert len(kernels) == 3
    assert all((kernel == 0.5).all() for kernel in kernels)


def test_every_dense_layer_starts_differently():
    params, _ = models.mlp((3, 3, 3, 3)).init(KEY)
    first, second, third = (p["kernel"] for p in params if p)
    assert not jnp.allclose(first, second)
    assert not jnp.allclose(second, third)


def test_a_sweep_may_trace_the_rate_of_dropout():
    x = jnp.ones((8, 4))
    params, state = models.mlp((4, 3, 2), dropout=0.5).init(KEY, jnp.float64)

    def output(rate):
        return models.mlp((4, 3, 2), dropout=rate).apply(params, state, x, key=KEY, train=True)[0]

    together = jax.jit(jax.vmap(output))(jnp.array([0.25, 0.5]))
    np.testing.assert_allclose(together, [output(0.25), output(0.5)], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_takes_raw_and_scaled_images(dtype):
    model = models.simple_nn()
    params, state = model.init(KEY, jnp.dtype(dtype))
    raw = jnp.array(np.random.default_rng(0).integers(256, size=(3, 28, 28)), jnp.uint8)
    logits, new_state = model.apply(params, state, raw)
    scaled, _ = model.apply(params, state, raw.astype(dtype) / 255)
    assert (logits.shape, logits.dtype) == ((3, 10), dtype)
    np.testing.assert_array_equal(logits, scaled)
    assert jax.tree.structure(new_state) == jax.tree.structure(state)


def test_simple_nn_has_the_lectures_size():
    assert layers.summary(models.simple_nn()).parameters == 784 * 256 + 256 * 128 + 1280 + 394


def test_softmax_twice_cannot_get_below_its_bound():
    """−log softmax(one-hot) = ln(1 + 9/e): what the lecture's output and loss give at best."""
    sure = jax.nn.one_hot(jnp.array([3]), 10, dtype=jnp.float64)
    model = models.simple_nn(softmax_output=True)
    params, state = model.init(KEY, jnp.float64)
    output, _ = model.apply(params, state, jnp.zeros((1, 28, 28)))
    np.testing.assert_allclose(output.sum(), 1, rtol=1e-12)
    bound = losses.softmax_cross_entropy(sure, jnp.array([3]))[0]
    assert round(float(bound), 4) == 1.4612
    assert losses.softmax_cross_entropy(output, jnp.array([3]))[0] > bound


def test_softmax_output_is_the_softmax_of_the_logits():
    images = jnp.array(np.random.default_rng(0).integers(256, size=(3, 28, 28)), jnp.uint8)
    params, state = models.simple_nn().init(KEY)
    apply = lambda model, extra: model.apply((*params, *extra), (*state, *extra), images)[0]
    logits = apply(models.simple_nn(), ())
    probabilities = apply(models.simple_nn(softmax_output=True), ({},))
    np.testing.assert_array_equal(probabilities, softmax(logits))
