"""The bodies of ``/api/keys``, checked and typed. Described with pydantic: imported with the first that is checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chalicelib.api.problems import Detail, ProblemError, invalid
from chalicelib.services.keys import KeyKind, scopes_of
from chalicelib.services.own_keys import KeyChanges, NewKey

MAX_DAYS: Final = 365
MAX_REQUESTS_PER_MINUTE: Final = 1_000
_DEFAULT_SCOPES: Final = ["read"]

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
_Description = Annotated[str, StringConstraints(max_length=500)]
_Scopes = Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(min_length=1, max_length=20)]
_PerMinute = Annotated[int, Field(ge=1, le=MAX_REQUESTS_PER_MINUTE)]


class _CreateBody(BaseModel):
    """The body of a request for a key; unknown fields are ignored, as clients expect."""

    model_config = ConfigDict(strict=True)

    name: _Name
    scopes: _Scopes | None = None
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_DAYS)] | None = None
    description: _Description | None = None
    rate_limit_per_minute: _PerMinute | None = None
    kind: Literal["reports", "investigations"] | None = None
    environment: Literal["live", "test"] | None = None


class _ChangeBody(BaseModel):
    """The body of a change; what is absent stays as it is."""

    model_config = ConfigDict(strict=True)

    name: _Name | None = None
    scopes: _Scopes | None = None
    description: _Description | None = None
    rate_limit_per_minute: _PerMinute | None = None


_Body = TypeVar("_Body", bound=BaseModel)


def _checked(model: type[_Body], body: Mapping[str, Any]) -> _Body:
    try:
        return model.model_validate(dict(body))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        details = [Detail(".".join(map(str, e["loc"])) or "body", e["msg"]) for e in found]
        raise ProblemError(400, "Invalid request", details) from None


def _check_scopes(scopes: list[str], possible: tuple[str, ...]) -> tuple[str, ...]:
    if not set(scopes) <= set(possible):
        raise invalid("scopes", f"must be some of {', '.join(possible)}")
    return tuple(dict.fromkeys(scopes))


def parse_new_key(body: Mapping[str, Any]) -> NewKey:
    """Return what a request for a key asks for. Without ``expires_in_days`` the key is valid for a year.

    Raises:
        ProblemError: 400 with ``details``.
    """
    wanted = _checked(_CreateBody, body)
    kind: KeyKind = "sk_"
    if wanted.kind == "investigations":
        kind = "pck_test_" if wanted.environment == "test" else "pck_live_"
    elif wanted.environment is not None:
        raise invalid("environment", "is for keys of the kind investigations alone")
    if wanted.scopes is None and kind != "sk_":
        raise invalid("scopes", "is required for keys of the kind investigations")
    return NewKey(
        name=wanted.name,
        scopes=_check_scopes(wanted.scopes or _DEFAULT_SCOPES, scopes_of(kind)),
        kind=kind,
        expires_in=timedelta(days=wanted.expires_in_days or MAX_DAYS),
        description=wanted.description or "",
        rate_limit_per_minute=wanted.rate_limit_per_minute,
    )


def parse_key_changes(body: Mapping[str, Any], kind: KeyKind) -> KeyChanges:
    """Return what a request changes of a key.

    Args:
        body: the JSON object that was sent.
        kind: the kind of the key, which decides the scopes that it may have.

    Raises:
        ProblemError: 400 with ``details``.
    """
    wanted = _checked(_ChangeBody, body)
    return KeyChanges(
        name=wanted.name,
        description=wanted.description,
        scopes=None if wanted.scopes is None else _check_scopes(wanted.scopes, scopes_of(kind)),
        rate_limit_per_minute=wanted.rate_limit_per_minute,
    )
