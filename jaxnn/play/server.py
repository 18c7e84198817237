"""The playground's server: a page, its events, and what the page asks for, on this machine alone.

It listens at the loopback address. A page of somebody else, open in the same browser, can still
send requests to it, also under a name of its own that it has made to mean 127.0.0.1 (DNS
rebinding); so a request must carry this server's own address in Host, and in Origin if there is
one.
"""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from jaxnn.play import settings
from jaxnn.play.session import Session, as_json

ADDRESS = "127.0.0.1"

LARGEST_BODY = 1 << 18
"""Bytes of a request; a drawing has some ten thousand."""

HEARTBEAT = 5.0
"""Seconds without news after which a stream is written to, to see whether somebody still reads."""

PAGES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/pad.js": ("pad.js", "text/javascript"),
    "/views.js": ("views.js", "text/javascript"),
}

POLICY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every answer: a page loads nothing from elsewhere, and nobody embeds it."""


class Refusal(Exception):
    """A request that is not answered, with the HTTP status that says why."""

    def __init__(self, status: HTTPStatus, message: str):
        super().__init__(message)
        self.status = status


class Server(ThreadingHTTPServer):
    """Serves a session at the loopback address; a thread a connection.

    Closing it, once the session is closed, waits for all threads: one that is left would run into
    the interpreter's end.

    Args:
      session: what the pages show.
      port: a free one, or 0 for any that is free.

    Raises:
      OSError: if the port is in use.
    """

    daemon_threads = False

    def __init__(self, session: Session, port: int = 0):
        self.session = session
        self._connections: set[Any] = set()
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise OSError(
                f"port {port} of {ADDRESS} is in use: expected a free one in --port, "
                "or no --port for any that is free"
            ) from None

    @property
    def hosts(self) -> tuple[str, str]:
        """What a browser may call this server."""
        return f"{ADDRESS}:{self.server_port}", f"localhost:{self.server_port}"

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self.hosts[0]}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begins a connection, in its own thread."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Ends a connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Ends to listen, and all connections, on which a browser may say nothing for minutes."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that has gone away is no error; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: Server  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"
    server_version = "jaxnn"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        """The page, the names that its form offers, and the stream of events."""
        pages = {path: lambda path=path: self._send_page(path) for path in PAGES}
        self._answer({**pages, "/choices": self._send_choices, "/events": self._send_events})

    def do_POST(self) -> None:
        """What the page asks for."""
        self._answer({"/respond": self._respond, "/train": self._train, "/stop": self._stop})

    def _answer(self, routes: Mapping[str, Callable[[], None]]) -> None:
        try:
            self._require_own_address()
            if self.path not in routes:
                expected = f"expected one of {', '.join(routes)}"
                raise Refusal(HTTPStatus.NOT_FOUND, f"{expected}, got {self.path[:80]}")
            routes[self.path]()
        except Refusal as refusal:
            self.send_error(refusal.status, str(refusal))
        except (ValueError, TypeError) as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))

    def _require_own_address(self) -> None:
        hosts, origins = self.headers.get_all("Host", []), self.headers.get_all("Origin", [])
        own = self.server.hosts
        if len(hosts) != 1 or hosts[0] not in own:
            raise Refusal(
                HTTPStatus.FORBIDDEN, f"Host must be {' or '.join(own)}, got {', '.join(hosts)}"
            )
        if origins and origins != [f"http://{hosts[0]}"]:
            raise Refusal(
                HTTPStatus.FORBIDDEN,
                f"Origin must be http://{hosts[0]}, got {', '.join(origins)}",
            )

    def _body(self, kind: str) -> bytes:
        """What a request carries, of a content type and of a length within the limit."""
        given, length = self.headers.get("Content-Type"), self.headers.get("Content-Length", "")
        if given != kind:
            raise Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be {kind}, got {given}"
            )
        if not (length.isascii() and length.isdigit()):
            raise Refusal(
                HTTPStatus.LENGTH_REQUIRED, f"Content-Length must be a number, got {length!r}"
            )
        if len(length) > 9 or int(length) > LARGEST_BODY:
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"a request must have at most {LARGEST_BODY:,} bytes, got {length[:20]}",
            )
        return self.rfile.read(int(length))

    def _send_page(self, path: str) -> None:
        name, kind = PAGES[path]
        content = files("jaxnn.play").joinpath(name).read_bytes()
        self._send(content, f"{kind}; charset=utf-8")

    def _send_choices(self) -> None:
        self._send_json(settings.CHOICES)

    def _respond(self) -> None:
        self._send_json(self.server.session.respond(self._body("image/png")))

    def _train(self) -> None:
        self.server.session.start(settings.read(self._body("application/json")))
        self._send_json({})

    def _stop(self) -> None:
        self._body("application/json")
        self.server.session.stop()
        self._send_json({})

    def _send_events(self) -> None:
        """A snapshot whenever there is a newer one, until the page or the session is closed."""
        self._send_head(HTTPStatus.OK, {"Content-Type": "text/event-stream", "Connection": "close"})
        seen = 0
        while True:
            version, snapshot = self.server.session.wait(seen, HEARTBEAT)
            if snapshot is None:
                return
            text = f"data: {_json(as_json(snapshot))}\n\n" if version > seen else ":\n\n"
            self.wfile.write(text.encode())
            seen = version

    def _send_json(self, value: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(_json(value).encode(), "application/json", status)

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send_head(status, {"Content-Type": kind, "Content-Length": str(len(content))})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _send_head(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, **POLICY}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers in JSON what was expected and what came; what the request still holds is left."""
        self.close_connection = True
        status = HTTPStatus(code)
        self._send_json({"error": message or status.description or status.phrase}, status)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the terminal belongs to the person who has started the playground."""


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
