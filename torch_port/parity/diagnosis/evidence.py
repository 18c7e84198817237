"""How two arrays differ, in words: what is left to say where nothing in the catalogue fits."""

import numpy as np

from torch_port.parity.diagnosis.lockstep import Bench, Place
from torch_port.parity.sides.torch_calls import Edits

SAME = 1e-6
"""Relative spread up to which a ratio or a difference is called constant."""


def described(bench: Bench, edits: Edits, place: Place) -> str:
    """What is regular in the difference of a quantity.

    Args:
      bench: on which both were computed.
      edits: what is explained already.
      place: of the quantity.
    """
    item = bench.item(edits, place)
    if item is None or item.evidence.jax64.shape != item.evidence.torch64.shape:
        return "nothing in the catalogue fits"
    found = patterns(item.evidence.jax64, item.evidence.torch64)
    return "nothing in the catalogue fits; " + "; ".join(found)


def patterns(jax: np.ndarray, torch: np.ndarray) -> list[str]:
    """What is regular in the difference of two arrays of one shape.

    Example:
      >>> patterns(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
      ['PyTorch is 2 times JAX everywhere']
      >>> patterns(np.array([1.0, 2.0]), np.array([1.0, 2.0]) * (1 - 1e-7))
      ['PyTorch is (1 -1.0e-07) times JAX everywhere']
      >>> patterns(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.5], [3.0, 4.5]]))
      ['the difference is the same for every example', 'only 1 of 2 channels differ']
    """
    finite = np.isfinite(jax) & np.isfinite(torch)
    if not finite.all():
        return [f"{np.sum(~finite)} of {finite.size} values are not finite"]
    if ratio := _constant_ratio(jax, torch):
        times = f"{ratio:.6g}" if abs(ratio - 1) > 1e-5 else f"(1 {ratio - 1:+.1e})"
        return [f"PyTorch is {times} times JAX everywhere"]
    return [*_of_the_difference(jax, torch)] or [_typical(jax, torch)]


def _of_the_difference(jax, torch):
    difference = torch - jax
    size = np.max(np.abs(difference), initial=0)
    if jax.size > 1 and np.ptp(difference) <= SAME * size:
        yield f"PyTorch less JAX is {np.mean(difference):.6g} everywhere"
        return
    if jax.ndim > 1 and len(jax) > 1 and np.max(np.ptp(difference, axis=0)) <= SAME * size:
        yield "the difference is the same for every example"
    if jax.ndim > 1:
        differ = lambda axes: np.max(np.abs(difference), axis=axes) > SAME * size
        channels = differ(tuple(range(jax.ndim - 1)))
        examples = differ(tuple(range(1, jax.ndim)))
        for name, found in (("channels", channels), ("examples", examples)):
            if not found.all():
                yield f"only {np.sum(found)} of {found.size} {name} differ"
        if rows := _ratios(jax, torch, tuple(range(1, jax.ndim))):
            yield f"the ratio is constant for each example: {rows}"
        if columns := _ratios(jax, torch, tuple(range(jax.ndim - 1))):
            yield f"the ratio is constant for each channel: {columns}"
    negative = np.abs(difference[jax > 0]) if np.any(jax > 0) else np.ones(1)
    if np.any(jax < 0) and np.max(negative) <= SAME * size:
        yield "only negative values differ"


def _constant_ratio(jax, torch) -> float:
    """PyTorch over JAX where it is one number, 0 where it is not."""
    size = np.vdot(jax, jax)
    ratio = float(np.vdot(jax, torch) / size) if size else 0.0
    left = np.max(np.abs(torch - ratio * jax), initial=0)
    return ratio if jax.size > 1 and left <= SAME * np.max(np.abs(torch), initial=0) else 0.0


def _ratios(jax, torch, axes) -> str:
    """One ratio along some axes, shown, where these are constant."""
    size = np.sum(jax * jax, axis=axes, keepdims=True)
    if not size.all() or jax.size == size.size:
        return ""
    ratio = np.sum(jax * torch, axis=axes, keepdims=True) / size
    if np.max(np.abs(torch - ratio * jax)) > SAME * np.max(np.abs(torch)):
        return ""
    return ", ".join(f"{r:.4g}" for r in np.ravel(ratio)[:4])


def _typical(jax, torch) -> str:
    with np.errstate(all="ignore"):
        ratios = (torch / jax)[jax != 0]
    if not ratios.size:
        return "JAX is 0 everywhere and PyTorch is not"
    low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
    share = np.mean(np.abs(torch - jax) > SAME * np.max(np.abs(torch - jax)))
    return (
        f"PyTorch / JAX is {middle:.4g} (from {low:.4g} to {high:.4g} for four in five values), "
        f"{share:.0%} of the values differ"
    )
