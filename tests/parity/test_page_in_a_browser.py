"""The page of a comparison as a browser lays it out: nothing cut off, wide or narrow."""

import pytest

from tests.parity.handmade import everything, evil
from tests.plots.test_report_in_a_browser import BROWSER, open_in_browser

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium or Chrome is installed to open the page in"
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    everything().to_html(folder / "report.html")
    return open_in_browser(folder / "report.html", folder)


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_cut_off_and_nothing_is_loaded(measured, width):
    found = measured[width]
    assert width - 20 < found["room"] <= width, "but for a scroll bar"
    assert found["width"] == found["room"]
    assert found["beyond"] == []
    assert found["loaded"] == []


def test_all_parts_are_there_in_their_order(measured):
    assert measured[1280]["headings"] == [
        "The two sides compute different functions.", "What is wrong, and what mends it",
        "Settings that could be read off", "The training, step by step",
        "How far the parameters are apart, relative to their size", "Loss",
        "How far apart, in the order of computation", "All that was compared",
        "Not compared", "Notes", "Versions",
    ]  # fmt: skip


def test_words_without_end_do_not_widen_the_page(tmp_path):
    evil(everything(), "x" * 300).to_html(tmp_path / "report.html")
    for found in open_in_browser(tmp_path / "report.html", tmp_path).values():
        assert found["width"] == found["room"]
        assert found["beyond"] == []
