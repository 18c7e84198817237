"""Whole processes as contenders: what is timed is from the call until they have ended."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from jaxnn import data


def python(arguments):
    """The interpreter with these arguments."""
    return lambda: _run([sys.executable, *arguments])


def jaxnn(arguments):
    """The installed command `jaxnn`."""
    return lambda: _run([Path(sysconfig.get_path("scripts"), "jaxnn"), *arguments])


def training(epochs, extra=(), warm=True):
    """`jaxnn train`, its programs kept by an earlier run, or none kept by any."""
    cache = Path(tempfile.mkdtemp())
    environment = {**os.environ, "JAXNN_CACHE": str(cache)}
    mnist = Path(data.cache_folder(), "mnist")
    if mnist.is_dir():
        (cache / "mnist").symlink_to(mnist)
    command = [sys.executable, "-m", "jaxnn", "train", "--epochs", str(epochs), *extra]

    def run():
        if not warm:
            shutil.rmtree(cache / "programs", ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            _run([*command, "--out", str(Path(folder, "run"))], environment)

    return run


def _run(command, environment=None):
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
