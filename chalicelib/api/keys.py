"""The routes of API keys.

Keys are managed by an admin key, or by a session with a second factor. ``verify`` answers for any key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from chalice.app import Blueprint, Response

from chalicelib.api.authentication import authenticated, unauthenticated
from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED, idempotency_conflict, request_name
from chalicelib.api.json_body import read_json_object
from chalicelib.api.problems import ProblemError, invalid
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now, public_time, stamp
from chalicelib.services import own_keys
from chalicelib.services.idempotency import IdempotencyConflictError
from chalicelib.services.keys import TEST_KEY, KeyKind
from chalicelib.stores.dynamodb import TransactionBusyError
from chalicelib.stores.key_store import KeyRecord, KeysChangedError
from chalicelib.stores.limit_store import KEPT_DAYS

keys = Blueprint(__name__)
_request = request_of(keys)

_MAX_PER_PAGE: Final = 100
_RETRY_SECONDS: Final = 1


def _manager() -> Caller:
    """Return who is calling, if they may manage keys: an admin key, or a session."""
    caller = authenticated(_request())
    if caller.kind != "session" and "admin" not in caller.scopes:
        raise ProblemError(403, "Insufficient permissions")
    return caller


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the use cases refuse into answers."""
    try:
        yield
    except own_keys.KeyNotFoundError:
        raise ProblemError(404, "API key not found") from None
    except own_keys.StrongerKeyError:
        raise ProblemError(403, "Insufficient permissions") from None
    except own_keys.TooManyKeysError:
        raise ProblemError(409, f"At most {own_keys.MAX_ACTIVE} API keys may be active") from None
    except own_keys.KeyEndedError:
        raise ProblemError(400, "API key is not active") from None
    except IdempotencyConflictError:
        raise idempotency_conflict() from None
    except (KeysChangedError, TransactionBusyError):
        raise ProblemError(
            503, "The keys are being changed: send this again", headers={"Retry-After": str(_RETRY_SECONDS)}
        ) from None


@keys.route("/api/keys", methods=["GET"], content_types=ANY_TYPE)
def list_keys() -> Response:
    """List the caller's keys, the newest first."""
    caller = _manager()
    query = query_of(_request())
    page, per_page = _number(query, "page", 1, 1_000), _number(query, "per_page", 20, _MAX_PER_PAGE)
    found = own_keys.list_keys(caller, active_only=_flag(query, "active_only"))
    start = (page - 1) * per_page
    data = {
        "keys": [key_view(record) for record in found[start : start + per_page]],
        "pagination": {
            "page": page,
            "per_page": per_page,
            "total": len(found),
            "pages": -(-len(found) // per_page),
        },
    }
    return json_response({"success": True, "data": data})


@keys.route("/api/keys", methods=["POST"])
def create_key() -> Response:
    """Make a key; its secret is in this answer and nowhere else."""
    from chalicelib.api.key_requests import parse_new_key

    caller = _manager()
    body = read_json_object(_request().raw_body)
    name, new = request_name(_request(), caller, "POST /api/keys", body), parse_new_key(body)
    with _refusals():
        shown = own_keys.create_own_key(caller, new, name)
    return _shown(shown, 201)


@keys.route("/api/keys/verify", methods=["GET"], content_types=ANY_TYPE)
def verify_key() -> Response:
    """Tell what the key is that the request was sent with."""
    caller = authenticated(_request())
    if caller.kind == "session":
        raise ProblemError(400, "The request has a session and no API key")
    try:
        found = own_keys.get_key(caller, caller.key_id)
    except own_keys.KeyNotFoundError:
        raise unauthenticated() from None
    # This process may still take for valid what was revoked a moment ago.
    if not found.is_active(stamp(now())):
        raise unauthenticated()
    return json_response({"success": True, "data": {"valid": True, "key": key_view(found)}})


@keys.route("/api/keys/{key_id}", methods=["GET"], content_types=ANY_TYPE)
def get_key(key_id: str) -> Response:
    """Show a key."""
    caller = _manager()
    with _refusals():
        view = key_view(own_keys.get_key(caller, key_id))
    return json_response({"success": True, "data": {"key": view}})


@keys.route("/api/keys/{key_id}", methods=["PUT"])
def change_key(key_id: str) -> Response:
    """Change a key's name, description, scopes or limit."""
    from chalicelib.api.key_requests import parse_key_changes

    caller = _manager()
    body = read_json_object(_request().raw_body)
    with _refusals():
        kind = cast(KeyKind, own_keys.get_key(caller, key_id).prefix)
        changed = own_keys.change_key(caller, key_id, parse_key_changes(body, kind))
    return json_response({"success": True, "data": {"key": key_view(changed)}})


@keys.route("/api/keys/{key_id}", methods=["DELETE"], content_types=ANY_TYPE)
def revoke_key(key_id: str) -> Response:
    """Revoke a key, and every key that it made."""
    caller = _manager()
    with _refusals():
        own_keys.revoke_own_key(caller, key_id)
    return json_response({"success": True, "message": "API key revoked"})


@keys.route("/api/keys/{key_id}/rotate", methods=["POST"], content_types=ANY_TYPE)
def rotate_key(key_id: str) -> Response:
    """Give a key a new secret; the old one opens nothing any more."""
    caller = _manager()
    name = request_name(_request(), caller, f"POST /api/keys/{key_id}/rotate", {})
    with _refusals():
        shown = own_keys.rotate_key(caller, key_id, name)
    return _shown(shown, 200)


@keys.route("/api/keys/{key_id}/usage", methods=["GET"], content_types=ANY_TYPE)
def key_usage(key_id: str) -> Response:
    """Show how many requests a key made on each of the last UTC days."""
    caller = _manager()
    days = _number(query_of(_request()), "days", 7, KEPT_DAYS)
    with _refusals():
        counted = own_keys.key_usage(caller, key_id, days)
    data = {
        "key_id": key_id,
        "days": days,
        "total_requests": sum(counted.values()),
        "daily": [{"date": date, "requests": number} for date, number in counted.items()],
    }
    return json_response({"success": True, "data": data})


def _shown(shown: own_keys.ShownKey, status: int) -> Response:
    body = {
        "success": True,
        "secret": shown.secret,
        "data": {"key": key_view(shown.record), "secret": shown.secret},
    }
    return json_response(body, status, REPLAYED if shown.secret is None else None)


def key_view(record: KeyRecord) -> dict[str, Any]:
    """Return a key as the API shows it: never its secret, nor the hash of it."""
    environment = ("test" if record.prefix == TEST_KEY else "live") if not own_keys.opens_reports(record) else None
    return {
        "id": record.id,
        "name": record.name,
        "description": record.description,
        "kind": "reports" if own_keys.opens_reports(record) else "investigations",
        "environment": environment,
        "scopes": list(record.scopes),
        "created_at": public_time(record.created_at),
        "expires_at": public_time(record.expires_at),
        "revoked_at": public_time(record.revoked_at),
        "rotated_at": public_time(record.rotated_at),
        "is_active": record.is_active(stamp(now())),
        "rate_limit_per_minute": record.rate_limit_per_minute,
        "parent_id": record.parent or None,
    }


def _number(query: Mapping[str, str], name: str, default: int, high: int) -> int:
    raw = query.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", raw) or not 1 <= int(raw) <= high:
        raise invalid(name, f"must be a whole number from 1 to {high}")
    return int(raw)


def _flag(query: Mapping[str, str], name: str) -> bool:
    raw = (query.get(name) or "false").lower()
    if raw not in ("true", "false", "1", "0"):
        raise invalid(name, "must be true or false")
    return raw in ("true", "1")
