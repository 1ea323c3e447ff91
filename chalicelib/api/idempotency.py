"""``Idempotency-Key`` of ``/api``: the name that a client gives a request which creates something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from chalice.app import Request

from chalicelib.api.problems import ProblemError, invalid
from chalicelib.domain.caller import Caller
from chalicelib.services.idempotency import RequestName, digest_of

REPLAYED: Final[Mapping[str, str]] = {"Idempotency-Replayed": "true"}
"""The header of an answer that was given before."""

_FORM: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,254}[\x21-\x7e])?")


def request_name(request: Request, caller: Caller, route: str, body: Mapping[str, Any]) -> RequestName | None:
    """Return the name that a client gave its request, or None if it gave none.

    Args:
        request: what was sent.
        caller: who sent it.
        route: what is created, as ``POST /api/reports``: the same key means another request elsewhere.
        body: the JSON object that was sent.

    Raises:
        ProblemError: 400 for a key that is longer than 256 characters, or not visible ASCII.
    """
    given = (request.headers.get("idempotency-key") or "").strip()
    if not given:
        return None
    if not _FORM.fullmatch(given):
        raise invalid("Idempotency-Key", "must be at most 256 characters of visible ASCII")
    return RequestName(caller.account, route, given, digest_of(body))


def idempotency_conflict() -> ProblemError:
    """Return the 409 for a key that another body was sent with."""
    return ProblemError(409, "Idempotency-Key was used with another request")
