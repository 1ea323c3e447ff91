"""An exchange over a socket pair, bounded in time and in bytes, in both directions."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.client import NotConnected

import pytest

from chalicelib.bounded_http.connection import AnswerTooLongError, BoundedConnection
from chalicelib.bounded_http.deadline import Deadline

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_an_answer_within_the_bounds_is_read(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    http = BoundedConnection(ours, Deadline(5), 100)
    http.request("GET", "/", headers={"Host": "example.com"})
    assert http.getresponse().read(100) == b"ok"
    assert theirs.recv(1000).startswith(b"GET / HTTP/1.1\r\n")


def test_head_and_body_together_are_bounded(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000)
    http = BoundedConnection(ours, Deadline(5), 100)
    http.request("GET", "/", headers={"Host": "example.com"})
    with pytest.raises(AnswerTooLongError):
        http.getresponse().read(1000)


def test_a_peer_that_takes_the_request_in_drops_does_not_hold_us(pair: Pair) -> None:
    ours, theirs = pair
    over = threading.Event()

    def sip() -> None:
        while not over.wait(0.01):
            theirs.recv(1024)

    drinker = threading.Thread(target=sip, daemon=True)
    drinker.start()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        BoundedConnection(ours, Deadline(0.3), 100).request("POST", "/", body=b"x" * 50_000_000)
    assert time.monotonic() - started < 3
    over.set()
    drinker.join(5)


def test_it_never_connects_by_itself(pair: Pair) -> None:
    http = BoundedConnection(pair[0], Deadline(5), 100)
    http.close()
    with pytest.raises(NotConnected):
        http.request("GET", "/")


def test_the_socket_is_left_to_its_owner(pair: Pair) -> None:
    ours, _ = pair
    BoundedConnection(ours, Deadline(5), 100).close()
    assert ours.fileno() >= 0
