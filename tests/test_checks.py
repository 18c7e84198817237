"""Checks: what each lets pass, traced numbers included, and what it says of the rest."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxnn import checks
from jaxnn.typing import Dataset

F32 = jnp.dtype("float32")
x = jnp.zeros((5, 3), F32)
labels = np.array([0, 9, 3])


def within(interval, value):
    return partial(checks.require_in, interval, value, "layer: rate")


def whole(value):
    return partial(checks.require_positive_integer, value, "layer: size")


def classes(labels, ignore_label=None):
    return partial(checks.require_classes, "loss", labels, (3,), 10, ignore_label)


PASSES = [
    partial(checks.require_one_of, ("a", "b"), "b", "fit: x"),
    partial(checks.require_all_in, "[0, 1]", np.array([0.0, 1.0]), "loss: labels"),
    partial(checks.require_like, "restore", {"a": np.ones(2)}, {"a": np.zeros(2)}),
    partial(checks.require_arrays, "restore", {"a": np.ones(2)}, {"a": np.zeros(2)}),
    within("[0, 1)", 0),
    within("[0, 1)", 0.999),
    within("[0, 1]", 1),
    within("(0, inf)", 1e-300),
    within("[0, inf)", np.float32(3)),
    within("[0, 1]", jnp.array(0.5)),
    whole(1),
    whole(np.int64(784)),
    partial(checks.require_function, abs, "fit: stop"),
    partial(checks.require_floating, "loss", "logits", x),
    partial(checks.require_same, "loss", "targets", x, (5, 3), F32),
    partial(checks.require_dataset, "fit: dataset", Dataset(x, jnp.zeros(5))),
    partial(checks.require_input, "dense", x, F32, 3),
    classes(labels),
    classes(jnp.array(labels, "uint8")),
    classes(np.array([-100, 9, 3]), ignore_label=-100),
]

REFUSES = [
    (within("[0, 1)", 1), r"layer: rate must be a number in \[0, 1\), got 1"),
    (within("[0, 1)", -1e-9), "got -1e-09"),
    (within("(0, 1]", 0.0), r"in \(0, 1\], got 0.0"),
    (within("(0, 1]", 1.1), "got 1.1"),
    (within("[0, inf)", float("inf")), "got inf"),
    (within("[0, 1]", float("nan")), "got nan"),
    (within("[0, 1]", "0.5"), "got '0.5'"),
    (within("[0, 1]", True), "got True"),
    (within("[0, 1]", None), "got None"),
    (within("[0, 1]", jnp.array(1.5)), "got Array"),
    (whole(0), "layer: size must be a whole number of at least 1, got 0"),
    (whole(-3), "got -3"),
    (whole(2.0), "got 2.0"),
    (whole(True), "got True"),
    (whole(None), "got None"),
    (whole("3"), "got '3'"),
    (
        partial(checks.require_floating, "loss", "logits", jnp.array([1])),
        r"loss: logits must be floating with a batch axis, got int64 of shape \(1,\)",
    ),
    (partial(checks.require_floating, "loss", "logits", jnp.array(1.0)), r"of shape \(\)"),
    (
        partial(checks.require_same, "loss", "targets", x, (5,), F32),
        r"loss: targets must be float32 of shape \(5,\), got float32 of shape \(5, 3\)",
    ),
    (
        partial(checks.require_same, "loss", "targets", x, (5, 3), jnp.float64),
        r"targets must be float64 of shape \(5, 3\), got float32",
    ),
    (
        partial(checks.require_dataset, "fit: dataset", Dataset(x, labels)),
        "fit: dataset must hold as many images as labels, at least one, got 5 and 3",
    ),
    (
        partial(checks.require_dataset, "fit: dataset", Dataset(x[:0], labels[:0])),
        "at least one, got 0 and 0",
    ),
    (
        partial(checks.require_input, "dense", x, jnp.dtype("float64"), 3),
        r"^dense: input must be float64 like the parameters, got float32$",
    ),
    (
        partial(checks.require_input, "dense", x.astype("uint8"), F32, 3),
        "got uint8; begin the model with normalize_images",
    ),
    (
        partial(checks.require_input, "dense", x, F32, 5),
        r"dense: input must have 5 features on its last axis, got \(5, 3\)",
    ),
    (
        classes(labels[:2]),
        r"loss: labels must be integers of shape \(3,\), got int64 of shape \(2,\)",
    ),
    (classes(labels.astype(float)), "integers .* got float64"),
    (classes(np.array([0, 10, 3])), r"loss: labels must be classes in 0 … 9, got 10"),
    (classes(np.array([0, -1, 3])), "got -1"),
    (classes(np.array([0, -1, -100]), ignore_label=-100), "got -1"),
    (classes(jnp.array([0, 200, 3], "uint8")), "got 200"),
    (
        partial(checks.require_one_of, ("a", "b"), "c", "fit: x"),
        "fit: x must be one of a, b, got 'c'",
    ),
    (
        partial(checks.require_all_in, "[0, 1]", np.array([0.5, np.nan]), "loss: labels"),
        r"loss: labels must be numbers in \[0, 1\], got nan",
    ),
    (
        partial(checks.require_function, 0.1, "fit: stop"),
        r"fit: stop must be a function, got 0\.1",
    ),
    (partial(checks.require_like, "restore", {"a": x}, {"b": x}), r"missing: \[\"\['b'\]\"\]"),
    (
        partial(checks.require_arrays, "restore", {"a": x}, {"a": x.astype("uint8")}),
        r"restore: a must be uint8 of shape \(5, 3\), got float32 of shape \(5, 3\)",
    ),
]


def test_every_check_has_cases():
    public = {
        function
        for name, function in inspect.getmembers(checks, inspect.isfunction)
        if name.startswith("require")
    }
    assert {use.func for use in PASSES} == public
    assert {use.func for use, _ in REFUSES} == public


@pytest.mark.parametrize("use", PASSES)
def test_lets_pass(use):
    assert use() is None


@pytest.mark.parametrize(("use", "message"), REFUSES)
def test_refuses(use, message):
    error = TypeError if use.func is checks.require_function else ValueError
    with pytest.raises(error, match=message):
        use()


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap, jax.grad])
def test_a_traced_number_passes(transform):
    """It has no value yet: a sweep traces it."""

    def traced(number):
        assert checks.is_traced(number)
        checks.require_in("[0, 1)", number, "rate")
        return number

    transform(traced)(jnp.ones(3) if transform is jax.vmap else jnp.array(7.0))
    assert not checks.is_traced(jnp.array(7.0))
    assert not checks.is_traced(7.0)


def test_traced_labels_pass_once_their_shape_and_dtype_are_right():
    check = lambda labels: checks.require_classes("loss", labels, (3,), 10)
    jax.jit(check)(jnp.array([0, 10, -1]))
    with pytest.raises(ValueError, match=r"shape \(3,\), got int64 of shape \(2,\)"):
        jax.jit(check)(jnp.array([0, 1]))


def test_a_layer_error_holds_its_path_and_message():
    error = checks.LayerError("1/0/dense", "input must have 3 features")
    assert str(error) == "1/0/dense: input must have 3 features"
    assert (error.path, error.message) == ("1/0/dense", "input must have 3 features")
    assert isinstance(error, ValueError)
