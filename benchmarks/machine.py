"""The machine that figures were measured on, in words and versions."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

PACKAGES = ("jaxnn", "jax", "jaxlib", "numpy", "torch", "flax", "optax", "equinox")


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system, versions, the load before the run, and the date."""
    import numpy as np

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory (GB)": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "blas of numpy": f"{blas['name']} {blas['version']}",
        "load before": round(os.getloadavg()[0], 2),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def in_words(described: dict[str, Any]) -> str:
    """One line for a table: what a reader needs to place the figures."""
    versions = described["versions"]
    names = ", ".join(f"{name} {versions[name]}" for name in PACKAGES if name in versions)
    return (
        f"{described['processor']}, {described['cores']} cores, {described['memory (GB)']} GB; "
        f"Python {described['python']}, {names}, {described['blas of numpy']}; "
        f"{described['date']}, load before the run {described['load before']}"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            models = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        models = []
    return models[0] if models else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
