"""The pytest plugin: a fixture `parity`, by which a port's own tests hold it to its original.

    def test_the_port(parity):
        parity.compare(Port(), Original(), inputs)

A difference of meaning fails the test with the report's ten lines; `--parity-html=FOLDER` keeps
the whole report of each failure as a page. PyTorch and JAX load when the fixture is used.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from torch_port.parity import Report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the folder of the reports, as an option and as a setting of the ini file."""
    said = "keep a page for each comparison that fails, in this folder"
    parser.getgroup("parity").addoption("--parity-html", metavar="FOLDER", help=said)
    parser.addini("parity_html", said, default="")


@pytest.fixture
def parity(request: pytest.FixtureRequest) -> Parity:
    """Comparisons of JAX programs and PyTorch programs that fail the test where the two differ."""
    config = request.config
    folder = None
    if option := config.getoption("--parity-html"):
        folder = config.invocation_params.dir / option
    elif setting := config.getini("parity_html"):
        folder = config.rootpath / setting
    return Parity(request.node.nodeid, folder)


class Parity:
    """The comparisons of `torch_port.parity`, each of which fails the test on a difference.

    Args:
      test: the name of the test, for the pages.
      folder: of the pages; None keeps none.
    """

    def __init__(self, test: str, folder: Path | None = None):
        self._test, self._folder, self._pages = test, folder, 0

    def compare(self, *args: Any, **kwargs: Any) -> Report:
        """Compares two programs, as `torch_port.parity.compare` does.

        Args:
          *args: of `torch_port.parity.compare`.
          **kwargs: likewise.

        Returns:
          The report, where both compute the same.

        Raises:
          AssertionError: they do not; the message is the report.
        """
        __tracebackhide__ = True
        return self._held("compare", args, kwargs)

    def compare_optimizers(self, *args: Any, **kwargs: Any) -> Report:
        """Compares two optimisers, as `torch_port.parity.compare_optimizers` does.

        Args:
          *args: of `torch_port.parity.compare_optimizers`.
          **kwargs: likewise.

        Returns:
          The report, where both compute the same.

        Raises:
          AssertionError: they do not; the message is the report.
        """
        __tracebackhide__ = True
        return self._held("compare_optimizers", args, kwargs)

    def compare_training(self, *args: Any, **kwargs: Any) -> Report:
        """Compares two trainings, as `torch_port.parity.compare_training` does.

        Args:
          *args: of `torch_port.parity.compare_training`.
          **kwargs: likewise.

        Returns:
          The report, where both compute the same.

        Raises:
          AssertionError: they do not; the message is the report.
        """
        __tracebackhide__ = True
        return self._held("compare_training", args, kwargs)

    def _held(self, comparison: str, args: tuple, kwargs: dict) -> Report:
        __tracebackhide__ = True
        from torch_port import parity

        report = getattr(parity, comparison)(*args, **kwargs)
        if report.verdict != "semantic":
            return report
        raise AssertionError("\n".join([str(report), *self._keep(report)]))

    def _keep(self, report: Report) -> list[str]:
        """Writes the page, and says where; nothing without a folder."""
        if self._folder is None:
            return []
        self._pages += 1
        name = re.sub(r"[^\w.-]+", "-", self._test).strip("-")[:150]
        number = f"-{self._pages}" if self._pages > 1 else ""
        page = self._folder / f"{name}{number}.html"
        report.to_html(page)
        return [f"page          {page}"]
