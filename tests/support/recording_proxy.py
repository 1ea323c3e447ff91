"""A relay in front of a model endpoint that keeps every byte a client sends through it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType


class RecordingProxy:
    """A relay on loopback; a context manager. ``base_url`` stands for the endpoint's."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sent: list[bytearray] = []
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    @property
    def sent(self) -> bytes:
        """Everything that was sent so far, by all connections."""
        with self._lock:
            return b"\n".join(bytes(one) for one in self._sent)

    def __enter__(self) -> RecordingProxy:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            target = socket.create_connection(("127.0.0.1", self._target_port))
            kept = bytearray()
            with self._lock:
                self._sent.append(kept)
            threading.Thread(target=self._relay, args=(client, target, kept), daemon=True).start()
            threading.Thread(target=self._relay, args=(target, client, None), daemon=True).start()

    def _relay(self, source: socket.socket, goal: socket.socket, kept: bytearray | None) -> None:
        try:
            while data := source.recv(65536):
                if kept is not None:
                    with self._lock:
                        kept += data
                goal.sendall(data)
        except OSError:
            return
        finally:
            for end in (source, goal):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
