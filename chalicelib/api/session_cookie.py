"""The session's cookie in a request."""

from __future__ import annotations

from chalice.app import Request

from chalicelib.sessions.kratos_client import COOKIE_NAME


def session_cookie(request: Request) -> str | None:
    """Return the value of the session's cookie, or None if there is none.

    There is none, too, where two differ: another page of the same domain can set a second one, and nobody knows
    which of them is the user's.
    """
    event = request.to_original_event()
    lines = [
        line
        for name, values in (event.get("multiValueHeaders") or {}).items()
        if name.lower() == "cookie"
        for line in values
    ]
    found = set(_values(";".join(lines or [request.headers.get("cookie") or ""])))
    return found.pop() if len(found) == 1 else None


def _values(cookies: str) -> list[str]:
    pairs = (pair.partition("=") for pair in cookies.split(";"))
    return [value.strip() for name, _, value in pairs if name.strip() == COOKIE_NAME]
