"""The fenced blocks of README.md: `python tests/readme.py "Run it"` prints those of a heading."""

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def blocks(heading: str, language: str = "sh") -> list[str]:
    """The fenced blocks of one language under a heading, in order."""
    text = README.read_text(encoding="utf-8")
    section = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text, re.M | re.S)
    if section is None:
        raise ValueError(f"README.md has no heading {heading!r}")
    return re.findall(rf"^```{language}\n(.*?)^```$", section[1], re.M | re.S)


if __name__ == "__main__":
    print("".join(blocks(sys.argv[1])), end="")
