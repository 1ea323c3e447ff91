"""The route of the audit: who did what, for admins of their own tenant and for operators of all."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from chalice.app import Blueprint, Response

from chalicelib.api.authentication import report_user
from chalicelib.api.envelope import json_response
from chalicelib.api.limits import count_request
from chalicelib.api.problems import ProblemError, invalid
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.domain.audit import ACTIONS, AuditEntry
from chalicelib.domain.clock import stamp
from chalicelib.services.audit import NotYourTenantError, read_audit
from chalicelib.stores.audit_store import AuditQuery

audit = Blueprint(__name__)
_request = request_of(audit)

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 100

_LONGEST_NAME: Final = 200
_PLACE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z#[\w-]{12}", re.ASCII)


@audit.route("/api/audit", methods=["GET"], content_types=ANY_TYPE)
def list_audit() -> Response:
    """Show the audit, newest first."""
    caller = report_user(_request())
    query = parse_audit_query(query_of(_request()))
    count_request(_request(), caller.account, "list")
    try:
        entries, place = read_audit(caller, query)
    except NotYourTenantError:
        raise ProblemError(403, "Insufficient permissions") from None
    data = {"entries": [entry_view(e) for e in entries], "next_cursor": _cursor(place)}
    return json_response({"success": True, "data": data})


def parse_audit_query(given: Mapping[str, str]) -> AuditQuery:
    """Return what a request's query asks for.

    Raises:
        ProblemError: 400 about the field that is malformed.
    """
    since, until = _moment(given, "from"), _moment(given, "to")
    if since and until and since >= until:
        raise invalid("to", "must be later than from")
    named = given.get("action") or None
    action = next((known for known in ACTIONS if known == named), None)
    if action != named:
        raise invalid("action", f"must be one of {', '.join(ACTIONS)}")
    return AuditQuery(
        tenant=_name(given, "tenant"),
        since=since,
        until=_place(given) or until,
        action=action,
        actor=_name(given, "actor"),
        limit=_limit(given.get("limit") or str(DEFAULT_LIMIT)),
    )


def _moment(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise invalid(name, "must be a time such as 2026-01-20T15:30:00Z") from None


def _name(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name) or None
    if text is not None and (len(text) > _LONGEST_NAME or not text.isprintable()):
        raise invalid(name, f"must be at most {_LONGEST_NAME} printable characters")
    return text


def _limit(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) < 6 and 1 <= int(text) <= MAX_LIMIT):
        raise invalid("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _place(given: Mapping[str, str]) -> str:
    """Return where a page goes on. A forged cursor leads at most to another place in what they may read anyway."""
    cursor = given.get("cursor", "")
    if not cursor:
        return ""
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        place = ""
    if not _PLACE.fullmatch(place):
        raise invalid("cursor", "must be the next_cursor of an earlier answer")
    return place


def _cursor(place: str | None) -> str | None:
    return None if place is None else base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def entry_view(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as the API shows it."""
    return {
        "id": entry.id,
        "at": entry.at,
        "tenant": entry.tenant,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome,
        "request_id": entry.request_id,
        "address": entry.address,
        "details": dict(entry.details),
    }
