"""Every public numerical function has a property: a new one without fails here."""

import ast
import inspect
from pathlib import Path

import pytest

from tests.wrong_use.tables import JAXNN

NOT_NUMERICAL = {
    "callbacks": "they write, draw and save; tests/test_callbacks.py",
    "checkpoint": "files, which are flipped and cut byte by byte; tests/test_checkpoint.py",
    "interop": "agreement with Flax; tests/interop",
    "parallel": "agreement with one device; tests/test_parallel.py",
    "plots": "pictures; tests/plots",
    "streaming": "agreement with data in memory, to the bit; tests/test_streaming.py",
}
"""Modules whose functions give no numbers of their own, and where they are tested."""

ELSEWHERE = {
    "tests/test_activations.py": {
        f"activations.{name}"
        for name in (
            "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "softmax",
            "log_softmax",
        )
    },
    "tests/test_metrics.py": {
        f"metrics.{name}"
        for name in ("accuracy", "top_k_accuracy", "confusion_matrix", "calibration", "merge")
    },
    "tests/data/test_idx.py": {"data.load_idx", "data.read_idx"},
    "tests/data/test_digits.py": {"data.read_image"},
}  # fmt: skip
"""Functions whose properties stand beside their other tests."""

WITHOUT = {
    "data.cache_folder": "a path",
    "data.load": "one data set, compared with MNIST's checksums; tests/data/test_mnist.py",
    "data.load_tfds": "prepared sets on disk; tests/data/test_tfds.py",
    "metrics.average": "a sum and a count; through `merge` of any batches",
    "metrics.total": "`merge` of a stack; tests/test_counters.py",
    "metrics.values": "sum / count; through `train.evaluate`",
    "sweep.fit": "bit for bit what a lone `fit` gives; tests/sweep. Its grid is in test_sweep.py",
    "train.fit": "bit for bit the loop written out; tests/test_train.py",
}
"""Functions without a property of their own, and why."""

PUBLIC = {
    name
    for name, value in JAXNN.public.items()
    if inspect.isfunction(value)
    and name.count(".") == 1  # neither classes nor their methods
    and name.partition(".")[0] not in NOT_NUMERICAL
}


def mentioned(path: Path) -> set[str]:
    """What a file of properties calls by module and name, also if imported by name."""
    tree = ast.parse(path.read_text())
    found = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jaxnn."):
            found |= {f"{node.module.split('.')[1]}.{alias.name}" for alias in node.names}
    return found


MENTIONED = set().union(*map(mentioned, Path(__file__).parent.glob("test_*.py")))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_has_a_property_or_a_reason(name):
    assert name in MENTIONED.union(*ELSEWHERE.values(), WITHOUT)


def test_exceptions_are_functions_that_there_are():
    assert set().union(*ELSEWHERE.values(), WITHOUT) <= PUBLIC
    assert MENTIONED.isdisjoint(WITHOUT)
    assert {*NOT_NUMERICAL} <= {name.partition(".")[0] for name in JAXNN.public}


@pytest.mark.parametrize("path", ELSEWHERE)
def test_properties_elsewhere_are_there(path):
    text = (Path(__file__).parents[2] / path).read_text()
    assert "@given(" in text
    for name in ELSEWHERE[path]:
        assert name.partition(".")[2] in text


def test_every_file_of_properties_draws():
    for path in Path(__file__).parent.glob("test_*.py"):
        if path != Path(__file__):
            assert "@given(" in path.read_text(), path.name
