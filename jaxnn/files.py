"""Files that are either as they were or complete, never half written; and where the cache is."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write_atomically(path: str | os.PathLike, content: bytes | str) -> None:
    """Writes a file beside its place, flushes it to disk and renames it into place.

    Args:
      path: where the file shall stand; its folder is made if there is none.
      content: bytes, or text to be written as UTF-8.

    Raises:
      OSError: if the folder cannot be written; the file is then as it was.

    Example:
      >>> import tempfile
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     write_atomically(Path(folder, "runs", "note.txt"), "θ ← θ − η∇J")
      ...     Path(folder, "runs", "note.txt").read_text(encoding="utf-8")
      'θ ← θ − η∇J'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # a full disk does not say what could not be written
        raise


def _flush_folder(folder: Path) -> None:
    """Puts a new name on disk, which flushing the file itself does not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a folder for this process: the lock ends with the process, however it ends.

    Args:
      folder: which exists and can be written.

    Raises:
      OSError: if the folder cannot be written, or another process holds it.

    Example:
      >>> import tempfile
      >>> with locked(Path(tempfile.mkdtemp())):
      ...     pass
    """
    import fcntl

    with open(folder / ".lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(f"{folder} is in use by another process") from None
        yield


def cache_folder() -> Path | None:
    """The folder for decoded data and compiled programs: `$JAXNN_CACHE`, or the user's for `jaxnn`.

    Returns:
      The folder, which may not exist yet, or None where the user has no home.

    Example:
      >>> cache_folder()
      PosixPath('...')
    """
    if chosen := os.environ.get("JAXNN_CACHE"):
        return Path(chosen)
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir("jaxnn"))
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # older platformdirs: "~/.cache/jaxnn"


def _umask() -> int:
    """The process's mask, which `mkstemp` does not follow and which can only be read by setting."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
