"""Who calls ``/v1``, and whether their key has the scope for it."""

from __future__ import annotations

from chalice.app import Request

from chalicelib import log
from chalicelib.api.limits import count_key, count_request
from chalicelib.api.problems import ProblemError
from chalicelib.domain.caller import Caller, InvestigationKeyScope
from chalicelib.domain.request_context import note_caller
from chalicelib.services.keys import INVESTIGATION_KEYS, caller_of


def _caller(request: Request) -> Caller:
    scheme, _, secret = (request.headers.get("authorization") or "").partition(" ")
    caller = caller_of(secret.strip(), INVESTIGATION_KEYS) if scheme.lower() == "bearer" else None
    if caller is None:
        message = "A valid key is needed: Authorization: Bearer pck_live_… or pck_test_…"
        raise ProblemError(401, message, headers={"WWW-Authenticate": "Bearer"})
    note_caller(caller)
    log.append(key_id=caller.key_id)
    return caller


def account_with(request: Request, *scopes: InvestigationKeyScope) -> str:
    """Return the account that calls: one AWS call for the limit, and one unless its key is cached.

    Args:
        request: what was sent.
        scopes: what the key must have, all of them.

    Raises:
        ProblemError: 401 ``invalid_api_key``; 403 ``insufficient_scope``; 429 ``rate_limited``.
    """
    caller = _caller(request)
    missing = [scope for scope in scopes if scope not in caller.scopes]
    if missing:
        raise ProblemError(403, f"The key lacks the scope {' and '.join(missing)}")
    count_key(request, caller)
    count_request(request, caller.account, "v1")
    return caller.account
