"""Fuzzes every reader of files, and prints what came of it: `python -m fuzzing`.

    python -m fuzzing --seconds 60             all readers, a minute in total
    python -m fuzzing idx --runs 1000000       one, so many executions
    python -m fuzzing --seconds 1200 --write   renews docs/fuzzing.md

Each reader runs in a process of its own under atheris, from the corpus in fuzzing/corpus. A crash,
a message that does not name the file, ten seconds for one input or more than a gigabyte of memory
ends it and leaves the input in fuzzing/found. Needs `pip install 'jaxnn[fuzz]'`.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import in_words, machine
from benchmarks.pages import filled

ROOT = Path(__file__).parents[1]
CORPUS, FOUND = ROOT / "fuzzing" / "corpus", ROOT / "fuzzing" / "found"
DOCS = ROOT / "docs"
NAMES = tuple(sorted(path.name for path in CORPUS.iterdir()))
LIMITS = ["-rss_limit_mb=1024", "-timeout=10", "-print_final_stats=1"]
FIGURES = {
    "executions": r"number_of_executed_units:\s+(\d+)",
    "executions a second": r"average_exec_per_sec:\s+(\d+)",
    "peak memory in MB": r"peak_rss_mb:\s+(\d+)",
}


def fuzz(name: str, *options: str) -> dict:
    """Fuzzes one reader, from a copy of its corpus."""
    with tempfile.TemporaryDirectory() as temporary:
        corpus = shutil.copytree(CORPUS / name, Path(temporary, name))
        command = [sys.executable, "-m", "fuzzing.harness", name, *LIMITS, *options]
        FOUND.mkdir(exist_ok=True)
        process = subprocess.run(
            [*command, f"-artifact_prefix={FOUND / name}-", str(corpus)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    if process.returncode:
        print(process.stderr[-5000:], file=sys.stderr)
    numbers = {what: re.findall(pattern, process.stderr) for what, pattern in FIGURES.items()}
    edges = re.findall(r"cov: (\d+)", process.stderr)
    figures = {what: int(found[-1]) if found else 0 for what, found in numbers.items()}
    return {**figures, "edges": int(edges[-1]) if edges else 0, "clean": process.returncode == 0}


def table(measured: dict[str, dict]) -> str:
    """The figures as a table in Markdown."""
    lines = [
        "| reader | executions | a second | edges covered | peak memory | findings |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in measured.items():
        lines.append(
            f"| {name} | {row['executions']:,} | {row['executions a second']:,} | {row['edges']:,} "
            f"| {row['peak memory in MB']} MB | {'none' if row['clean'] else '**some**'} |"
        )
    total = sum(row["executions"] for row in measured.values())
    return "\n".join([*lines, f"| **all** | **{total:,}** | | | | |"])


def main() -> None:
    """Fuzzes, prints, and writes if asked to; status 1 where something was found."""
    parser = argparse.ArgumentParser(
        "python -m fuzzing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("readers", nargs="*", metavar="reader", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=60, help="for all together (60)")
    parser.add_argument("--runs", type=int, help="executions of each, instead")
    parser.add_argument("--write", action="store_true", help="renews the figures of the docs")
    arguments = parser.parse_args()
    names = arguments.readers or NAMES
    if unknown := {*names} - {*NAMES}:
        parser.error(f"readers are {', '.join(NAMES)}; got {', '.join(sorted(unknown))}")
    limit = f"-max_total_time={max(1, arguments.seconds // len(names))}"
    if arguments.runs:
        limit = f"-runs={arguments.runs}"
    here = machine()
    measured = {name: fuzz(name, limit) for name in names}
    print(f"{table(measured)}\n\n{in_words(here)}")
    if arguments.write:
        path = DOCS / "data" / "fuzzing.json"
        path.write_text(json.dumps({"machine": here, "measured": measured}, indent=1) + "\n")
        page, figures = DOCS / "fuzzing.md", {"fuzzing": f"{table(measured)}\n\n{in_words(here)}"}
        page.write_text(filled(page.read_text(encoding="utf-8"), figures.get), encoding="utf-8")
    if not all(row["clean"] for row in measured.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
