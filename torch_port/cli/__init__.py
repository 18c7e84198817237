"""The command line: `torch-port COMMAND [OPTIONS]`, one module a command.

Wrong use is answered in one line on standard error with exit status 2.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Command(NamedTuple):
    """A command: the module whose `main(arguments)` runs it, and what it is for."""

    module: str
    purpose: str


COMMANDS = {
    "compare": Command(
        "torch_port.cli.compare", "say whether a JAX and a PyTorch program compute the same"
    ),
    "lecture": Command(
        "torch_port.lecture", "run the lecture's program on MNIST, as meant or as printed"
    ),
}

HELP = "\n".join(
    [
        "usage: torch-port COMMAND [OPTIONS]",
        "",
        "The twin of jaxnn in PyTorch.",
        "",
        *(f"  torch-port {name:10}{command.purpose}" for name, command in COMMANDS.items()),
        "",
        "torch-port COMMAND --help shows the options of a command.",
    ]
)


class UsageError(ValueError):
    """Wrong use of the command line; the message is the one line that is printed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command.

    Args:
      arguments: those after the program's name; the process's own if None.

    Raises:
      SystemExit: with status 2 and one line on standard error where the use is wrong.

    Example:
      >>> main(["--version"])
      torch-port 0...
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        return print(HELP)
    if arguments[0] == "--version":
        from torch_port._version import __version__

        return print(f"torch-port {__version__}")
    name, *rest = arguments
    if name not in COMMANDS:
        _fail(f"torch-port: no command {name!r}; expected one of {', '.join(COMMANDS)}")
    try:
        importlib.import_module(COMMANDS[name].module).main(rest)
    except ModuleNotFoundError as error:
        _fail(f"torch-port {name}: {error}; it takes pip install 'jaxnn[torch]'")
    except (ValueError, TypeError, OSError) as error:
        _fail(f"torch-port {name}: {error}")


def parse(command: str, options: Callable[..., Any], arguments: Sequence[str]) -> Any:
    """Reads typed options, or raises a `UsageError` of one line.

    Args:
      command: the name of the command.
      options: a dataclass whose fields are the options.
      arguments: those after the command's name.

    Returns:
      An instance of the dataclass.

    Raises:
      UsageError: on options that are wrong.
      SystemExit: with status 0 after `--help`.
    """
    import tyro

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(options, prog=f"torch-port {command}", args=arguments)
    except SystemExit as stop:
        if not stop.code:
            raise
    raise UsageError(_in_one_line(complaint.getvalue()))


def _in_one_line(box: str) -> str:
    """What stands in tyro's box between its title and the pointer to the help."""
    lines = [line.strip("│╭╮╰╯ ") for line in box.splitlines()[1:]]
    parts = re.split(r"^[-─]*$", "\n".join(lines), flags=re.MULTILINE)
    sections = [" ".join(part.split()) for part in parts if part.strip()]
    return "; ".join(sections[:-1])


def _fail(message: str) -> None:
    print(" ".join(message.split()), file=sys.stderr)
    raise SystemExit(2)
