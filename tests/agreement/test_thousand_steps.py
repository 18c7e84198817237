"""A thousand steps on the real MNIST, batch norm and dropout on, in both frameworks."""

import numpy as np

from benchmarks.divergence import compare

STEPS = 1000


def test_in_float64_the_two_end_at_the_same_parameters():
    """To 1e-9 of the distance travelled; they are farthest apart at the start."""
    distance = compare("float64", STEPS, nearby=False)["jaxnn and PyTorch"]
    assert distance[-1] < 1e-9
    assert distance[-1] < distance[0]


def test_in_float32_they_part_no_faster_than_each_from_itself():
    """Moved by one unit in the last place; the three are draws of one noise, within a half."""
    found = compare("float32", STEPS)
    between = found.pop("jaxnn and PyTorch")
    from_itself = np.maximum(*found.values())
    later = slice(10, None)
    assert (between[later] <= 1.5 * from_itself[later]).all()
    assert np.median(between / from_itself) < 1.2
