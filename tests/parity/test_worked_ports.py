"""The page "Why do my numbers not match?" shows what the command prints, before and after."""

import re
import sys

import pytest

from tests.parity.worked_ports import PAGE, ROOT, TOLD, WORKED, compared, mended, printed, stable

TEXT = PAGE.read_text(encoding="utf-8")
PORTS = {found["port"]: found for found in WORKED.finditer(TEXT)}


@pytest.fixture(autouse=True)
def _leave_no_port_behind(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "__port__", None)


@pytest.mark.parametrize("port", PORTS)
def test_a_port_is_wrong_as_the_page_says_and_right_after_its_diff(port):
    source = (ROOT / port).read_text(encoding="utf-8")
    status, output = compared(source)
    assert (status, stable(output)) == (1, stable(PORTS[port]["wrong"]))
    status, output = compared(mended(source, PORTS[port]["diff"]))
    assert (status, stable(output)) == (0, stable(PORTS[port]["mended"]))


def test_every_port_is_on_the_page_as_it_stands():
    assert {*PORTS} == {str(p.relative_to(ROOT)) for p in ROOT.glob("examples/ports/*.py")}
    sources = [(ROOT / port).read_text(encoding="utf-8") for port in PORTS]
    shown = re.findall(r"^```py\n(.*?)^```$", TEXT, re.M | re.S)
    of_ports = [block for block in shown if any(block in source for source in sources)]
    assert len(of_ports) == len(PORTS) + 1


def test_the_program_of_the_page_prints_what_stands_below_it():
    found = TOLD.search(TEXT)
    assert found
    assert printed(found["program"]) == found["printed"]
