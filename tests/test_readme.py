"""The README's programs run as they stand, and say what it says they say."""

import os
import subprocess
import sys

from tests import readme


def python_blocks() -> list[str]:
    """Every Python program of the README, in order: later ones use the names of earlier ones."""
    headings = [
        "The smallest complete program",
        "One piece at a time",
        "The twin in PyTorch",
        "Do they compute the same?",
    ]
    return [block for heading in headings for block in readme.blocks(heading, "python")]


def test_the_programs_run_and_fit_is_the_loop_bit_for_bit():
    comparison = """
same = jax.tree.map(lambda a, b: (a == b).all(), (params_of_fit, state_of_fit), train_state[:2])
assert jax.tree.all(same)
"""
    fit, loop, *pieces = python_blocks()
    fit = fit.replace("epochs=5", "epochs=2") + "params_of_fit, state_of_fit = params, state\n"
    loop = loop.replace("range(5)", "range(2)") + comparison
    program = "\n".join([fit, loop, *pieces])
    environment = {**os.environ, "PYTHONPATH": str(readme.README.parent)}
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert process.returncode == 0, process.stderr
    assert "'accuracy': 0.9" in process.stdout
    assert "semantic: the two sides compute different functions." in process.stdout


def test_the_commands_are_one_line_each_after_making_an_environment():
    for heading in ("Run it", "Test it"):
        first, command = readme.blocks(heading)[0].splitlines()
        assert first == "python3 -m venv .venv && . .venv/bin/activate"
        assert command.startswith("pip install --constraint constraints.txt ")
