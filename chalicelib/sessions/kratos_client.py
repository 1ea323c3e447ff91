"""Who a session cookie belongs to: asked of Ory Kratos, and never assumed.

A session that Kratos confirmed is remembered for at most ``CACHE_SECONDS``; that nobody is signed in, or that
Kratos is down, is not remembered at all.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from chalicelib.bounded_http.connection import AnswerTooLongError, BoundedConnection
from chalicelib.bounded_http.deadline import Deadline

COOKIE_NAME: Final = "ory_kratos_session"
CACHE_SECONDS: Final = 30.0

_CACHE_SIZE: Final = 10_000
_MAX_ANSWER_BYTES: Final = 256 * 1024
_MAX_TEAMS: Final = 100
# The characters that a cookie's value may have; any other could end it and begin something else.
_COOKIE_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]{1,4096}")
_SECOND_FACTOR_MISSING: Final = "session_aal2_required"


class SessionServiceDownError(Exception):
    """Kratos did not say who it is: it cannot be reached, is slow, or answers what it should not."""


class SecondFactorRequiredError(Exception):
    """Kratos knows the session, and tells nothing of it before the second factor was given.

    It does so where it is configured with ``session.whoami.required_aal: highest_available``.
    """


@dataclass(frozen=True)
class Session:
    """A session that Kratos confirmed.

    ``aal`` is the assurance level of this session (``aal1``, ``aal2``): not what its user could reach.
    ``role`` is ``admin`` or ``user``.
    """

    identity_id: str
    aal: str
    role: str
    teams: tuple[str, ...]


@dataclass(frozen=True)
class _Known:
    session: Session
    asked_at: float
    expires_at: float


_known: dict[bytes, _Known] = {}


def whoami(base_url: str, cookie: str, *, timeout: float) -> Session | None:
    """Return the session that a cookie stands for, or None if it stands for none.

    Args:
        base_url: where Kratos' public API is.
        cookie: the value of ``ory_kratos_session``; nothing else of the request is sent on.
        timeout: how long the whole of it may take, in seconds.

    Raises:
        SecondFactorRequiredError: the session is there, but Kratos wants its second factor first.
        SessionServiceDownError: Kratos did not say.
    """
    if _COOKIE_VALUE.fullmatch(cookie) is None:
        return None
    key = hashlib.sha256(f"{base_url}\n{cookie}".encode()).digest()
    known = _known.get(key)
    if known is not None and _is_fresh(known, _now()):
        return known.session
    _known.pop(key, None)
    asked_at = _now()
    found = _confirmed(*_asked(base_url, cookie, timeout))
    if found is None or found[1] <= _now():
        return None
    if len(_known) >= _CACHE_SIZE:
        _known.clear()
    _known[key] = _Known(found[0], asked_at, found[1])
    return found[0]


def forget_sessions() -> None:
    """Drop every remembered session."""
    _known.clear()


def _now() -> float:
    """Return the wall clock's time: unlike a monotonic one, it goes on while a Lambda process is frozen."""
    return time.time()


def _is_fresh(known: _Known, moment: float) -> bool:
    # A clock that was set back makes nothing fresh.
    return 0 <= moment - known.asked_at < CACHE_SECONDS and moment < known.expires_at


@lru_cache(maxsize=1)
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _asked(base_url: str, cookie: str, timeout: float) -> tuple[int, bytes]:
    """Return status and body of Kratos' answer."""
    base, host, port = _parts(base_url)
    is_https = base.scheme == "https"
    deadline = Deadline(timeout)
    try:
        with deadline.wait_for(lambda: socket.create_connection((host, port), timeout)) as plain:
            if not is_https:
                return _exchange(plain, base, cookie, deadline)
            plain.settimeout(deadline.left())
            with _system_trust().wrap_socket(plain, server_hostname=host) as secured:
                return _exchange(secured, base, cookie, deadline)
    except (OSError, HTTPException, AnswerTooLongError) as error:
        raise SessionServiceDownError(f"Kratos could not be asked: {type(error).__name__}") from error


def _parts(base_url: str) -> tuple[SplitResult, str, int]:
    """Return a base URL's parts, its host and its port."""
    try:
        base = urlsplit(base_url)
        port = base.port or (443 if base.scheme == "https" else 80)
    except ValueError as error:
        raise SessionServiceDownError("the address of Kratos is not a URL") from error
    if base.scheme not in ("http", "https") or not base.hostname:
        raise SessionServiceDownError("the address of Kratos is not a URL")
    return base, base.hostname, port


def _exchange(connection: socket.socket, base: SplitResult, cookie: str, deadline: Deadline) -> tuple[int, bytes]:
    http = BoundedConnection(connection, deadline, _MAX_ANSWER_BYTES)
    headers = {
        "Host": base.netloc.rpartition("@")[2],
        "Cookie": f"{COOKIE_NAME}={cookie}",
        "Accept": "application/json",
        "Connection": "close",
    }
    http.request("GET", f"{base.path.rstrip('/')}/sessions/whoami", headers=headers)
    with http.getresponse() as response:
        return response.status, response.read(_MAX_ANSWER_BYTES)


def _confirmed(status: int, body: bytes) -> tuple[Session, float] | None:
    """Return the session of an answer and when it ends (seconds since 1970), or None if it says that there is none."""
    if status == 401:
        return None
    try:
        content = json.loads(body)
        if status == 403 and content["error"]["id"] == _SECOND_FACTOR_MISSING:
            raise SecondFactorRequiredError
        if status == 200:
            return (_session(content), _end(content)) if _is_active(content) else None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise SessionServiceDownError(f"Kratos' answer with status {status} is not what it documents") from error
    raise SessionServiceDownError(f"Kratos answered with status {status}")


def _is_active(content: Mapping[str, Any]) -> bool:
    """Return whether the session is active, and its identity, too."""
    active = content["active"]
    if not isinstance(active, bool):
        raise TypeError("active is neither true nor false")
    return active and content["identity"].get("state", "active") == "active"


def _session(content: Mapping[str, Any]) -> Session:
    identity = content["identity"]
    traits, metadata = identity.get("traits") or {}, identity.get("metadata_public") or {}
    return Session(
        identity_id=_text(identity["id"]),
        aal=_text(content["authenticator_assurance_level"]),
        role="admin" if "admin" in (traits.get("role"), metadata.get("role")) else "user",
        teams=_teams(traits.get("teams")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is missing")
    return value


def _teams(value: object) -> tuple[str, ...]:
    """Return the names in ``traits.teams``; what is no name belongs to nobody."""
    names = value if isinstance(value, list) else []
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))[:_MAX_TEAMS]


def _end(content: Mapping[str, Any]) -> float:
    text = content.get("expires_at")
    return math.inf if text is None else datetime.fromisoformat(text).timestamp()
