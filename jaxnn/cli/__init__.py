"""The command line: `jaxnn COMMAND [OPTIONS]`, one file a command.

Wrong use is answered in one line on standard error with exit status 2, before anything is written.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from jaxnn.cli import programs

COMMANDS = {
    "train": "train a network and leave a run folder with a report",
    "sweep": "train a network for every combination of values, and compare them",
    "evaluate": "measure the network of a run folder on test images",
    "predict": "tell which digits are in picture files",
    "verify": "say whether a run folder is as its training left it",
    "play": "draw digits on a page, train a network there and watch it learn",
    "plot": "draw the pictures and the report of a run folder again",
    "summary": "show the layers of a network and their parameters",
    "info": "show versions, devices, the cache folder and what is missing",
}

HELP = "\n".join(
    [
        "usage: jaxnn COMMAND [OPTIONS]",
        "",
        "Neural networks in functional JAX with nothing hidden.",
        "",
        *(f"  jaxnn {name:10}{purpose}" for name, purpose in COMMANDS.items()),
        "",
        "jaxnn COMMAND --help shows the options of a command.",
        "Compiled programs are kept for later commands, in the folder that jaxnn info shows;",
        "jaxnn COMMAND --no-compilation-cache neither reads nor keeps them.",
    ]
)


KEEP_NO_PROGRAMS = "--no-compilation-cache"
"""An option of every command."""


class Interrupted(Exception):
    """A signal has ended a command, which has saved what there was; the message says how to go on.

    The process ends with status 75, which means: try again.
    """


class UsageError(ValueError):
    """Wrong use of the command line; the message is the one line that is printed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command.

    Args:
      arguments: those after the program's name; the process's own if None, and only then are
        compiled programs kept.

    Raises:
      SystemExit: with status 2 and one line on standard error where the use is wrong.

    Example:
      >>> main(["--version"])
      jaxnn 0...
    """
    own_process = arguments is None
    if own_process:
        warnings.formatwarning = lambda message, *_, **__: f"jaxnn: {message}\n"
    try:
        _run(sys.argv[1:] if arguments is None else arguments, own_process)
    except BrokenPipeError:  # whoever read what was printed has read enough: `jaxnn info | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def _run(given: Sequence[str], own_process: bool) -> None:
    arguments = [argument for argument in given if argument != KEEP_NO_PROGRAMS]
    if not arguments or arguments[0] in ("-h", "--help"):
        return print(HELP)
    if arguments[0] == "--version":
        from jaxnn._version import __version__

        return print(f"jaxnn {__version__}")
    name, *rest = arguments
    if name not in COMMANDS:
        _fail(f"jaxnn: no command {name!r}; expected one of {', '.join(COMMANDS)}")
    keep = len(arguments) == len(given)
    try:
        with programs.kept(keep) if own_process else contextlib.nullcontext():
            importlib.import_module(f"jaxnn.cli.{name}").main(rest)
    except BrokenPipeError:
        raise
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:
        _fail(f"jaxnn {name}: {error}")
    except FloatingPointError as error:
        _fail(f"jaxnn {name}: {error}", status=1)
    except Interrupted as interruption:
        _fail(f"jaxnn {name}: {interruption}", status=os.EX_TEMPFAIL)


def parse(command: str, options: Callable[..., Any], arguments: Sequence[str], **settings) -> Any:
    """Reads typed options, or raises a `UsageError` of one line.

    Args:
      command: the name of the command.
      options: a dataclass whose fields are the options.
      arguments: those after the command's name.
      **settings: of `tyro.cli`, such as `default`.

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
            return tyro.cli(options, prog=f"jaxnn {command}", args=arguments, **settings)
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


def _fail(message: str, status: int = 2) -> None:
    print(" ".join(message.split()), file=sys.stderr)
    raise SystemExit(status)
