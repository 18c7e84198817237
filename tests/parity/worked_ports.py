"""The ports of docs/why-do-my-numbers-not-match.md: wrong as they stand, right after their diff.

`python -m tests.parity.worked_ports` writes what `torch-port compare` prints into the page.
"""

import contextlib
import io
import re
import sys
import tempfile
from pathlib import Path

from torch_port import cli

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "why-do-my-numbers-not-match.md"
WORKED = re.compile(
    r"```sh\ntorch-port compare (?P<port>examples/ports/\w+\.py)\n```\n\n"
    r"```\n(?P<wrong>.*?)```\n"
    r".*?```diff\n(?P<diff>.*?)```\n\n"
    r"```\n(?P<mended>.*?)```\n",
    re.S,
)
TOLD = re.compile(r"```python\n(?P<program>.*?)```\n\n```\n(?P<printed>.*?)```\n", re.S)


def compared(source: str) -> tuple[int, str]:
    """The status and the output of the command on a port of this source."""
    output = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port.py"
        port.write_text(source, encoding="utf-8")
        try:
            with contextlib.redirect_stdout(output):
                cli.main(["compare", str(port)])
        except SystemExit as stop:
            return int(stop.code or 0), output.getvalue()
    raise AssertionError("torch-port compare ends with a status")


def mended(source: str, diff: str) -> str:
    """The source with the lines behind "-" replaced by those behind "+"."""
    for removed, added in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", diff, re.M):
        before, after = (re.sub(r"^.", "", lines, flags=re.M) for lines in (removed, added))
        if source.count(before) != 1:
            raise ValueError(f"{PAGE.name}: these lines are not in the port:\n{before}")
        source = source.replace(before, after)
    return source


def printed(program: str) -> str:
    """What a program of the page prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(program, str(PAGE), "exec"), {"__name__": "page"})
    return output.getvalue()


def stable(output: str) -> list[str]:
    """The lines of a report without those figures that another processor rounds otherwise."""
    kept, follows = [], True
    for line in output.splitlines():
        label = line[:14].strip()
        follows = follows if not label else label not in ("at most", "figures")
        kept += [line] if follows else []
    return kept


def written(page: str) -> str:
    """The page with the outputs of today."""

    def worked(found: re.Match[str]) -> str:
        source = (ROOT / found["port"]).read_text(encoding="utf-8")
        text = found[0].replace(found["wrong"], compared(source)[1])
        return text.replace(found["mended"], compared(mended(source, found["diff"]))[1])

    page = TOLD.sub(lambda found: found[0].replace(found[2], printed(found[1])), page)
    return WORKED.sub(worked, page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
