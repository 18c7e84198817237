"""`jaxnn` and `torch_port` agree: values, gradients, updates, statistics, whole trainings."""

import ast
import importlib
from pathlib import Path

import jax
import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from tests.agreement.judge import SCALES, assert_agree
from tests.agreement.statistics_rows import STATISTICS
from tests.agreement.table import TABLE


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_agrees_at_every_scale_of_the_gradient(name, dtype):
    for scale in [1.0] if name.startswith("data.") else SCALES:
        observations = list(TABLE[name](dtype, scale))
        assert observations
        for seen in observations:
            assert_agree(seen._replace(place=f"scale {scale}: {seen.place}"))


@pytest.mark.parametrize("name", STATISTICS)
def test_draws_from_the_same_distribution(name):
    """Kolmogorov and Smirnov's test: a wrong scale of one per cent gives p below 1e-6."""
    row = STATISTICS[name]
    ours = np.asarray(row.ours(jax.random.key(1)), np.float64).ravel()
    theirs = np.asarray(row.theirs(torch.Generator().manual_seed(1)), np.float64).ravel()
    assert ours.shape == theirs.shape
    assert ks_2samp(ours, theirs).pvalue > 1e-3


def public_functions(module):
    """The functions that a module has or passes on (`from x import y as y`), by jaxnn's names."""
    source = Path(importlib.import_module(f"jaxnn.{module}").__file__)
    stub = source.with_suffix(".pyi")
    found = []
    for node in ast.parse((stub if stub.exists() else source).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.ImportFrom) and (module == "optim" or stub.exists()):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [alias.name for alias in node.names if alias.asname == alias.name]
    return {name for name in found if not name.startswith("_") and name[0].islower()}


def rows_of(module):
    named = {name.split()[0] for name in [*TABLE, *STATISTICS]}
    return {name.partition(".")[2] for name in named if name.startswith(f"{module}.")}


MODULES = [
    "activations", "initializers", "losses", "metrics", "layers", "models", "optim", "data", "train"
]  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_has_a_row(module):
    readers = set()
    if module == "data":  # the twin's readers are jaxnn's own: one function, nothing to compare
        twin = importlib.import_module("torch_port.data")
        readers = {
            name
            for name in public_functions(module)
            if getattr(twin, name) is getattr(importlib.import_module("jaxnn.data"), name)
        }
    assert public_functions(module) - readers <= rows_of(module)
    assert rows_of(module) <= {*dir(importlib.import_module(f"jaxnn.{module}"))}
