"""The same training on 1, 2, 4 and 8 devices and in 2 and 4 processes: how far the numbers differ.

    python -m benchmarks.devices            prints the table
    python -m benchmarks.devices --write    also puts it into docs/parallel.md

Devices are XLA's own of a CPU, processes talk over Gloo. The difference of two trainings is that of
all parameters, running statistics and optimiser states together, relative to how far the training
on one device moved them; that of their figures is the largest relative one of all epochs.
"""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.pages import filled

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "parallel.md"
MESHES = ["1", "2", "4", "8", "4x2"]
PROCESSES = [2, 4]


def run_together(commands, *, seconds=120, **settings):
    """Runs processes side by side; all are ended at the deadline, or soon after one has failed.

    Returns a `subprocess.CompletedProcess` for each.
    """
    with contextlib.ExitStack() as stack:
        files = [
            [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2)] for _ in commands
        ]
        processes = [
            subprocess.Popen(command, stdout=out, stderr=error, **settings)
            for command, (out, error) in zip(commands, files, strict=True)
        ]
        deadline = time.monotonic() + seconds
        try:
            while None in (codes := [process.poll() for process in processes]):
                if any(codes):
                    deadline = min(deadline, time.monotonic() + 15)
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
        finally:
            for process in processes:
                process.kill()  # does nothing to one that has ended
                process.wait()
        results = []
        for process, pair in zip(processes, files, strict=True):
            for file in pair:
                file.seek(0)
            results.append(
                subprocess.CompletedProcess(
                    process.args, process.returncode, *(file.read() for file in pair)
                )
            )
        return results


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def train(folder, *options, processes=1, seconds=300):
    """Runs `benchmarks.device_worker` in so many processes, which leave numbers in a folder."""
    coordinator = f"localhost:{free_port()}"
    command = [sys.executable, "-m", "benchmarks.device_worker", str(folder), *options]
    commands = [command]
    if processes > 1:
        identities = [[str(index), str(processes), coordinator] for index in range(processes)]
        commands = [[*command, "--process", *identity] for identity in identities]
    for result in run_together(commands, seconds=seconds, cwd=ROOT):
        if result.returncode:
            raise RuntimeError(f"exit {result.returncode}: {result.stdout}\n{result.stderr}")


def difference(result, reference):
    """How far one training is from another: in what it changed, and in the figures it reported."""
    change, expected = np.array(result["change"]), np.array(reference["change"])
    of_change = np.linalg.norm(change - expected) / np.linalg.norm(expected)
    rows = zip(result["history"], reference["history"], strict=True)
    of_figures = [
        abs(row[name] / expected_row[name] - 1)
        for row, expected_row in rows
        for name in row.keys() - {"epoch", "seconds"}
    ]
    return of_change, max(of_figures)


def read(folder, dtype, mesh, processes=1):
    """What `train` left of one training."""
    return json.loads(Path(folder, f"{dtype}-{mesh}-{processes}.json").read_text())


def table(folder):
    """Trains on every number of devices and of processes; a Markdown table of the differences."""
    sizes = ["--hidden", "256", "128", "--epochs", "5"]
    both = ["--dtypes", "float64", "float32", *sizes, "--meshes"]
    train(folder, "--devices", "8", *both, "none", *MESHES, seconds=3600)
    for processes in PROCESSES:
        train(folder, *both, str(processes), processes=processes, seconds=3600)
    places = [(mesh, 1) for mesh in MESHES] + [(str(count), count) for count in PROCESSES]
    lines = [
        "| | float64: arrays | figures | float32: arrays | figures |",
        "|---|---|---|---|---|",
    ]
    for mesh, processes in places:
        cells = [_in_words(mesh, processes)]
        for dtype in ("float64", "float32"):
            reference = read(folder, dtype, "none")
            found = difference(read(folder, dtype, mesh, processes), reference)
            cells += [f"{x:.1e}" if x else "0" for x in found]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _in_words(mesh, processes):
    if processes > 1:
        return f"{processes} processes"
    data, _, model = mesh.partition("x")
    if model:
        return f"{data} × {model} devices, kernels split"
    return f"{data} devices" if data != "1" else "1 device, with a mesh"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="puts the table into docs/parallel.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = table(folder)
    print(found, end="")
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(filled(page, {"devices": found.rstrip()}.get), encoding="utf-8")


if __name__ == "__main__":
    main()
