"""Peak memory of a whole training, and whether it grows with the epochs; each a new process."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.frame import ROOT, Settings, Table, Target

JAXNN, PYTORCH = "jaxnn train", "the lecture's program in PyTorch"
EPOCHS = 5, 50


def peak(command) -> float:
    """The most memory that a process held at once, in MiB."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command}: status {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def training(epochs, extra):
    """Of `jaxnn train`; of the two processes that draw each holds another 80 MiB."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--epochs", str(epochs), "--out", str(Path(folder, "run")), *extra]
        return peak([sys.executable, "-m", "jaxnn", "train", "--quiet", *arguments])


def lecture(epochs):
    """Of the same training in PyTorch."""
    return peak([sys.executable, "-m", "benchmarks.contenders.lecture_program", str(epochs)])


def measure(settings: Settings):
    """MiB by contender and number of epochs."""
    if settings.quick:
        extra = ["--hidden", "8", "--batch-size", "500"]
        return {JAXNN: {epochs: training(epochs, extra) for epochs in (1, 2)}}
    return {
        JAXNN: {epochs: training(epochs, []) for epochs in EPOCHS},
        PYTORCH: {epochs: lecture(epochs) for epochs in EPOCHS},
    }


def tables(measured) -> list[Table]:
    """One table."""
    columns = ["", *(f"{epochs} epochs" for epochs in measured[JAXNN])]
    rows = [[name, *(f"{mib:.0f} MiB" for mib in row.values())] for name, row in measured.items()]
    return [Table("Peak memory of training on MNIST", columns, rows)]


def targets(measured) -> list[Target]:
    """Target 4 of issue 6: with a twentieth for what an allocator does as it likes."""
    few, many = measured[JAXNN].values()
    return [Target("peak memory of many epochs, to that of few", many / few, "at most", 1.05)]


def figures(measured):
    """None: the table says it."""
    return {}
