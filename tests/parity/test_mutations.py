"""The engine names what is wrong with a port: a small draw of `benchmarks/parity_mutations.py`."""

import pytest

from tests.parity.ports.everything import PORTS
from tests.parity.ports.score import both_named, doubles, outcome, report_of
from torch_port.parity import CATALOGUE

MUTANTS = [(port, mutant) for port in PORTS for mutant in port.mutants]

DRAWN = MUTANTS[7::90]

TWO = [(port, *doubles(port, 1)[0]) for port in PORTS[2::40]]

RIGHT = [(port, port.scales[i]) for i, port in enumerate(PORTS[::17])]

names = lambda one: getattr(one, "name", str(one))


@pytest.mark.parametrize(("port", "mutant"), DRAWN, ids=names)
def test_a_mistake_is_named_at_its_place(port, mutant):
    found = outcome(port, mutant)
    assert all(found.right.values()), found


@pytest.mark.parametrize(("port", "first", "second"), TWO, ids=names)
def test_two_mistakes_are_both_named(port, first, second):
    right, named = both_named(port, first, second)
    assert right, named


@pytest.mark.parametrize(("port", "scale"), RIGHT, ids=names)
def test_a_right_port_raises_no_alarm(port, scale):
    report = report_of(port, {}, seed=1, scale=scale)
    assert report.verdict in ("equal", "rounding"), str(report)


def test_there_are_as_many_mutants_as_the_page_says():
    assert len(PORTS) >= 45
    assert len(MUTANTS) >= 440


def test_every_difference_of_programs_and_optimisers_has_a_mutant():
    causes = {mutant.cause for _, mutant in MUTANTS}
    expected = {entry.id for entry in CATALOGUE if entry.about in ("program", "optimizer")}
    assert expected <= causes
