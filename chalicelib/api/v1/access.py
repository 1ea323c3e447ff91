"""Who calls ``/v1``, and whether their key has the scope for it."""

from __future__ import annotations

from chalice.app import Request

from chalicelib.api.problems import ProblemError
from chalicelib.domain.caller import Caller, InvestigationKeyScope
from chalicelib.services.keys import INVESTIGATION_KEYS, caller_of


def _caller(request: Request) -> Caller:
    scheme, _, secret = (request.headers.get("authorization") or "").partition(" ")
    caller = caller_of(secret.strip(), INVESTIGATION_KEYS) if scheme.lower() == "bearer" else None
    if caller is None:
        message = "A valid key is needed: Authorization: Bearer pck_live_… or pck_test_…"
        raise ProblemError(401, message, headers={"WWW-Authenticate": "Bearer"})
    return caller


def account_with(request: Request, *scopes: InvestigationKeyScope) -> str:
    """Return the account that calls: at most one AWS call, none while its key is cached.

    Args:
        request: what was sent.
        scopes: what the key must have, all of them.

    Raises:
        ProblemError: 401 ``invalid_api_key``; 403 ``insufficient_scope``.
    """
    caller = _caller(request)
    missing = [scope for scope in scopes if scope not in caller.scopes]
    if missing:
        raise ProblemError(403, f"The key lacks the scope {' and '.join(missing)}")
    return caller.owner
