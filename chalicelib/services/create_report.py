"""Use case: ask for a new report (Reports API, "Create Report")."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.output_format import OutputFormat
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import Report
from chalicelib.domain.request_context import current_request_id
from chalicelib.domain.template import Template
from chalicelib.services import audit
from chalicelib.services.enqueue import Place, count_and_place, due_at, place_of_stored, send_permit
from chalicelib.services.idempotency import MAX_GENERATIONS, IdempotencyConflictError, RequestName
from chalicelib.services.subscriptions import webhook_of_report
from chalicelib.stores.dynamodb import Put
from chalicelib.stores.limit_store import Ticket
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

_SCRAMBLING_REQUIRED: Final = "This template requires scrambling: scrambling_enabled stays true"


class QueueFailedError(Exception):
    """The report was not stored."""


@dataclass(frozen=True)
class NewReport:
    """What a valid request asks for."""

    template: Template
    title: str
    description: str
    priority: Priority
    parameters: Mapping[str, Any]
    output_format: OutputFormat
    scrambling_enabled: bool
    webhook_url: str | None = None
    honey_jar_id: str | None = None


@dataclass(frozen=True)
class CreatedReport:
    """The stored report and its place in the queue (None: not known at the moment).

    ``replayed`` says that an earlier request of the same name had made it. ``webhook_secret`` signs what its own
    webhook is told; it is shown this once.
    """

    report: Report
    place: Place | None
    replayed: bool = False
    webhook_secret: str | None = None


def create_report(
    caller: Caller, new: NewReport, name: RequestName | None = None, ticket: Ticket | None = None
) -> CreatedReport:
    """Store a report and queue it: four AWS calls (store, permit, count, position).

    A request of the same name gives the report that the first of them made: two calls.

    Args:
        caller: whose it is.
        new: what is asked for.
        name: the caller's name for this request.
        ticket: what it has taken of its owner's limit, to be given back if it fails for a fault of ours.

    Raises:
        QueueFailedError: it could not be stored.
        IdempotencyConflictError: its name was used for another request.
    """
    report = replace(unstored_report(caller, new), limit_ticket=ticket.to_text() if ticket else None)
    if name is None:
        secret = _store(report)
    else:
        report, is_new, secret = _store_once(replace(report, request_digest=name.digest), name)
        if not is_new:
            return CreatedReport(report, place_of_stored(report), replayed=True)
    report = send_permit(report)
    place = count_and_place(report, {f"waiting_{report.priority}": 1})
    return CreatedReport(report, place, webhook_secret=secret)


def replayed_report(name: RequestName) -> CreatedReport | None:
    """Return what an earlier request of this name made, or None: one AWS call, two while the report waits.

    Raises:
        IdempotencyConflictError: the name was used for another request.
    """
    for generation in range(MAX_GENERATIONS):
        found = stores().reports.get(str(name.uuid(generation)))
        if found is None:
            return None
        if _is_replayed(found, name):
            return CreatedReport(found, place_of_stored(found), replayed=True)
    return None


def _store_once(report: Report, name: RequestName) -> tuple[Report, bool, str | None]:
    """Store a report under the id that its name gives it.

    Return what is stored there, whether it is this one, and then the secret of its webhook, if it has one.
    """
    for generation in range(MAX_GENERATIONS):
        named = replace(report, id=str(name.uuid(generation)))
        try:
            secret = _store(named)
        except StateConflictError as conflict:
            earlier = conflict.current or stores().reports.get(named.id)
            if earlier is not None and _is_replayed(earlier, name):
                return earlier, False, None
        else:
            return named, True, secret
    raise IdempotencyConflictError


def _is_replayed(earlier: Report, name: RequestName) -> bool:
    """Tell whether an earlier report is what the named request asks for; False if its day is over.

    Raises:
        IdempotencyConflictError: it is not, and its day is not over.
    """
    found = name.compare(earlier.request_digest, earlier.created_at, now())
    if found == "other":
        raise IdempotencyConflictError
    return found == "same"


def _store(report: Report) -> str | None:
    """Store a report, with the webhook that it was ordered with; return the secret of that.

    Raises:
        StateConflictError: there is another report with this id.
        QueueFailedError: it could not be stored.
    """
    beside, secret = [_audit_entry(report)], None
    try:
        if report.webhook_url:
            webhook, secret = webhook_of_report(report.owner, report.id, report.webhook_url)
            beside.append(webhook)
        stores().reports.create(report, due_at(report.priority, now()), beside)
    except (ClientError, BotoCoreError) as error:
        _log.exception("storing report %s failed", report.id)
        # The write may have been done although its answer was lost; or another request of its name was in the way.
        stored = _stored(report.id)
        if stored is None:
            raise QueueFailedError from error
        if (stored.request_id, stored.created_at) != (report.request_id, report.created_at):
            raise StateConflictError(stored) from error
    return secret


def _audit_entry(report: Report) -> Put:
    return audit.entry(
        "report.create",
        report.owner,
        report.id,
        template=report.template_id,
        priority=report.priority,
        format=report.output_format,
    )


def _stored(report_id: str) -> Report | None:
    try:
        return stores().reports.get(report_id)
    except (ClientError, BotoCoreError):
        return None


def unstored_report(caller: Caller, new: NewReport) -> Report:
    """Return the record of a new report as it would be stored now. No AWS call."""
    created_at = stamp(now())
    scrambled = new.scrambling_enabled or new.template.requires_scrambling
    warnings = [_SCRAMBLING_REQUIRED] if scrambled and not new.scrambling_enabled else []
    return Report(
        id=str(uuid.uuid4()),
        owner=caller.owner,
        created_at=created_at,
        title=new.title,
        description=new.description,
        template_id=new.template.id,
        template_name=new.template.name,
        priority=new.priority,
        output_format=new.output_format,
        scrambling_enabled=scrambled,
        honey_jar_id=new.honey_jar_id,
        reader_teams=caller.teams if new.honey_jar_id else (),
        parameters=new.parameters,
        warnings=tuple(warnings),
        status="queued",
        queued_at=created_at,
        webhook_url=new.webhook_url,
        request_id=current_request_id(),
    )
