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
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from typing import Any


class Beside:
    """A Python process that imports modules at once, and then makes one call after another.

    Example:
      >>> with Beside("math") as process:
      ...     process.call(pow, 2, 10).result()
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
        self._line = ThreadPoolExecutor(1)  # waits for the answers, one call at a time

    def call(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Asks for a call, whose function and arguments are pickled: what will come of it."""
        return self._line.submit(self._answer, function, arguments)

    def _answer(self, function, arguments):
        assert self._process.stdin
        assert self._process.stdout
        try:
            pickle.dump((function, arguments), self._process.stdin)
            self._process.stdin.flush()
            value, error = pickle.load(self._process.stdout)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):
            status = self._process.wait()
            raise RuntimeError(f"the process beside has ended, status {status}") from None
        if error is not None:
            raise error
        return value

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._line.shutdown(cancel_futures=True)
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()


def serve() -> None:
    """Is that process: imports the modules, then answers calls until there can be no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not come between the answers
    for module in sys.argv[1:]:
        import_module(module)
    with contextlib.suppress(EOFError, BrokenPipeError):  # the other process has ended
        while True:
            function, arguments = pickle.load(sys.stdin.buffer)
            try:
                answer = pickle.dumps((function(*arguments), None))
            except Exception as error:  # whatever it is, the other process raises it
                answer = pickle.dumps((None, error))
            answers.write(answer)
            answers.flush()
