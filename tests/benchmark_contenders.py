"""Contenders for the tests of `benchmarks.frame`: they compute nothing and load nothing."""

import os
from pathlib import Path

from benchmarks.frame import Unavailable


def writer(name, log):
    """Writes its name into a file each time that it runs."""
    path, runs = Path(log), 0

    def run():
        nonlocal runs
        runs += 1
        with path.open("a") as file:
            file.write(f"{name}\n")
        return {"runs": runs, "process": os.getpid(), "told": os.environ.get("TOLD")}

    return run


def absent():
    """Needs a package that nobody has."""
    import a_package_that_nobody_has

    return a_package_that_nobody_has


def unwilling():
    """Cannot run here."""
    raise Unavailable("no such machine")


def broken():
    """Fails when it runs."""
    return lambda: 1 / 0
