"""`jaxnn info`: versions, devices, the cache folder, data, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jaxnn.cli import parse

EXTRAS = {
    "flax": ("flax", "optax"),
    "tfds": ("tensorflow_datasets", "array_record", "importlib_resources"),
    "torch": ("torch",),
}
"""The modules that each extra of the package installs."""


@dataclass(frozen=True)
class InfoOptions:
    """Shows versions, devices, the cache folder, the data, and which extras are missing."""


def main(arguments: Sequence[str]) -> None:
    """Prints one line a fact."""
    parse("info", InfoOptions, arguments)
    import jax

    from jaxnn import data
    from jaxnn.cli import programs, runs

    for name, value in runs.environment().items():
        print(f"{name:12}{value}")
    print(f"{'devices':12}{', '.join(str(device) for device in jax.devices())}")
    train_set, test_set = data.load("mnist")
    print(f"{'cache':12}{data.cache_folder() or 'none, there is no home folder'}")
    config = jax.config.values
    kept = config["jax_enable_compilation_cache"] and config["jax_compilation_cache_dir"]
    size = f"{programs.size(Path(kept)) / 1e6:.1f} MB in {kept}" if kept else "not kept"
    print(f"{'programs':12}{size}")
    print(f"{'mnist':12}{train_set.size:,} training and {test_set.size:,} test images, verified")
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        advice = f"not installed: pip install 'jaxnn[{extra}]'" if missing else "installed"
        print(f"{f'[{extra}]':12}{advice}")
