"""DynamoDB, SQS and S3 on a loopback port, kept in memory: ``python -m embedded.aws_emulator --port N``."""

from __future__ import annotations

import argparse
import io
import logging
import signal
import sys
from types import FrameType
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer

from embedded.emulator_corrections import apply_corrections
from embedded.emulator_shortcuts import apply_shortcuts


class KeepAliveRequestHandler(MotoRequestHandler):
    """Serves many requests on one connection, which werkzeug's own handler closes after each.

    Connections are most of what a small call costs; so is Nagle's algorithm, which holds back the second of
    two small writes for 40 ms.
    """

    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer one request that was parsed already."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            super().run_wsgi()
            self.wfile.flush()
            return
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            status, headers, content = _call(self.server.app, environ)
        except Exception:
            logging.getLogger("embedded.aws_emulator").exception("%s %s", self.command, self.path.partition("?")[0])
            status, headers, content = "500 Internal Server Error", [], b""
        self._answer(status, headers, content)

    def _answer(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        names = set()
        for name, value in headers:
            names.add(name.lower())
            self.send_header(name, value)
        bodiless = self.command == "HEAD" or int(code) in {204, 304}
        if "content-length" not in names and not bodiless:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(content)
        self.wfile.flush()

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing about single requests."""


def _call(app: Any, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """Call a WSGI application; return its status line, headers and whole body."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [(status, headers)]
        return written.append

    chunks = app(environ, start_response)
    try:
        written.extend(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status, headers = started[0]
    return status, headers, b"".join(written)


class EmulatorServer(ThreadedWSGIServer):
    """moto behind one loopback port, a thread for each connection."""

    request_queue_size = 256

    def __init__(self, port: int) -> None:
        """Bind 127.0.0.1:``port``; 0 chooses a free one (see ``port``). A taken port ends the process."""
        apply_corrections()
        apply_shortcuts()
        app = DomainDispatcherApplication(create_backend_app)
        super().__init__("127.0.0.1", port, app, KeepAliveRequestHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that went away in the middle; log the rest."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            logging.getLogger("embedded.aws_emulator").exception("connection failed")


def _stop(signal_number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    EmulatorServer(arguments.port).serve_forever()


if __name__ == "__main__":
    main()
