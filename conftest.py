"""Strict promotion of dtypes and ranks for every test; float64 at hand for all but the doctests."""

import os

import jaxlib

os.environ.setdefault("JAX_PLATFORMS", "cpu")
if "PYTEST_XDIST_WORKER" in os.environ:  # two workers of two waiting threads wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if jaxlib.__version__.startswith("0.10."):
    # Compiling is most of what the tests cost, and takes half as long with XLA's older emitters,
    # which later versions no longer have. `XLA_FLAGS= python -m pytest` is without them.
    os.environ.setdefault(
        "XLA_FLAGS",
        "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
    )

import jax
import pytest

# A plugin of the pytest that runs Optax's own tests, in a process of its own.
collect_ignore = ["tests/optim/optax_plugin.py"]

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(autouse=True)
def _as_users_run_doctests(request: pytest.FixtureRequest):
    """A doctest shows what a user sees, whose JAX has float64 switched off."""
    with jax.enable_x64(not isinstance(request.node, pytest.DoctestItem)):
        yield
