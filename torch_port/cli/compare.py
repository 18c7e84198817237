"""`torch-port compare port.py`: do the two programs that a file defines compute the same?

The status says the answer: 0 for equal or apart by rounding, 1 for a difference of meaning, 2 for
a file that is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from torch_port.cli import parse, ports


@dataclass(frozen=True)
class CompareOptions:
    """Says whether a JAX program and a PyTorch program compute the same, and if not, where and why.

    PORT is a Python file. It defines jax_side, torch_side and inputs, and params, train,
    gradients, seed and mapping where they are needed: what parity.compare takes. With optimizers,
    losses, batches and steps, two trainings are compared; with optimizers alone (a pair), the two.
    The exit status is 0 for equal or rounding, 1 for a difference of meaning, 2 for wrong use.
    """

    port: tyro.conf.Positional[Path]
    """The file."""
    html: Path | None = None
    """Writes the whole report as a page."""
    json: Path | None = None
    """Writes the whole report as JSON."""
    seed: int | None = None
    """Of masks and initial values, instead of the file's."""
    train: bool = False
    """Compares a step of training, whatever the file says."""


def main(arguments: Sequence[str]) -> None:
    """Reads the options, compares, shows the report and exits with the answer.

    Args:
      arguments: those after the command's name.
    """
    options = parse("compare", CompareOptions, arguments)
    given = {"seed": options.seed, "train": options.train or None}
    try:
        module = ports.load(options.port)
        report = ports.compare(module, {k: v for k, v in given.items() if v is not None})
    except Exception as error:
        print(ports.complaint(error, options.port), file=sys.stderr)
        raise SystemExit(2) from None
    report.show()
    if options.html:
        report.to_html(options.html)
    if options.json:
        report.to_json(options.json)
    raise SystemExit(1 if report.verdict == "semantic" else 0)
