"""Compiled programs on disk: what one command has compiled, later ones load.

JAX keeps each program under a key that says what was compiled, how, and by which versions. Where it
does so, and that it keeps the small ones too, it reads from the environment as it is imported, so
that a command which needs no JAX does not load it for this. What was set there already holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from jaxnn.files import cache_folder

SETTINGS = {
    "JAX_COMPILATION_CACHE_DIR": None,
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
"""What JAX reads; the first is the folder."""

LARGEST = 256 << 20
"""Bytes that the folder may hold, those of some hundred networks."""


def folder() -> Path | None:
    """Where programs are kept, one folder for each kind of processor; None without a cache folder.

    A program may use instructions that another processor of the same home folder does not have.
    """
    cache = cache_folder()
    return cache and cache / "programs" / _processor()


@contextlib.contextmanager
def kept(keep: bool = True) -> Iterator[None]:
    """Keeps what JAX, not imported yet, compiles within, and loads what is kept; or neither.

    A folder that cannot be written costs time and nothing else. JAX writes in place and never
    replaces what it cannot read, such as what a killed process has left half written, though it
    notices by the checksum, warns and compiles. So a folder with such an entry is emptied in the
    end, as is one that has grown too large.
    """
    if not keep:
        os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    path = folder()
    if path is None or not loads_quietly() or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        yield
        return
    os.environ.update({name: value or str(path) for name, value in SETTINGS.items()})
    with _failures() as failures:
        try:
            yield
        finally:
            unreadable = any(" reading " in failure for failure in failures)
            if unreadable or size(path) > LARGEST:
                shutil.rmtree(path, ignore_errors=True)


def size(path: Path) -> int:
    """The bytes that a folder's files hold; 0 where there is no folder."""
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        return sum(entry.stat().st_size for entry in entries)
    return 0


@contextlib.contextmanager
def _failures() -> Iterator[list[str]]:
    """Collects JAX's warnings about entries, which are not the user's concern."""
    failures: list[str] = []
    with warnings.catch_warnings():
        warnings.filterwarnings("always", r"Error (reading|writing) persistent compilation cache")
        show = warnings.showwarning

        def collect(message, category, *where, **more):
            if "persistent compilation cache" in str(message):
                failures.append(str(message))
            else:
                show(message, category, *where, **more)

        warnings.showwarning = collect
        yield failures


def loads_quietly() -> bool:
    """Whether jaxlib takes its own programs for fit for this processor, or complains of each."""
    return [int(number) for number in re.findall(r"\d+", version("jaxlib"))[:3]] >= [0, 10, 2]


def _processor() -> str:
    """A name for the instructions that this machine has."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            instructions = next(line for line in file if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        instructions = platform.processor()
    name = f"{platform.machine()} {instructions}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]
