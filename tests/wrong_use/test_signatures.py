"""Every public function, every parameter that can be wrong: one line that says what and where."""

import inspect
import re

import numpy as np
import pytest

import jaxnn
from tests.test_twins import passed_on
from tests.wrong_use.arguments import ELSEWHERE, RIGHT, WRONG

TAKES_ANYTHING = {
    "a pytree of the caller's": {
        "params", "state", "updates", "tree", "metrics", "train_state", "pieces", "measured",
        "data", "opt_state", "template",
    },
    "a function, a layer or an optimiser of the caller's": {
        "model", "optimizer", "loss", "augment", "penalty", "make", "callbacks", "function",
        "layer", "layers", "combine", "inner", "transformations", "schedules", "schedule", "write",
        "stop", "read", "step", "activation", "kernel_init", "bias_init", "slope", "make_step",
        "rngs", "module", "variables",
    },
    "true or false": {
        "approximate", "batch_norm", "use_bias", "nesterov", "staircase", "eps_in_sqrt", "centered",
        "bias_correction", "bias_correction_mu", "bias_correction_nu", "flip_sign", "train",
        "softmax_output", "whole", "mask_compatible_extra_args",
    },
    "what JAX and NumPy check themselves": {
        "key", "axis", "mu_dtype", "accumulator_dtype", "mesh", "negative_slope", "alpha", "y",
        "transition_steps", "transition_begin", "values", "ignore_label", "indices", "mean",
    },
    "files and folders, which tests/cli and tests/data remove, cut and forbid": {
        "folder", "path", "out", "data_dir", "content",
    },
    "anything that JSON holds": {"config", "what"},
    "options of `mlp`, which checks them": {"mlp_options"},
    "a checkpoint or a result, in tests/test_resume.py": {"resume"},
}  # fmt: skip
ANYTHING = set().union(*TAKES_ANYTHING.values())

IN_TESTS_OF_THEIR_OWN = {
    "checkpoint": "tests/test_checkpoint.py",
    "interop": "tests/interop",
    "parallel": "tests/test_parallel.py",
    "plots": "tests/plots",
    "streaming": "tests/test_streaming.py",
}
"""Modules whose functions take files, figures, models and meshes: rows only where they fit."""


HAVE_TESTS = {
    "callbacks.progress_bar": "a total of any number of epochs",
    "data.load_tfds": "tests/data/test_tfds.py, with real prepared sets",
    "layers.intermediates": "each layer checks its input",
    "optim.masked": "tests/optim",
}
"""Functions with a parameter of such a name that have no rows here, and why."""


def functions() -> dict[str, object]:
    """The public functions by module and name: those it defines, and those it passes on."""
    found = {}
    for module_name in jaxnn.__all__:
        module = getattr(jaxnn, module_name)
        for name in getattr(module, "__all__", dir(module)) if inspect.ismodule(module) else []:
            value = getattr(module, name)
            own = getattr(value, "__module__", "").startswith(module.__name__)
            if inspect.isroutine(value) and (own or name in passed_on(module)):
                found[f"{module_name}.{name}"] = value
    return {name: value for name, value in found.items() if "._" not in name}


def rows() -> list:
    """A row for each wrong value of each parameter of each function."""
    found = []
    for function, right in RIGHT.items():
        for name in inspect.signature(PUBLIC[function]).parameters:
            if f"{function} {name}" in ELSEWHERE or name in ANYTHING:
                continue
            for number, value in enumerate(WRONG.get(name, ())):
                row_id = f"{function}-{name}-{number}"
                found.append(pytest.param(function, right, name, value, id=row_id))
    return found


PUBLIC = functions()
ROWS = rows()


def test_there_are_many_rows():
    assert len(ROWS) >= 120


@pytest.mark.parametrize("function", PUBLIC)
def test_a_public_function_has_rows_for_every_parameter_that_can_be_wrong(function):
    module = function.partition(".")[0]
    names = set(inspect.signature(PUBLIC[function]).parameters) - ANYTHING
    if function in HAVE_TESTS:
        return
    if function not in RIGHT:
        assert module in IN_TESTS_OF_THEIR_OWN or not names & WRONG.keys(), "add right arguments"
    elif module not in IN_TESTS_OF_THEIR_OWN:
        assert names <= WRONG.keys(), "add wrong values of the parameter, or say why there are none"


@pytest.mark.parametrize("function", RIGHT)
def test_the_right_arguments_are_right(function):
    PUBLIC[function](**RIGHT[function])


def shown(value) -> set[str]:
    """How a message may show what came: its value, shape, dtype, or how many there are."""
    if hasattr(value, "images"):
        return {f"{value.images.shape[0]} and {value.labels.shape[0]}"}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        values = {f"{number}" for number in np.asarray(value).ravel()[:8].tolist()}
        last = f"{value.shape[-1]})" if value.shape else "()"
        return {
            str(value.shape),
            last,
            str(value.dtype),
            f"{value.shape[0] if value.shape else 0} ",
        } | values
    if isinstance(value, dict | list | tuple):
        parts = {repr(part) for part in (value.values() if isinstance(value, dict) else value)}
        keys = {repr(key) for key in value} if isinstance(value, dict) else set()
        return {repr(value), str(len(value)), "no ", "empty", "none"} | parts | keys
    return {repr(value), getattr(value, "__name__", repr(value))}


@pytest.mark.parametrize(("function", "right", "name", "value"), ROWS)
def test_the_message_says_what_was_expected_what_came_and_where(function, right, name, value):
    with pytest.raises((ValueError, TypeError)) as caught:
        PUBLIC[function](**(right | {name: value}))
    message = str(caught.value)
    place = {name, function.partition(".")[2], "dense:", "trace:", "dropout:"}
    assert any(part in message for part in place), "where"
    assert re.search(r"must|expected|at least|has no|is named|equally many", message), "expected"
    assert any(part in message for part in shown(value)), "what came"
    assert "\n" not in message or len(message) < 500, "short"
