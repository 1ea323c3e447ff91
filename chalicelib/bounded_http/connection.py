"""One HTTP/1.1 exchange on a connected socket, bounded in time and in bytes.

A socket's own timeout starts anew with every byte, so a peer that sends one now and then would never meet
it. Here each operation on the socket gets what is left of one deadline.
"""

from __future__ import annotations

import io
import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING, cast

from chalicelib.bounded_http.deadline import Deadline

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class AnswerTooLongError(Exception):
    """The peer sent more than it may."""


class BoundedConnection(HTTPConnection):
    """An HTTP connection on a socket that somebody else connected, and closes. ``Host`` is for the caller to send."""

    auto_open = 0  # never connects by itself: which address it talks to is the caller's decision

    def __init__(self, connected: socket.socket, deadline: Deadline, max_answer_bytes: int) -> None:
        super().__init__("already-connected", 0)
        # http.client uses no more of a socket than what the class below has.
        self.sock = cast(socket.socket, _BoundedSocket(connected, deadline, max_answer_bytes))


class _BoundedSocket:
    def __init__(self, connected: socket.socket, deadline: Deadline, max_answer_bytes: int) -> None:
        self._socket = connected
        self._deadline = deadline
        self._max_answer_bytes = max_answer_bytes

    def sendall(self, content: bytes) -> None:
        unsent = memoryview(content)
        while unsent:
            self._socket.settimeout(self._deadline.left())
            unsent = unsent[self._socket.send(unsent) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReader(self._socket, self._deadline, self._max_answer_bytes))

    def close(self) -> None:
        """Leave the socket to whoever connected it."""


class _BoundedReader(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        self._socket = connected
        self._deadline = deadline
        self._bytes_left = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self._bytes_left <= 0:
            raise AnswerTooLongError
        self._socket.settimeout(self._deadline.left())
        count = self._socket.recv_into(memoryview(buffer)[: self._bytes_left])
        self._bytes_left -= count
        return count
