"""``Idempotency-Key`` of ``/v1``: the name that a client gives a request which creates something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Request

from chalicelib.api.v1 import requests
from chalicelib.services.idempotency import RequestName, digest_of


def request_name(request: Request, owner: str, route: str, body: Mapping[str, Any]) -> RequestName | None:
    """Return the name that a client gave its request in the header, or None if it gave none.

    Args:
        request: what was sent.
        owner: whose request it is.
        route: what is created, as ``POST /v1/webhooks/subscriptions``: the same key means another request elsewhere.
        body: what two requests share that ask for the same.

    Raises:
        ProblemError: 400 for a key that is longer than 256 characters.
    """
    key = requests.idempotency_key(request.headers.get("idempotency-key"), {})
    return RequestName(owner, route, key, digest_of(body)) if key else None
