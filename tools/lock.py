"""Writes requirements-ci.txt: what CI installs, to the version and to the byte.

    python tools/lock.py

pip says what it would install for the extras `test` and `fuzz`, and the SHA-256 of each archive;
nothing is installed. The lock is for the Python and the platform that it is made on, which are
CI's: others install from pyproject.toml.
"""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-ci.txt"


def resolved() -> list[dict]:
    """What pip would install, from its report."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
        options = ["--quiet", "--report", str(report), "--constraint", "constraints.txt"]
        subprocess.run([*command, *options, ".[test,fuzz]"], cwd=ROOT, check=True)
        return json.loads(report.read_text())["install"]


def lines(packages: list[dict]) -> list[str]:
    """A line for each package but our own: name, version, hash."""
    found = []
    for package in packages:
        name, version = (package["metadata"][key] for key in ("name", "version"))
        if name != "jaxnn":
            digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
            found.append(f"{name.lower()}=={version} --hash=sha256:{digest}")
    return sorted(found)


if __name__ == "__main__":
    made_on = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    head = [f"# Made by `python tools/lock.py` on {made_on}; not to be edited."]
    LOCK.write_text("\n".join([*head, *lines(resolved())]) + "\n")
