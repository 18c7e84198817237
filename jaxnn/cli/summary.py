"""`jaxnn summary`: the layers of a network and their parameters."""

from __future__ import annotations

from collections.abc import Sequence

from jaxnn.cli import parse
from jaxnn.cli.options import ModelOptions


def main(arguments: Sequence[str]) -> None:
    """Reads the options of a network on MNIST, prints its table."""
    options = parse("summary", ModelOptions, arguments)
    from jaxnn import layers
    from jaxnn.cli import build

    print(layers.summary(build.make_model(options, (28, 28), 10)))
