"""The process that fuzzes one reader: `python -m fuzzing.harness READER [libFuzzer's options]`."""

import sys

import atheris

with atheris.instrument_imports(include=["jaxnn", "PIL", "json", "gzip"]):
    from PIL import Image, ImageOps  # noqa: F401

    Image.init()  # loads what reads each format, which is fuzzed too
    from fuzzing.readers import READERS, refuses


def main() -> None:
    """Runs until libFuzzer's options say to stop, or a reader raises what it must not."""
    program, name, *options = sys.argv
    reader = READERS[name]
    atheris.Setup([program, *options], lambda content: refuses(reader, content) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
