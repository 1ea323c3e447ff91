"""Who is calling: the API key of a request (Reports API, "Authentication")."""

from __future__ import annotations

from chalice.app import Request

from chalicelib.api.problems import ProblemError
from chalicelib.domain.caller import Caller
from chalicelib.services.keys import caller_of


def _secret(request: Request) -> str | None:
    given: str | None = request.headers.get("x-api-key")
    if given:
        return given.strip()
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def authenticated(request: Request) -> Caller:
    """Return who is calling.

    Raises:
        ProblemError: 401 ``Authentication required``.
    """
    secret = _secret(request)
    caller = caller_of(secret) if secret else None
    if caller is None:
        raise ProblemError(401, "Authentication required", headers={"WWW-Authenticate": "Bearer"})
    return caller


def report_user(request: Request) -> Caller:
    """Return who is calling, if they may use the report endpoints.

    Raises:
        ProblemError: 401 ``Authentication required``; 403 ``Insufficient permissions``
            for a key without the scope ``admin`` or ``read``.
    """
    caller = authenticated(request)
    if not caller.may_use_reports:
        raise ProblemError(403, "Insufficient permissions")
    return caller
