"""Pairs that compute the same raise no alarm, whatever their depth, scale and conditioning."""

import pytest

from tests.parity.right_pairs import RIGHT_PAIRS
from torch_port import parity


@pytest.mark.parametrize("name", RIGHT_PAIRS)
def test_a_right_pair_raises_no_alarm(name):
    ours, theirs, inputs, settings = RIGHT_PAIRS[name]()
    report = parity.compare(ours, theirs, inputs, **settings)
    assert report.verdict in ("equal", "rounding"), str(report)
    assert report.first is None
    report.raise_for_difference()
    ratios = [d.judgement.ratio for d in report.differences if d.kind != "layer"]
    told = [setting for setting in report.settings if not setting.name.startswith("initial")]
    assert told
    assert not [setting for setting in told if setting.differs]
    assert max(ratios) < 2**8 or report.notes  # nnx.Embed casts to float32, as the note says


def test_there_are_enough_right_pairs():
    assert len(RIGHT_PAIRS) >= 40
