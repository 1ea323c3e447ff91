"""Lambda's Runtime API for one function process, on a loopback port of its own.

The function's side of it is ``awslambdaric``, which asks for the next invocation, and posts what came of it.
"""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

MAX_RESPONSE_BYTES: Final = 6 * 1024 * 1024 + 100
"""What Lambda takes as the answer to one invocation."""

_PREFIX: Final = "/2018-06-01/runtime"
_NEXT: Final = f"{_PREFIX}/invocation/next"
_INIT_ERROR: Final = f"{_PREFIX}/init/error"
_RESULT: Final = re.compile(rf"{_PREFIX}/invocation/([^/]+)/(response|error)")


@dataclass(frozen=True)
class Invocation:
    """What a function is told about one call; ``deadline_ms`` counts from 1970, as Lambda's does."""

    request_id: str
    function_arn: str
    trace_id: str
    deadline_ms: int
    payload: bytes


class EventKind(Enum):
    """What can happen to a function process."""

    READY = auto()
    INIT_ERROR = auto()
    RESPONSE = auto()
    ERROR = auto()
    TOO_LARGE = auto()
    EXIT = auto()


@dataclass(frozen=True)
class RuntimeEvent:
    """Something that happened to a function process: ``body`` is what it posted, ``exit_status`` as Popen's."""

    kind: EventKind
    request_id: str = ""
    body: bytes = b""
    exit_status: int = 0


class RuntimeApi:
    """Hands invocations to one process and reports what it posts."""

    def __init__(self, report: Callable[[RuntimeEvent], None]) -> None:
        """Listen on a free port of 127.0.0.1 at once; ``report`` is called from the server's threads."""
        self._report = report
        self._invocations: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._server = _RuntimeApiServer(("127.0.0.1", 0), _RuntimeApiHandler)
        self._server.api = self
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="runtime-api").start()

    @property
    def address(self) -> str:
        """Host and port, as ``AWS_LAMBDA_RUNTIME_API`` wants them."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def offer(self, invocation: Invocation) -> None:
        """Give the process an invocation, now or as soon as it asks."""
        self._invocations.put(invocation)

    def next_invocation(self) -> Invocation | None:
        """Wait for an invocation; None when there will be none any more. The first call means: initialised."""
        if not self._ready.is_set():
            self._ready.set()
            self._report(RuntimeEvent(EventKind.READY))
        return self._invocations.get()

    def report(self, event: RuntimeEvent) -> None:
        """Pass on what the process posted."""
        self._report(event)

    def close(self) -> None:
        """Stop listening; a waiting process is let go."""
        self._invocations.put(None)
        self._server.shutdown()
        self._server.server_close()


class _RuntimeApiServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: RuntimeApi

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a process that was killed breaks its connections."""


class _RuntimeApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these, each answer waits 40 ms for the acknowledgement of its own headers.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _RuntimeApiServer

    def do_GET(self) -> None:
        """Answer the only question there is: what to do next."""
        if self.path != _NEXT:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        invocation = self.server.api.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        self._answer(HTTPStatus.OK, invocation.payload, headers)

    def do_POST(self) -> None:
        """Take the result of an invocation, or why the function could not be initialised."""
        length = int(self.headers.get("Content-Length") or 0)
        result = _RESULT.fullmatch(self.path)
        if result and length > MAX_RESPONSE_BYTES:
            self._refuse_size(result[1])
            return
        body = self.rfile.read(length)
        if result:
            kind = EventKind.RESPONSE if result[2] == "response" else EventKind.ERROR
            self.server.api.report(RuntimeEvent(kind, result[1], body))
        elif self.path == _INIT_ERROR:
            self.server.api.report(RuntimeEvent(EventKind.INIT_ERROR, body=body))
        else:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        self._answer(HTTPStatus.ACCEPTED, b'{"status":"OK"}\n', {"Content-Type": "application/json"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing about single requests."""

    def _refuse_size(self, request_id: str) -> None:
        error = {
            "errorMessage": "Response payload size exceeded maximum allowed payload size "
            f"({MAX_RESPONSE_BYTES} bytes).",
            "errorType": "Function.ResponseSizeTooLarge",
        }
        self.server.api.report(RuntimeEvent(EventKind.TOO_LARGE, request_id, json.dumps(error).encode()))
        # The body is not read, so that nothing else can follow it on this connection.
        self.close_connection = True
        self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"Connection": "close"})

    def _answer(self, status: HTTPStatus, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
