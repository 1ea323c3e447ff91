"""The HTTP routes on a loopback port, as API Gateway would call them: ``python -m embedded.api_server --port N``."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from types import FrameType
from typing import Any, Final

from embedded.gateway_event import HttpAnswer, find_route, http_answer, proxy_event, split_target
from embedded.lambda_context import LambdaContext

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""What API Gateway takes of a request's body."""

TIMEOUT_SECONDS: Final = 29
"""How long API Gateway waits for a function."""

IDLE_SECONDS: Final = 75
"""How long a silent connection is kept."""

_DRAIN_BYTES: Final = 4 * MAX_BODY_BYTES

_log = logging.getLogger("embedded.api_server")


class BadFramingError(Exception):
    """A request whose body cannot be read; ``status`` says how to refuse it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ApiRequestHandler(BaseHTTPRequestHandler):
    """Reads one request after another from a connection and lets the application answer them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_SECONDS
    server: ApiServer

    def __getattr__(self, name: str) -> Any:
        # BaseHTTPRequestHandler looks for do_<METHOD>; every method has the same way through.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def version_string(self) -> str:
        """Return what the Server header says."""
        return "embedded"

    def handle_expect_100(self) -> bool:
        """Let a client that asks first send its body only when it will be taken."""
        try:
            self._body_length()
        except BadFramingError as refusal:
            self._refuse(refusal.status)
            return False
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that could not even be parsed, in the API's envelope."""
        self._refuse(int(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing about single requests."""

    def _serve(self) -> None:
        try:
            body = self._read_body()
        except BadFramingError as refusal:
            self._refuse(refusal.status)
            return
        self._send(self._answer(body))

    def _body_length(self) -> int:
        """Return the bytes of the body.

        Raises:
            BadFramingError: 411 for a chunked body (API Gateway's limit needs the length in advance),
                400 for a length that is none, 413 for one over the limit.
        """
        if self.headers.get("Transfer-Encoding"):
            raise BadFramingError(400 if self.headers.get("Content-Length") else 411)
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        text = lengths.pop().strip()
        if lengths or not (text.isascii() and text.isdigit() and len(text) < 20):
            raise BadFramingError(400)
        if int(text) > MAX_BODY_BYTES:
            raise BadFramingError(413)
        return int(text)

    def _read_body(self) -> bytes:
        length = self._body_length()
        body = self.rfile.read(length) if length else b""
        if len(body) < length:
            raise ConnectionAbortedError("the client left in the middle of its body")
        return body

    def _answer(self, body: bytes) -> HttpAnswer:
        app = self.server.app
        path, _ = split_target(self.path)
        route = find_route(app.routes, path)
        if route is None:
            return http_answer(app.unknown_route(path))
        methods = app.routes[route.pattern]
        method = "GET" if self.command == "HEAD" and "HEAD" not in methods else self.command
        event = proxy_event(
            method,
            self.path,
            route,
            list(self.headers.items()),
            body,
            self.client_address[0],
            app.api.binary_types,
        )
        try:
            return http_answer(app(event, LambdaContext("api", TIMEOUT_SECONDS)))
        except Exception:
            _log.exception("no answer to %s", route.pattern)
            return http_answer(app.refused(502, path))

    def _refuse(self, status: int) -> None:
        """Answer before the body was read, and close: what follows cannot be told apart from a body."""
        self.close_connection = True
        path = split_target(self.path)[0] if getattr(self, "path", None) else "/"
        self._send(http_answer(self.server.app.refused(status, path)))
        self._drain()

    def _drain(self) -> None:
        """Read on for a moment: closing on unread bytes would reset the connection and lose the answer."""
        self.connection.settimeout(1)
        self.connection.shutdown(socket.SHUT_WR)
        left = _DRAIN_BYTES
        try:
            while left > 0 and (chunk := self.rfile.read1(65536)):
                left -= len(chunk)
        except TimeoutError:
            pass

    def _send(self, answer: HttpAnswer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        if answer.status not in {204, 304}:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if getattr(self, "command", None) != "HEAD" and answer.status not in {204, 304}:
            self.wfile.write(answer.body)
        self.wfile.flush()


class ApiServer(socketserver.ThreadingTCPServer):
    """A loopback HTTP server in front of one Chalice application, a thread for each connection."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, app: Any, port: int) -> None:
        """Bind 127.0.0.1:``port``; 0 chooses a free one.

        Args:
            app: the Chalice application, which also answers ``unknown_route(path)`` and
                ``refused(status, path)`` with a proxy answer.
            port: the TCP port.

        Raises:
            OSError: the port is taken.
        """
        self.app = app
        super().__init__(("127.0.0.1", port), ApiRequestHandler)

    @property
    def port(self) -> int:
        """The port that is served."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that went away; log the rest."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            _log.exception("a connection failed")


def _stop(signal_number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    from app import app

    ApiServer(app, arguments.port).serve_forever(poll_interval=0.2)


if __name__ == "__main__":
    main()
