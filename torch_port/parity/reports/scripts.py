"""The scripts that show a difference with PyTorch and JAX alone, the constants found put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from torch_port.parity.reports.data import plain


def script(id: str, constants: Mapping[str, Any]) -> str | None:
    """The script of a difference.

    Args:
      id: of the entry in the catalogue.
      constants: by side; numbers take the place of the script's own, where it has any.

    Returns:
      Its source text; None where there is no script.

    Example:
      >>> print(script("no-such-difference", {}))
      None
    """
    place = files("torch_port.parity").joinpath("reproductions", f"{id.replace('-', '_')}.py")
    if not place.is_file():
        return None
    source = place.read_text("utf-8")
    for side, constant in constants.items():
        value = plain(constant)
        if isinstance(value, int | float) and not isinstance(value, bool):
            source = with_constant(source, side.upper(), value)
    return source


def with_constant(source: str, name: str, value: float) -> str:
    """A script with another number on the line that gives a name its own.

    Args:
      source: of the script.
      name: of the constant.
      value: of it.

    Example:
      >>> with_constant("TORCH = 1e-5  # inside the root", "TORCH", 0.001)
      'TORCH = 0.001  # inside the root'
    """
    return re.sub(rf"(?m)^{name} = [-+.\de]+", f"{name} = {value!r}", source)
