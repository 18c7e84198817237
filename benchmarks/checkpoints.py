"""Saves and restores a training state, here and with Orbax: `python -m benchmarks.checkpoints`.

The state is that of the lecture's network with Adam. Each is measured in a process of its own, from
the import on; `--write` renews docs/crash-proof.md.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.kills import write
from benchmarks.machine import in_words, machine

ROUNDS = 20


def with_jaxnn() -> tuple[Callable, Callable]:
    """`checkpoint.save` and `checkpoint.restore`."""
    from jaxnn import checkpoint

    def save(folder, state):
        checkpoint.save(folder, state, step=0, config={}, loss=1.0)

    return save, lambda folder, state: checkpoint.restore(folder)


def with_orbax() -> tuple[Callable, Callable]:
    """`StandardCheckpointer`, as its documentation shows it; keys as their bits."""
    import jax
    import orbax.checkpoint as ocp

    checkpointer = ocp.StandardCheckpointer()

    def plain(state):
        return state._replace(key=jax.random.key_data(state.key))

    def save(folder, state):
        checkpointer.save(folder / "state", plain(state), force=True)
        checkpointer.wait_until_finished()

    def restore(folder, state):
        return checkpointer.restore(folder / "state", plain(state))

    return save, restore


CONTENDERS = {"jaxnn": with_jaxnn, "orbax": with_orbax}


def measure_one(name: str) -> dict[str, float]:
    """Seconds to import, and medians of seconds to save and to restore; files and bytes."""
    import jax

    from jaxnn import models, optim, train

    state = train.init_train_state(models.simple_nn(), optim.adam(1e-3), jax.random.key(0))
    started = time.perf_counter()
    save, restore = CONTENDERS[name]()
    imported, seconds = time.perf_counter() - started, {save: [], restore: []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for _ in range(ROUNDS):
            for action, taken in seconds.items():
                started = time.perf_counter()
                jax.block_until_ready(action(folder, state))
                taken.append(time.perf_counter() - started)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    saved, restored = map(statistics.median, seconds.values())
    return {
        "import": imported, "save": saved, "restore": restored, "files": len(files), "bytes": size,
    }  # fmt: skip


def table(measured: dict[str, dict]) -> str:
    """The figures as a table in Markdown."""
    lines = ["| | import | save | restore | files | size |", "|---|---|---|---|---|---|"]
    for name, row in measured.items():
        times = " | ".join(f"{1000 * row[what]:.0f} ms" for what in ("import", "save", "restore"))
        lines.append(f"| {name} | {times} | {row['files']} | {row['bytes'] / 1e6:.1f} MB |")
    return "\n".join(lines)


def main() -> None:
    """Measures, prints, and writes if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="renews the figures of the docs")
    arguments = parser.parse_args()
    if arguments.one:
        return print(json.dumps(measure_one(arguments.one)))
    here, measured = machine(), {}
    for name in CONTENDERS:
        command = [sys.executable, "-m", "benchmarks.checkpoints", "--one", name]
        process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        measured[name] = json.loads(process.stdout.splitlines()[-1])
    print(f"{table(measured)}\n\n{in_words(here)}")
    if arguments.write:
        write("checkpoints", here, measured, table(measured))


if __name__ == "__main__":
    main()
