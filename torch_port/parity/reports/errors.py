"""The errors of all quantities, a row each, drawn in the width, type and colours of the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from jaxnn.plots.style import shorten
from torch_port.parity.ladder import CLEARLY_ROUNDING, UNITS
from torch_port.parity.reports import words

if TYPE_CHECKING:
    from torch_port.parity.ladder import Judgement
    from torch_port.parity.report import Difference

LOWEST = -18.0
"""Where the axis of errors begins, as a power of 10; an error of 0 stands there."""

HIGHEST = 4.0
"""Where it ends at most: noise over a true value of 0 has no bound."""


def error_rows(differences: Sequence[Difference]) -> str:
    """A row for each quantity: its error in both precisions over the band of rounding.

    Args:
      differences: in the order of computation.
    """
    if not differences:
        return ""
    errors = [e for d in differences for e in (d.judgement.error32, d.judgement.error64)]
    finite = [e for e in errors if np.isfinite(e) and e > 0]
    highest = float(np.clip(np.ceil(np.log10(max(finite, default=1.0))), 1, HIGHEST))
    rows = [_axis(highest)]
    for (step, kind), group in groupby(differences, key=lambda d: (d.step, d.kind)):
        said = kind if step is None else f"step {step}, {kind}"
        rows.append(f'<div class="kind">{escape(said)}</div>')
        rows += [_row(difference, highest) for difference in group]
    return _legend() + '<div class="rows" tabindex="0">\n' + "\n".join(rows) + "\n</div>"


def _legend() -> str:
    mark = '<svg aria-hidden="true"><use href="#{}" x="50%" y="50%"/></svg>'
    band = '<svg aria-hidden="true"><rect class="band" width="100%" height="100%"/></svg>'
    return (
        '<ul class="legend">'
        f"<li>{mark.format('single')}relative error in float32</li>"
        f"<li>{mark.format('double')}in float64</li>"
        f"<li>{band}as far as rounding goes in float64</li></ul>\n"
    )


def _across(error: float, highest: float) -> float:
    """Where an error stands, in percent of the width."""
    power = np.log10(error) if error > 0 else LOWEST
    return float(100 * (np.clip(power, LOWEST, highest) - LOWEST) / (highest - LOWEST))


def _ticks(highest: float) -> list[float]:
    return [10.0**power for power in range(-16, int(highest) + 1, 4)]


def _axis(highest: float) -> str:
    shown = [
        f'<text x="{_across(tick, highest):.2f}%" y="1rem">{words.power(tick, 0)}</text>'
        for tick in [0.0, *_ticks(highest)]
    ]
    return f'<div class="axis"><span></span><svg>{"".join(shown)}</svg></div>'


def _row(difference: Difference, highest: float) -> str:
    judgement = difference.judgement
    apart = " apart" if difference.verdict == "semantic" else ""
    said = escape(words.figures(judgement))
    other = f" <small>{escape(difference.torch_path)}</small>" if difference.torch_path else ""
    name = escape(difference.jax_path or "–") + (
        other if difference.torch_path != difference.jax_path else ""
    )
    return (
        f'<div class="row{apart}"><div class="name">{name}</div>'
        f'<svg class="track" role="img" aria-label="{said}"><title>{said}</title>'
        f"{_marks(judgement, highest)}</svg></div>"
    )


def _marks(judgement: Judgement, highest: float) -> str:
    """The band, the grid, and the two marks, or the reason why there are none."""
    parts = [
        f'<rect class="band" width="{_across(limit(judgement), highest):.2f}%" height="100%"/>'
    ]
    for tick in _ticks(highest):
        x = f"{_across(tick, highest):.2f}%"
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="100%"/>')
    if not np.isfinite(judgement.ratio):
        note = escape(shorten(judgement.note, 40))
        return "".join(parts) + f'<text class="none" x="1%" y="65%">{note}</text>'
    for mark, error in (("single", judgement.error32), ("double", judgement.error64)):
        parts.append(f'<use href="#{mark}" x="{_across(error, highest):.2f}%" y="50%"/>')
    return "".join(parts)


def limit(judgement: Judgement) -> float:
    """The relative error in float64 up to which a difference clearly is rounding.

    Args:
      judgement: of one quantity.

    Example:
      >>> from torch_port.parity.ladder import Judgement
      >>> f'{limit(Judgement("semantic", 1e-5, 1e-5, 1e9, 3.0)):.3g}'
      '2.56e-12'
    """
    if np.isfinite(judgement.ratio) and judgement.ratio > 0:
        return CLEARLY_ROUNDING * judgement.error64 / judgement.ratio
    return CLEARLY_ROUNDING * UNITS * 2.0**-23  # the least that the ladder takes float32 to err
