"""The scripts that show a difference with PyTorch and JAX alone, the constants found put in."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from torch_port.parity.reports.data import plain


def script(id: str, constants: Mapping[str, Any]) -> str | None:
    """The script of a difference.

    Args:
      id: of the entry in the catalogue.
      constants: by side; they take the place of the script's own, where it has any.

    Returns:
      Its source text; None where there is no script.
    """
    place = files("torch_port.parity").joinpath("reproductions", f"{id.replace('-', '_')}.py")
    if not place.is_file():
        return None
    source = place.read_text("utf-8")
    for side, value in constants.items():
        if (literal := _literal(value)) is not None:
            source = _with_constant(source, side.upper(), literal)
    return source


def _with_constant(source: str, name: str, literal: str) -> str:
    """The source with another value on the line that gives the constant its own."""
    return re.sub(rf"(?m)^({name} = )[^#\n]*?(?=\s*(#|$))", lambda line: line[1] + literal, source)


def _literal(value: Any) -> str | None:
    """The value as Python writes it, or None where it is nothing that can be written down."""
    try:
        return repr(ast.literal_eval(repr(plain(value))))
    except (ValueError, SyntaxError):
        return None
