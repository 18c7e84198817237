"""Test accuracy of a preset over seeds: `python -m benchmarks.accuracy --preset strong --seeds 5`.

Each seed is a whole `jaxnn train`, a process of its own; printed are each seed's accuracy and
seconds, then mean and standard deviation.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(preset: str, seed: int, folder: Path) -> tuple[float, float]:
    """Trains once: (test accuracy, seconds of the whole process)."""
    out = folder / f"{preset}-{seed}"
    started = time.perf_counter()
    options = ["--preset", preset, "--seed", str(seed), "--out", str(out), "--quiet"]
    command = [sys.executable, "-m", "jaxnn", "train", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    return json.loads((out / "results.json").read_text())["accuracy"], seconds


def main() -> None:
    """Trains every seed, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", choices=["standard", "lecture", "strong"], default="lecture")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = [run(arguments.preset, seed, Path(folder)) for seed in range(arguments.seeds)]
    for seed, (accuracy, seconds) in enumerate(runs):
        print(f"seed {seed}  test accuracy {accuracy:.4f}  {seconds:.1f} s")
    accuracies, seconds = zip(*runs, strict=True)
    spread = statistics.stdev(accuracies) if len(runs) > 1 else float("nan")
    print(
        f"{arguments.preset}: {statistics.mean(accuracies):.4f} ± {spread:.4f} "
        f"(n = {len(runs)}), {statistics.median(seconds):.0f} s a run (median), "
        f"{os.cpu_count()} processors, {platform.platform()}"
    )


if __name__ == "__main__":
    main()
