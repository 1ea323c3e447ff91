"""Writes with a cookie: a browser sends it along whoever asked for the request, so who asked is checked.

Keys need none of this: no browser adds them by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from chalice.app import Request

from chalicelib.api.problems import ProblemError
from chalicelib.settings import settings

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_site(request: Request) -> None:
    """Let a request with a cookie change something only if a page of this site, or a trusted one, asked for it.

    Raises:
        ProblemError: 403 ``Cross-site request refused``.
    """
    if request.method in _READING or is_own(request.headers, settings().cors_origins):
        return
    raise ProblemError(403, "Cross-site request refused", code="cross_site_request")


def is_own(headers: Mapping[str, str], trusted: Collection[str]) -> bool:
    """Tell whether a request was asked for by a page of this site, a trusted one, or no page at all.

    A page can set neither ``Origin`` nor ``Sec-Fetch-Site``. Where a browser sends neither, a header that only
    a page of the same origin may add stands in.

    Args:
        headers: the request's, by names in lower case.
        trusted: origins whose pages may ask, too; ``*`` names none.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is not None and origin != "*" and origin in trusted:
        return True
    if site is not None:
        return site == "same-origin"
    if origin is not None:
        # API Gateway says which scheme the client used; without it there is no TLS in front.
        return origin == f"{headers.get('x-forwarded-proto') or 'http'}://{headers.get('host') or ''}"
    return bool(headers.get("x-requested-with"))
