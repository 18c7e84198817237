"""How an observation of both sides is judged."""

import numpy as np

from tests.agreement.harness import Observation
from tests.agreement.table import TABLE
from tests.agreement.tolerances import FLOAT32

SCALES = [1.0, 1e-3, 1e-6, 0.0]
"""What the gradients are multiplied by: where an ε stands shows only at the small ones."""


def assert_agree(seen: Observation) -> None:
    """In float64 to a relative 1e-10, or the rounding of terms that have cancelled."""
    assert seen.ours.shape == seen.theirs.shape, seen.place
    if seen.theirs.dtype == np.float32:
        units, limit = difference(seen), FLOAT32[seen.kind].allowed
        assert units <= limit, f"{seen.place}: {seen.kind} off by {units:.2f} of {limit} units"
        return
    np.testing.assert_allclose(
        seen.ours.astype(seen.theirs.dtype),
        seen.theirs,
        rtol=1e-10,
        atol=1e-14 * seen.terms,
        equal_nan=False,
        err_msg=f"{seen.place}: {seen.kind}",
    )


def difference(seen: Observation) -> float:
    """The largest difference in float32's ε times the largest number of the quantity."""
    gap = np.abs(seen.ours.astype(np.float64) - seen.theirs.astype(np.float64)).max(initial=0)
    size = max(seen.terms, float(np.finfo(np.float32).smallest_normal))
    return float(gap / size / np.finfo(np.float32).eps)


def worst_by_kind(dtype: str) -> dict[str, tuple[float, str]]:
    """The largest difference of every kind over the whole table, and where it was seen."""
    worst: dict[str, tuple[float, str]] = {}
    for name, row in TABLE.items():
        for scale in SCALES:
            for seen in row(dtype, scale):
                found = (difference(seen), f"{name}, scale {scale}, {seen.place}")
                if seen.theirs.dtype == np.float32:
                    worst[seen.kind] = max(worst.get(seen.kind, (0.0, "")), found)
    return worst
