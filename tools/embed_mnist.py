"""Writes MNIST's four files to jaxnn/data/files, from a folder that holds the originals.

Usage: python -m tools.embed_mnist FOLDER

The originals `train-images-idx3-ubyte.gz`, ... are compressed anew, without file name and time, so
that the same bytes come out each time. `jaxnn.data.mnist` holds their checksums.
"""

import gzip
import hashlib
import sys
from pathlib import Path

from jaxnn.data.mnist import CHECKSUMS, FILES


def main(folder: Path) -> None:
    for name, checksum in CHECKSUMS.items():
        content = gzip.decompress((folder / f"{name}.gz").read_bytes())
        if hashlib.sha256(content).hexdigest() != checksum:
            raise ValueError(f"{folder / name}.gz is not the original MNIST file")
        (FILES / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
