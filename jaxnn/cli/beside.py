"""A process beside this one that calls functions for it: that draws, while the device trains.

It has no part in Ctrl-C: it ends when this process ends, however that comes about, for then nothing
more can come through its pipe.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


class Beside:
    """A Python process that imports modules at once, and then makes one call after another.

    Example:
      >>> with Beside("math") as process:
      ...     process.call(pow, 2, 10)
      ...     process.result()
      1024
    """

    def __init__(self, *modules: str):
        program = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Asks for a call and does not wait for it; function and arguments are pickled."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # `result` says that the process has ended
            pickle.dump((function, arguments), self._process.stdin)
            self._process.stdin.flush()

    def result(self) -> Any:
        """Waits for the oldest call whose result was not fetched: what it returns, or raises."""
        assert self._process.stdout
        try:
            value, error = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            status = self._process.wait()
            raise RuntimeError(f"the process beside has ended, status {status}") from None
        if error is not None:
            raise error
        return value

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()


def serve() -> None:
    """Is that process: imports the modules, then answers calls until there can be no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not come between the answers
    for module in sys.argv[1:]:
        import_module(module)
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = pickle.dumps((function(*arguments), None))
        except Exception as error:
            answer = pickle.dumps((None, error))
        answers.write(answer)
        answers.flush()
