"""The trajectory of a training: curves that stretch with the page, their words in its type."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from torch_port.parity.reports import words

if TYPE_CHECKING:
    from torch_port.parity.report import Trajectory


class Curves(NamedTuple):
    """One picture.

    Attributes:
      caption: what is drawn.
      lines: at most two, by their names.
      bands: areas from below up to these values, by their names.
      log: whether powers of 10 stand at equal distances; what is 0 then stands at the bottom.
    """

    caption: str
    lines: dict[str, np.ndarray]
    bands: dict[str, np.ndarray]
    log: bool


def trajectory_curves(trajectory: Trajectory | None) -> str:
    """How far two trainings part beside how far each parts from its own copy, and their losses.

    Args:
      trajectory: of a training; None where there is none.
    """
    if trajectory is None:
        return ""
    own = np.maximum(trajectory.jax_own, trajectory.torch_own)
    distance = Curves(
        "How far the parameters are apart, relative to their size",
        {"the two sides": np.asarray(trajectory.between, float)},
        {"each side and its own copy, moved by one unit in the last place": own},
        log=True,
    )
    losses = Curves(
        "Loss",
        {
            "JAX": np.asarray(trajectory.losses_jax, float),
            "PyTorch": np.asarray(trajectory.losses_torch, float),
        },
        {},
        log=False,
    )
    steps = [int(step) for step in trajectory.steps]
    drawn = [_picture(curves, steps) for curves in (distance, losses)]
    return '<div class="curves">\n' + "\n".join(drawn) + "\n</div>"


def _picture(curves: Curves, steps: Sequence[int]) -> str:
    ticks = _ticks(curves)
    height = lambda y: _height(y, ticks, curves.log)
    name = (lambda tick: words.power(tick, 0)) if curves.log else (lambda tick: f"{tick:g}")
    marks = [
        f'<span class="tick y" style="bottom:{height(tick):.2f}%">{name(tick)}</span>'
        for tick in ticks
    ]
    drawn = [
        f'<line class="grid" x1="0" x2="100" y1="{y:.2f}" y2="{y:.2f}"/>'
        for y in (100 - height(tick) for tick in ticks)
    ]
    for values in curves.bands.values():
        path = _path(values, height)
        drawn.append(f'<path class="band" d="{path}L100 100L0 100z"/>' if path else "")
    for kind, values in zip(("first", "second"), curves.lines.values(), strict=False):
        drawn.append(f'<path class="line {kind}" d="{_path(values, height)}"/>')
    return (
        f'<figure class="curve"><figcaption>{curves.caption}</figcaption>{_legend(curves)}'
        f'<div class="area" role="img" aria-label="{_said(curves)}">'
        '<svg class="lines" viewBox="0 0 100 100" preserveAspectRatio="none">'
        f"{''.join(drawn)}</svg>{''.join(marks)}{_step_marks(steps)}</div></figure>"
    )


def _ticks(curves: Curves) -> list[float]:
    """Round values, from below all that is drawn to above it."""
    from matplotlib.ticker import MaxNLocator

    drawn = np.concatenate([*curves.lines.values(), *curves.bands.values()])
    shown = drawn[np.isfinite(drawn) & ((drawn > 0) | (not curves.log))]
    if not shown.size:
        return [0.1, 1.0]
    low, high = float(shown.min()), float(shown.max())
    if curves.log:
        low, high = np.floor(np.log10(low)), np.ceil(np.log10(high))
    locator = MaxNLocator(5, integer=curves.log, min_n_ticks=2)
    ticks = locator.tick_values(low, high if high > low else low + 1)
    return [float(10.0**tick if curves.log else tick) for tick in ticks]


def _height(y: float, ticks: Sequence[float], log: bool) -> float:
    """In percent, from the lowest to the highest tick."""
    low, high = ticks[0], ticks[-1]
    y = float(np.clip(y, low, high))
    if log:
        low, high, y = np.log10(low), np.log10(high), np.log10(y)
    return float(100 * (y - low) / (high - low))


def _path(values: np.ndarray, height: Any) -> str:
    """A line through all that is finite."""
    across = np.linspace(0, 100, len(values)) if len(values) > 1 else np.array([0.0])
    points = [
        f"{x:.2f} {100 - height(y):.2f}"
        for x, y in zip(across, values, strict=True)
        if np.isfinite(y)
    ]
    if len(points) == 1:  # of one step: across the whole
        points = [f"0 {points[0].split()[1]}", f"100 {points[0].split()[1]}"]
    return "M" + "L".join(points) if points else ""


def _step_marks(steps: Sequence[int]) -> str:
    """The first, the middle and the last step below the axis."""
    if not steps:
        return ""
    last = len(steps) - 1
    marks = [
        f'<span class="tick x" style="left:{100 * i / max(last, 1):.2f}%">{steps[i]}</span>'
        for i in sorted({0, last // 2, last} if last > 3 else {0, last})
    ]
    return "".join(marks) + '<span class="tick x" style="left:75%">step</span>'


def _legend(curves: Curves) -> str:
    line = (
        '<svg aria-hidden="true"><line class="line {}" x1="0" x2="100%" y1="50%" y2="50%"/></svg>'
    )
    band = '<svg aria-hidden="true"><rect class="band" width="100%" height="100%"/></svg>'
    marks = [line.format(kind) for kind in ("first", "second")][: len(curves.lines)]
    marks += [band] * len(curves.bands)
    names = [*curves.lines, *curves.bands]
    items = [
        f'<li><svg aria-hidden="true">{mark}</svg>{escape(name)}</li>'
        for mark, name in zip(marks, names, strict=True)
    ]
    return f'<ul class="legend">{"".join(items)}</ul>'


def _said(curves: Curves) -> str:
    """The picture in words: where each curve ends."""
    ends = {**curves.lines, **curves.bands}
    return escape(
        f"{curves.caption} at the last step: "
        + "; ".join(f"{name} {words.number(float(y[-1]), 3)}" for name, y in ends.items() if len(y))
    )
