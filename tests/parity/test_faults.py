"""Every wrong port is found, and found at its place."""

import pytest

from tests.parity.faults import FAULTS
from torch_port import parity


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_port_is_found_at_its_place(name):
    ours, theirs, inputs, settings, where = FAULTS[name]()
    report = parity.compare(ours, theirs, inputs, **settings)
    assert report.verdict == "semantic", str(report)
    assert (report.first.kind, report.first.jax_path) == where, str(report)
    assert len(str(report).splitlines()) <= 10
    with pytest.raises(AssertionError, match="different functions"):
        report.raise_for_difference()


def test_there_are_enough_faults():
    assert len(FAULTS) >= 20
