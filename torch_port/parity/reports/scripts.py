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
            line = f"{side.upper()} = {literal}"
            source = re.sub(rf"(?m)^{side.upper()} = [^#\n]*?(?=\s*(#|$))", lambda _: line, source)
    return source


def _literal(value: Any) -> str | None:
    """The value as Python writes it, or None where it is nothing that can be written down."""
    try:
        return repr(ast.literal_eval(repr(plain(value))))
    except (ValueError, SyntaxError):
        return None
