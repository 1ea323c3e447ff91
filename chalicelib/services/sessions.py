"""Sessions of browsers, turned into the caller they stand for."""

from __future__ import annotations

import uuid

from chalicelib.domain.caller import Caller
from chalicelib.sessions.kratos_client import Session, SessionServiceDownError, whoami
from chalicelib.settings import settings


def session_caller(cookie: str) -> Caller | None:
    """Return who a session's cookie stands for, or None if it stands for nobody, or no Kratos is configured.

    Kratos is asked, at most once in half a minute for a session that it confirmed. No AWS call.

    Args:
        cookie: the value of the cookie.

    Raises:
        SecondFactorRequiredError: Kratos says nothing of the session before its second factor was given.
        SessionServiceDownError: Kratos did not say.
    """
    given = settings()
    if not given.kratos_public_url:
        return None
    session = whoami(given.kratos_public_url, cookie, timeout=given.kratos_timeout_seconds)
    return _caller(session) if session is not None else None


def _caller(session: Session) -> Caller:
    return Caller(
        owner=_owner(session.identity_id),
        key_id="",
        scopes=frozenset({"read", "write", "admin"} if session.role == "admin" else {"read", "write"}),
        kind="session",
        aal2=session.aal == "aal2",
        teams=session.teams,
    )


def _owner(identity_id: str) -> str:
    """Return the owner of what an identity makes.

    Kratos gives identities UUIDs. Another text could be the owner that a key was made for.
    """
    try:
        return str(uuid.UUID(identity_id))
    except ValueError:
        raise SessionServiceDownError("Kratos' identity has an id that is no UUID") from None
