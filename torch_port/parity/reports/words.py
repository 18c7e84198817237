"""What is said in the same words wherever a report is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch_port.parity.ladder import Judgement
    from torch_port.parity.report import Cause, Difference, Fault

SAYS = {
    "equal": "both sides give the same numbers in float32, to the last bit.",
    "rounding": "both sides compute the same function; they part by rounding only.",
    "semantic": "the two sides compute different functions.",
}

UNEXPLAINED = "nothing in the catalogue fits"

SIDES = {"jax": "JAX", "torch": "PyTorch"}


def number(value: Any, digits: int = 12) -> str:
    """A number as a person writes it, anything else as it writes itself.

    Args:
      value: of any kind.
      digits: of a number, at most.

    Example:
      >>> number(1e-05), number(np.float64(0.1)), number("same")
      ('1e-5', '0.1', 'same')
    """
    value = value.item() if isinstance(value, np.generic) else value
    return _short(f"{value:.{digits}g}") if isinstance(value, float) else str(value)


def power(value: float, digits: int = 1) -> str:
    """A number that matters by its power of 10.

    Args:
      value: of any size.
      digits: after the point.

    Example:
      >>> power(4.42e-4), power(6.6e10, 0), power(0.0)
      ('4.4e-4', '7e10', '0')
    """
    return _short(f"{value:.{digits}e}") if value else "0"


def _short(number: str) -> str:
    return re.sub(r"e([+-])0*", lambda sign: "e" + sign[1].strip("+"), number).removesuffix("e")


def place(difference: Difference) -> str:
    """Where, by the names of both sides.

    Args:
      difference: one quantity that was compared.
    """
    paths = {"JAX": difference.jax_path, "PyTorch": difference.torch_path}
    names = {side: path for side, path in paths.items() if path not in ("", difference.kind)}
    if len(names) == 2 and len({*names.values()}) == 1:
        said = [f"{difference.jax_path} (both)"]
    else:
        said = [", ".join(f"{path} ({side})" for side, path in names.items())]
    step = "" if difference.step is None else f", step {difference.step}"
    return " ".join([difference.kind, *filter(None, said)]) + step


def figures(judgement: Judgement) -> str:
    """How far the two sides are apart, and what else there is to say.

    Args:
      judgement: of one quantity.
    """
    if not np.isfinite(judgement.ratio):
        return judgement.note
    error32, error64 = power(judgement.error32), power(judgement.error64)
    said = f"relative error {error32} (float32), {error64} (float64)"
    if judgement.verdict == "semantic":
        said += f": {power(judgement.ratio, 0)} times what rounding explains"
    hidden = "too small to be seen in float32" if judgement.hidden else ""
    return "; ".join(filter(None, [said, hidden, judgement.note]))


def constants(cause: Cause) -> str:
    """The recovered constants, by side; empty where there are none.

    Args:
      cause: a named difference.
    """
    return ", ".join(
        f"{SIDES.get(side, side)} {number(value)}" for side, value in cause.constants.items()
    )


def why(cause: Cause) -> str:
    """A cause by its title and its constants.

    Args:
      cause: a named difference.
    """
    return ": ".join(filter(None, [cause.title, constants(cause)]))


def fixes(cause: Cause) -> list[str]:
    """What mends it, a line for each side that could be changed.

    Args:
      cause: a named difference.
    """
    return re.split(r"\n|; or (?=PyTorch: )", cause.fix) if cause.fix else []


def evidence(fault: Fault) -> str:
    """What is known of a fault without a cause, or the probe that parts its explanations.

    Args:
      fault: one place.
    """
    return fault.evidence.removeprefix(f"{UNEXPLAINED}; ")


def counted(differences: Iterable[Difference]) -> str:
    """How many of each kind were compared, and how many of these differ in meaning.

    Args:
      differences: all that was compared.
    """
    counts: dict[str, list[bool]] = {}
    for difference in differences:
        counts.setdefault(difference.kind, []).append(difference.verdict == "semantic")
    if not any(map(any, counts.values())):
        return ", ".join(f"{len(all)} {_plural(kind, all)}" for kind, all in counts.items())
    return ", ".join(
        f"{sum(all)} of {len(all)} {_plural(kind, all)}" for kind, all in counts.items()
    )


def _plural(kind: str, all: Sequence[bool]) -> str:
    return kind if len(all) == 1 else kind + ("es" if kind.endswith("s") else "s")


def together(faults: Iterable[Fault]) -> list[list[Fault]]:
    """Faults of the same explanation together: one wrong ε in twelve layers is one mistake.

    Args:
      faults: in the order of computation.

    Returns:
      Groups in the order of their first faults.
    """
    groups: dict[Any, list[Fault]] = {}
    for fault in faults:
        others = [[cause.id for cause in other] for other in fault.alternatives]
        key = repr(([(cause.id, _sorted(cause.constants)) for cause in fault.causes], others))
        groups.setdefault(key, []).append(fault)
    return [*groups.values()]


def _sorted(constants: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(constants.items())
