"""The layers of both frameworks are matched by themselves, whatever the layout of parameters."""

import pytest

from tests.parity.layer_pairs import LAYER_PAIRS
from torch_port import parity


@pytest.mark.parametrize("name", LAYER_PAIRS)
def test_a_layer_is_matched_and_agrees(name):
    ours, theirs, inputs, settings = LAYER_PAIRS[name]()
    report = parity.compare(ours, theirs, inputs, **settings)
    assert report.verdict in ("equal", "rounding"), str(report)
