"""Who is calling ``/api``: by an API key, or by the session of a browser (Reports API, "Authentication")."""

from __future__ import annotations

import logging
from typing import Final

from chalice.app import Request

from chalicelib import log
from chalicelib.api.cross_site import refuse_cross_site
from chalicelib.api.limits import count_key
from chalicelib.api.problems import ProblemError
from chalicelib.api.session_cookie import session_cookie
from chalicelib.domain.caller import Caller
from chalicelib.domain.request_context import note_caller
from chalicelib.services.keys import caller_of
from chalicelib.services.sessions import session_caller
from chalicelib.sessions.kratos_client import SecondFactorRequiredError, SessionServiceDownError

_log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 5
_WRITING: Final = frozenset({"write", "admin"})


def _secret(request: Request) -> str | None:
    given: str | None = request.headers.get("x-api-key")
    if given:
        return given.strip()
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def authenticated(request: Request) -> Caller:
    """Return who is calling. A key that is sent decides alone: next to a wrong one, no session counts.

    At most one AWS call, none while the key is cached; none for a session. One more for a key that has a limit of
    its own.

    Raises:
        ProblemError: 401 ``Authentication required``; for a session, 403 ``AAL2 verification required`` and
            ``Cross-site request refused``, and 503 where Kratos does not say whose it is; 429 for a key that
            has reached its own limit.
    """
    secret = _secret(request)
    caller = caller_of(secret) if secret else _session(request)
    if caller is None:
        raise unauthenticated()
    note_caller(caller)
    log.append(key_id=caller.key_id, caller_kind=caller.kind)
    if caller.kind == "session" and not caller.aal2:
        raise _second_factor_missing()
    count_key(request, caller)
    return caller


def unauthenticated() -> ProblemError:
    """Return the 401 for a request that nobody known has sent."""
    return ProblemError(401, "Authentication required", headers={"WWW-Authenticate": "Bearer"})


def _session(request: Request) -> Caller | None:
    """Return whose session's cookie a request has."""
    cookie = session_cookie(request)
    if cookie is None:
        return None
    refuse_cross_site(request)
    try:
        return session_caller(cookie)
    except SecondFactorRequiredError:
        raise _second_factor_missing() from None
    except SessionServiceDownError as error:
        _log.warning("a session could not be checked: %s", error)
        raise ProblemError(
            503,
            "Session service unavailable",
            headers={"Retry-After": str(_RETRY_SECONDS)},
            code="session_service_unavailable",
        ) from error


def _second_factor_missing() -> ProblemError:
    return ProblemError(403, "AAL2 verification required", code="aal2_required")


def report_user(request: Request) -> Caller:
    """Return who is calling, if they may use the report endpoints.

    Raises:
        ProblemError: as ``authenticated``; 403 ``Insufficient permissions`` for a key without the scope
            ``admin`` or ``read``.
    """
    caller = authenticated(request)
    if not caller.may_use_reports:
        raise ProblemError(403, "Insufficient permissions")
    return caller


def report_writer(request: Request) -> Caller:
    """Return who is calling, if they may change what reports are written from, or who is told of them.

    Raises:
        ProblemError: as ``report_user``; 403 ``Insufficient permissions`` for a key that may only read.
    """
    caller = report_user(request)
    if not caller.scopes & _WRITING:
        raise ProblemError(403, "Insufficient permissions")
    return caller
