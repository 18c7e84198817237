"""`jaxnn play`: a page on which a digit is drawn, and a network is trained and watched."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from jaxnn.cli import parse


@dataclass(frozen=True)
class PlayOptions:
    """Opens a page on this machine where a digit is drawn and every layer of a network responds,
    where it is trained with other settings, and watched as it learns."""

    port: int | None = None
    """Where the page is to be found; None: any free port."""
    browser: bool = True
    """Opens the page in the browser."""


def main(arguments: Sequence[str]) -> None:
    """Serves the page until Ctrl-C or SIGTERM."""
    options = parse("play", PlayOptions, arguments)
    from jaxnn import checks

    if options.port is not None:
        checks.require_in("[1024, 65535]", options.port, "--port")
    from jaxnn.cli import resuming
    from jaxnn.play.server import Server
    from jaxnn.play.session import Session
    from jaxnn.play.settings import Settings

    with (
        resuming.noticed(*resuming.SIGNALS) as stop,
        Server(Session(), options.port or 0) as server,
        contextlib.closing(server.session) as session,
    ):
        session.start(Settings())
        print(f"{server.url} (Ctrl-C ends it)", flush=True)
        if options.browser:
            _open_in_browser(server.url)
        server.timeout = 0.2
        while not stop():
            server.handle_request()


def _open_in_browser(url: str) -> None:
    """Opens the page from a process of its own, which a browser may keep waiting.

    It has no terminal, which a browser without a window would take from the playground.
    """
    command = [sys.executable, "-m", "webbrowser", url]
    quiet = subprocess.DEVNULL
    subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
