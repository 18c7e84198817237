"""Measures everything that the README says of speed: `python -m benchmarks`.

    python -m benchmarks                      measures every topic and prints what it finds
    python -m benchmarks epoch sweep          only these
    python -m benchmarks --quick              tiny sizes: does it run?
    python -m benchmarks --write              also writes docs/data, docs/images, docs/benchmarks.md

Figures mean something on a machine that does nothing else.
"""

import argparse
import json
from pathlib import Path

from benchmarks import pages
from benchmarks.frame import Settings
from benchmarks.machine import in_words, machine

TOPICS = (
    "epoch",
    "operations",
    "variants",
    "shapes",
    "prediction",
    "sweep",
    "start",
    "memory",
)
"""In the order in which they are measured; `benchmarks.frame` says what a topic is."""


def main() -> None:
    """Measures, prints, and writes if asked to."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("topics", nargs="*", metavar="topic", help=", ".join(TOPICS))
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (7)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, two rounds")
    parser.add_argument("--json", type=Path, help="a file of your own for the figures")
    parser.add_argument("--write", action="store_true", help="renews the figures of the docs")
    arguments = parser.parse_args()
    if unknown := {*arguments.topics} - {*TOPICS}:
        parser.error(f"topics are {', '.join(TOPICS)}; got {', '.join(sorted(unknown))}")
    if arguments.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {arguments.rounds}")
    if arguments.quick and arguments.write:
        parser.error("--quick measures nothing that is worth to be written; leave out --write")
    settings = Settings(2 if arguments.quick else arguments.rounds, arguments.quick)
    here, entries = machine(), {}
    print(in_words(here), flush=True)
    for name in arguments.topics or TOPICS:
        measured = json.loads(json.dumps(pages.topic(name).measure(settings)))
        entries[name] = {"machine": here, "measured": measured}
        print(f"\n## {name}\n\n{pages.shown(name, entries[name])}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    if arguments.write:
        pages.write(entries)


if __name__ == "__main__":
    main()
