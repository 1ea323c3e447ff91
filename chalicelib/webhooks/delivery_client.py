"""Sending one webhook: to an address that was checked, and to no other.

A name is looked up once. Every address that the DNS gives must be allowed, and the connection goes to one of
these, while certificate, SNI and ``Host`` are the name's; an answer of the DNS that differs a moment later
changes nothing. It is built on ``http.client``, which by itself follows no redirect, reads no proxy from the
environment and keeps no cookie, and lets an exchange run on a socket that we connected.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, Literal, Protocol

from chalicelib.bounded_http.connection import AnswerTooLongError, BoundedConnection
from chalicelib.bounded_http.deadline import Deadline
from chalicelib.domain.clock import now
from chalicelib.webhooks.public_address import Address, is_loopback, is_public, unmapped
from chalicelib.webhooks.schedule import wished_wait
from chalicelib.webhooks.target import Target

Problem = Literal[
    "name_not_found",
    "name_lookup_failed",
    "address_refused",
    "connection_refused",
    "connection_failed",
    "certificate_refused",
    "tls_failed",
    "timeout",
    "bad_answer",
]

MAX_BODY_BYTES: Final = 256 * 1024
MAX_ANSWER_BYTES: Final = 64 * 1024
_MAX_HEAD_BYTES: Final = 32 * 1024
_MAX_TRIED_ADDRESSES: Final = 4
_OWN_HEADERS: Final = {"Connection": "close", "User-Agent": "report-service-webhooks/1"}

_AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


class Resolve(Protocol):
    """What looks names up: ``socket.getaddrinfo``, or something that is called like it."""

    def __call__(self, host: str, port: int, *, type: int) -> Sequence[_AddressInfo]:  # noqa: A002 - its name there
        """Return the addresses of ``host``."""


@dataclass(frozen=True)
class TimeLimits:
    """How long a delivery may take, in seconds: to look the name up, to connect, and in all."""

    lookup: float = 5.0
    connect: float = 3.0
    total: float = 10.0


TIME_LIMITS: Final = TimeLimits()


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt. Nothing of the answer but its status and ``Retry-After`` is kept.

    ``status`` is None where no answer came, and ``error`` says why; else ``error`` is empty.
    ``wish_seconds`` is how long the receiver asked to be left alone.
    """

    status: int | None
    error: Problem | Literal[""]
    duration_ms: int
    wish_seconds: float | None = None


class _FailedError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem: Problem = problem


def deliver(
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    *,
    resolve: Resolve = socket.getaddrinfo,
    tls: ssl.SSLContext | None = None,
    limits: TimeLimits = TIME_LIMITS,
) -> Attempt:
    """Post a body to a target and return what came of it; no failure of the receiver's is raised.

    Args:
        target: where to, as ``parse_target`` returned it.
        headers: what is sent besides ``Host``, ``Content-Length`` and the client's own.
        body: at most ``MAX_BODY_BYTES``.
        resolve: what looks the name up.
        tls: whose certificates are trusted; None for the system's authorities.
        limits: how long it may take.

    Raises:
        ValueError: the body is too long, or a header is none.
    """
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"a webhook has at most {MAX_BODY_BYTES} bytes")
    started = time.monotonic()

    def attempt(status: int | None, error: Problem | Literal[""] = "", wish_seconds: float | None = None) -> Attempt:
        return Attempt(status, error, round((time.monotonic() - started) * 1000), wish_seconds)

    try:
        deadline = Deadline(limits.total)
        addresses = _allowed_addresses(target, resolve, deadline.sooner(limits.lookup))
        with _connected(addresses, target.port, deadline.sooner(limits.connect)) as plain:
            if target.scheme == "http":
                return attempt(*_exchange(plain, target, headers, body, deadline))
            plain.settimeout(deadline.left())
            with (tls or _system_trust()).wrap_socket(plain, server_hostname=target.host) as secured:
                return attempt(*_exchange(secured, target, headers, body, deadline))
    except (_FailedError, OSError, HTTPException, AnswerTooLongError) as error:
        return attempt(None, _problem(error))


def _problem(error: Exception) -> Problem:
    match error:
        case _FailedError():
            return error.problem
        case TimeoutError():
            return "timeout"
        case ssl.SSLCertVerificationError():
            return "certificate_refused"
        case ssl.SSLError():
            return "tls_failed"
        case ConnectionRefusedError():
            return "connection_refused"
        case HTTPException() | AnswerTooLongError():
            return "bad_answer"
    return "connection_failed"


@lru_cache(maxsize=1)
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _allowed_addresses(target: Target, resolve: Resolve, deadline: Deadline) -> list[Address]:
    """Return the target's addresses, without doubles, if every one of them is allowed."""
    found = [target.address] if target.address is not None else _look_up(target, resolve, deadline)
    addresses = list(dict.fromkeys(map(unmapped, found)))
    if not addresses:
        raise _FailedError("name_not_found")
    is_allowed: Callable[[Address], bool] = is_loopback if target.is_loopback else is_public
    if not all(map(is_allowed, addresses)):
        raise _FailedError("address_refused")
    return addresses


def _look_up(target: Target, resolve: Resolve, deadline: Deadline) -> list[Address]:
    try:
        rows = deadline.wait_for(lambda: resolve(target.host, target.port, type=socket.SOCK_STREAM))
        return [ip_address(row[4][0]) for row in rows]
    except socket.gaierror as error:
        missing = error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
        raise _FailedError("name_not_found" if missing else "name_lookup_failed") from None
    except (ValueError, TypeError, IndexError):  # what no address is, and names that cannot be asked for
        raise _FailedError("name_lookup_failed") from None


def _connected(addresses: Sequence[Address], port: int, deadline: Deadline) -> socket.socket:
    """Return a connection to the first address that takes one; each gets its share of the time."""
    tried = addresses[:_MAX_TRIED_ADDRESSES]
    failure: OSError | None = None
    for position, address in enumerate(tried):
        try:
            return _connection(address, port, deadline.left() / (len(tried) - position))
        except OSError as error:
            failure = error
    raise failure or TimeoutError


def _connection(address: Address, port: int, seconds: float) -> socket.socket:
    # Where a machine has no IPv6, this fails, as a connection does that nobody takes.
    connection = socket.socket(socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET)
    try:
        connection.settimeout(seconds)
        connection.connect((str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


def _exchange(
    connection: socket.socket, target: Target, headers: Mapping[str, str], body: bytes, deadline: Deadline
) -> tuple[int, Literal[""], float | None]:
    """Send the request, and return the answer's status and how long the receiver asks to be left alone."""
    http = BoundedConnection(connection, deadline, _MAX_HEAD_BYTES + MAX_ANSWER_BYTES)
    http.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"Host": target.authority, **headers, "Content-Length": str(len(body)), **_OWN_HEADERS}.items():
        http.putheader(name, value)
    http.endheaders(body)
    with http.getresponse() as response:
        _throw_away(response)
        return response.status, "", wished_wait(response.headers.get("Retry-After"), now())


def _throw_away(response: HTTPResponse) -> None:
    """Read the answer to its end or its bounds: a receiver whose answer is cut off may log an error."""
    bytes_left = MAX_ANSWER_BYTES
    try:
        while bytes_left > 0 and (chunk := response.read(min(bytes_left, 16 * 1024))):
            bytes_left -= len(chunk)
    except (OSError, HTTPException, AnswerTooLongError):
        return  # the status has come, and that is what counts
