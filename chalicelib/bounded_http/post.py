"""One request to a service that the operator of this deployment has named, bounded in time and in bytes.

The address is not checked: whoever sets it may mean a service in their own network. What decides on one that
comes from outside is ``chalicelib.webhooks``. Redirects are not followed, and proxies are not asked.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPException
from typing import Final
from urllib.parse import SplitResult, urlsplit

from chalicelib.bounded_http.connection import AnswerTooLongError, BoundedConnection
from chalicelib.bounded_http.deadline import Deadline

_MAX_HEAD_BYTES: Final = 32 * 1024


class UnansweredError(Exception):
    """There was no whole answer; the message quotes nothing of what was sent."""


def post(
    url: str, headers: Mapping[str, str], body: bytes, *, deadline: Deadline, max_answer_bytes: int
) -> tuple[int, bytes]:
    """Return the status and the body of the answer to a POST request.

    Args:
        url: http or https.
        headers: what is sent besides ``Host``, ``Connection`` and the length.
        body: what is sent.
        deadline: when the whole of it must be over, the look-up of the name included.
        max_answer_bytes: the longest answer that is read.

    Raises:
        UnansweredError: nobody answered in time, or with too much, or not by HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnansweredError("its address is no URL")
    try:
        address = (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        with deadline.wait_for(lambda: socket.create_connection(address, deadline.left())) as plain:
            if parts.scheme != "https":
                return _exchange(plain, parts, headers, body, deadline, max_answer_bytes)
            plain.settimeout(deadline.left())
            with _system_trust().wrap_socket(plain, server_hostname=parts.hostname) as secured:
                return _exchange(secured, parts, headers, body, deadline, max_answer_bytes)
    except (OSError, HTTPException, AnswerTooLongError, ValueError) as error:
        raise UnansweredError(type(error).__name__) from None


@lru_cache(maxsize=1)
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _exchange(
    connection: socket.socket,
    url: SplitResult,
    headers: Mapping[str, str],
    body: bytes,
    deadline: Deadline,
    max_answer_bytes: int,
) -> tuple[int, bytes]:
    http = BoundedConnection(connection, deadline, _MAX_HEAD_BYTES + max_answer_bytes)
    sent = {"Host": url.netloc.rpartition("@")[2], **headers, "Connection": "close"}
    http.request("POST", url.path or "/", body=body, headers=sent)
    with http.getresponse() as response:
        answer = response.read(max_answer_bytes + 1)
        if len(answer) > max_answer_bytes:
            raise AnswerTooLongError
        return response.status, answer
