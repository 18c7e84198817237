"""Files that define the two sides of a comparison: reading them, and what is wrong in them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch_port.cli import UsageError

if TYPE_CHECKING:
    from torch_port.parity import Report

KINDS = {
    "compare": (
        ("jax_side", "torch_side", "inputs"),
        ("params", "train", "gradients", "seed", "mapping"),
    ),
    "compare_training": (
        ("jax_side", "torch_side", "batches", "optimizers", "losses"),
        ("params", "steps"),
    ),
    "compare_optimizers": (("optimizers",), ("params", "steps")),
}
"""Of each comparison the names that a file must define, and those that it may."""


def load(path: Path) -> ModuleType:
    """Runs a file as Python would, its folder first on the path of imports.

    Args:
      path: of the file.

    Returns:
      The module with what the file defines.

    Raises:
      UsageError: there is no such file, or it stops the program.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    module = ModuleType("__port__")
    module.__file__ = str(path.resolve())
    sys.modules["__port__"] = module  # dataclasses look their module up
    sys.path.insert(0, str(path.resolve().parent))
    try:
        exec(compile(path.read_bytes(), module.__file__, "exec"), vars(module))
    except SystemExit:
        raise UsageError(f"{path.name} stops the program before its end") from None
    return module


def compare(module: ModuleType, given: Mapping[str, Any]) -> Report:
    """Compares what a file defines, as programs, as trainings or as optimisers alone.

    Args:
      module: what the file defines.
      given: values that take the place of the file's.

    Raises:
      UsageError: something that the comparison needs is not defined, or is given and not needed.
    """
    from torch_port import parity

    defined = vars(module)
    kind = "compare"
    if "optimizers" in defined:
        programs = {"jax_side", "torch_side", "batches", "losses"} & defined.keys()
        kind = "compare_training" if programs else "compare_optimizers"
    _require_wanted(kind, defined, given, Path(str(module.__file__)).name)
    needed, possible = KINDS[kind]
    values = {name: defined[name] for name in (*needed, *possible) if name in defined}
    values |= given
    positional = [values.pop(name) for name in needed if name not in ("optimizers", "losses")]
    if kind == "compare_optimizers":
        positional = [*values.pop("optimizers")]
    return getattr(parity, kind)(*positional, **values)


def _require_wanted(
    kind: str, defined: Mapping[str, Any], given: Mapping[str, Any], file: str
) -> None:
    """Raises a `UsageError` unless a comparison has what it takes, and nothing else is given."""
    needed, possible = KINDS[kind]
    if missing := [name for name in needed if name not in defined]:
        raise UsageError(
            f"{file} does not define {', '.join(missing)}; "
            f"parity.{kind} takes {', '.join(needed)}, and may have {', '.join(possible)}"
        )
    if kind != "compare" and not _is_pair(defined["optimizers"]):
        raise UsageError(
            f"{file}: optimizers must be a pair, JAX's transformation and a function from a list "
            "of parameters to PyTorch's optimiser"
        )
    if strange := [name for name in given if name not in possible]:
        raise UsageError(f"--{strange[0]} means nothing to parity.{kind}")


def _is_pair(value: Any) -> bool:
    """Whether it is two things, and not one transformation, which is a pair of functions itself."""
    return isinstance(value, tuple | list) and len(value) == 2 and not hasattr(value, "update")


def complaint(error: Exception, path: Path) -> str:
    """What is said of an error: the user's own lines where they raised it, else the message alone.

    Args:
      error: what was raised.
      path: of the file.
    """
    if isinstance(error, SyntaxError) and error.filename == str(path.resolve()):
        return f"torch-port compare: {path.name}, line {error.lineno}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    inside = bool(frames) and Path(frames[-1].filename).is_relative_to(HOME)
    lines = _users_lines(error.__cause__ if inside else error, path.resolve().parent)
    if lines and not inside:
        said = f"{type(error).__name__}: {error}"
        return "\n".join([f"torch-port compare: an error in {path.name}", *lines, said])
    if isinstance(error, ValueError | TypeError | OSError):
        said = str(error).removeprefix("compare: ")
        return "\n".join([f"torch-port compare: {said}", *lines])
    return "".join(traceback.format_exception(error)).rstrip()


HOME = Path(__file__).parents[1]


def _users_lines(error: BaseException | None, folder: Path) -> list[str]:
    """The lines of the user's own files that an error came through."""
    return [
        f"  {Path(frame.filename).name}, line {frame.lineno}, in {frame.name}: {frame.line}"
        for frame in (traceback.extract_tb(error.__traceback__) if error else ())
        if _is_of_the_user(Path(frame.filename), folder)
    ]


def _is_of_the_user(file: Path, folder: Path) -> bool:
    installed = "site-packages" in file.parts or file.is_relative_to(HOME)
    return file.is_relative_to(folder) and not installed
