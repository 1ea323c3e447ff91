"""A TCP server on loopback that answers by a script: what webhooks, and questions about sessions, are sent to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

Script = Callable[[socket.socket], None]


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it came; header names are in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class ScriptedReceiver:
    """Takes connections, each in a thread of its own, reads a request and runs the script."""

    def __init__(
        self,
        script: Script,
        *,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
        reads: bool = True,
    ) -> None:
        self.requests: list[ReceivedRequest] = []
        self.server_names: list[str | None] = []
        self.connections = 0
        self.script = script
        self._tls = tls
        self._reads = reads
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family)
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.server_names.append(name)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> ScriptedReceiver:
        self._start(self._accept)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ending.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(lambda taken=connection: self._serve(taken))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with connection, contextlib.suppress(OSError):
            if self._tls is None:
                self._converse(connection)
                return
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                self._converse(secured)

    def _converse(self, connection: socket.socket) -> None:
        if self._reads:
            self.requests.append(_read_request(connection))
        self.script(connection)

    def dripping(self, content: bytes, *, seconds_apart: float = 0.05) -> Script:
        """Return a script that sends the content byte by byte, again and again, until the client leaves."""

        def script(connection: socket.socket) -> None:
            while not self._ending.is_set():
                for position in range(len(content)):
                    connection.sendall(content[position : position + 1])
                    time.sleep(seconds_apart)

        return script


def answering(status: str, *headers: str, body: bytes = b"") -> Script:
    """Return a script that sends one answer, such as ``answering("302 Found", "Location: …")``."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return lambda connection: connection.sendall("\r\n".join(lines).encode() + body)


def silence(connection: socket.socket) -> None:
    """Say nothing until the client leaves."""
    connection.recv(1)


def _read_request(connection: socket.socket) -> ReceivedRequest:
    with connection.makefile("rb") as stream:
        line = stream.readline().decode("latin-1").strip()
        headers: dict[str, str] = {}
        while field := stream.readline().strip():
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return ReceivedRequest(line, headers, stream.read(int(headers.get("content-length", "0"))))
