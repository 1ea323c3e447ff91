"""Which pages of other origins may read the answers of ``/api`` in a browser: none, unless ``CORS_ORIGINS`` says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

ANY_ORIGIN: Final = "*"

_REQUEST_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-API-Key, X-Requested-With"
_ANSWER_HEADERS: Final = (
    "Content-Disposition, ETag, Idempotency-Replayed, Retry-After, X-Request-Id, "
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
)
_PREFLIGHT_SECONDS: Final = 600


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a browser asks what a page may send.

    Args:
        method: the HTTP method.
        headers: the request's, by names in lower case.
    """
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_answer(methods: Collection[str]) -> dict[str, Any]:
    """Return the proxy answer to a preflight, which ``add_cors`` completes.

    Args:
        methods: those of the route.
    """
    headers = {
        "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        "Cache-Control": "no-store",
    }
    return {"statusCode": 204, "headers": headers, "multiValueHeaders": {}, "body": ""}


def add_cors(answer_headers: dict[str, Any], origin: str | None, allowed: Collection[str]) -> None:
    """Add to an answer's headers what lets a page of an allowed origin read it.

    Args:
        answer_headers: changed in place.
        origin: the request's ``Origin``, None if it has none.
        allowed: the origins that may; empty for none, ``*`` alone for every one, which then get no cookies.
    """
    if not allowed:
        return
    if ANY_ORIGIN in allowed:
        answer_headers["Access-Control-Allow-Origin"] = ANY_ORIGIN
    else:
        # The answer differs by origin even for those who get nothing: a cache must know.
        answer_headers["Vary"] = ", ".join(filter(None, [answer_headers.get("Vary"), "Origin"]))
        if origin not in allowed:
            return
        answer_headers["Access-Control-Allow-Origin"] = origin
        answer_headers["Access-Control-Allow-Credentials"] = "true"
    answer_headers["Access-Control-Expose-Headers"] = _ANSWER_HEADERS
