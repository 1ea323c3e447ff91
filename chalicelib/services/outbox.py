"""Events on their way out: into the record that they are about, in the write that makes them happen.

Nothing is sent here. After the write, a message names the record to the function that hands its events out; where
that message is lost, the sweep finds the record by its index.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.clock import stamp
from chalicelib.domain.identifiers import sortable_id
from chalicelib.domain.narrative_job import owner_of
from chalicelib.domain.report import Report
from chalicelib.domain.webhook import Event, Subscription
from chalicelib.settings import settings
from chalicelib.stores.dynamodb import ItemKey
from chalicelib.stores.outbox_store import FindingsEvent, Outbox, OutboxTable, Place
from chalicelib.stores.permit_queue import QueueUnavailableError
from chalicelib.stores.stores import stores
from chalicelib.webhooks.envelopes import ReportEvent, report_envelope, report_event
from chalicelib.webhooks.investigation_envelopes import InvestigationEvent, investigation_envelope

_log = logging.getLogger(__name__)

_CACHE_SIZE: Final = 10_000
# Progress is told to whoever was known to want it within this time, so that it costs nothing where nobody does.
_PROGRESS_CACHE_SECONDS: Final = 600.0
# Owner → their subscriptions, and when they were read. A new one is heeded everywhere after WEBHOOK_CACHE_SECONDS.
_known: dict[str, tuple[Sequence[Subscription], float]] = {}


def report_outbox(after: Report, at: datetime) -> Outbox | None:
    """Return the event of a report's new state, or None if nobody wants it: one AWS call, or none while that is known.

    Args:
        after: the report as the write will leave it.
        at: now.
    """
    event = report_event(after)
    if event is None or after.kind != "report":
        return None
    if not after.webhook_url and not _is_wanted(after.owner, event):
        return None
    return _of_report(after, event, at)


def progress_outbox(report: Report, at: datetime) -> Outbox | None:
    """Return the event of a report's progress, or None if nobody wants it.

    One AWS call for an owner's first report of a process, or none while it is known who wants what: here for ten
    minutes. The webhook that a single report was ordered with is told of its end alone.

    Args:
        report: the report as the write will leave it.
        at: now.
    """
    if report.kind != "report" or not _is_wanted(report.owner, "report.progress", _PROGRESS_CACHE_SECONDS):
        return None
    return _of_report(report, "report.progress", at)


def _of_report(report: Report, event: ReportEvent, at: datetime) -> Outbox:
    return Outbox((Event(sortable_id("evt_"), event, report_envelope(report, at)),), at)


def investigation_outbox(
    account: str, events: Mapping[InvestigationEvent, Mapping[str, Any]], at: datetime
) -> Outbox | None:
    """Return events of an investigation, or None if nobody wants any: one AWS call, or none while that is known.

    Args:
        account: whose investigation.
        events: each event's data.
        at: now.
    """
    wanted = {event: data for event, data in events.items() if _is_wanted(owner_of(account), event)}
    if not wanted:
        return None
    return Outbox(tuple(_event(event, data, at) for event, data in wanted.items()), at)


def _event(event: InvestigationEvent, data: Mapping[str, Any], at: datetime) -> Event:
    event_id = sortable_id("evt_")
    return Event(event_id, event, investigation_envelope(event_id, event, at, data))


def findings_outbox(account: str, ingest: int, at: datetime) -> Outbox | None:
    """Return the events of a batch of findings, or None if nobody wants them: AWS calls as above.

    Args:
        account: whose findings.
        ingest: the number of the batch.
        at: when it came in.
    """
    if not _is_wanted(owner_of(account), "finding.discovered"):
        return None
    return Outbox((FindingsEvent(sortable_id("evt_"), ingest, stamp(at)),), at)


def joined(*outboxes: Outbox | None) -> Outbox | None:
    """Return several outboxes as one, or None where there is none."""
    given = [outbox for outbox in outboxes if outbox is not None]
    if not given:
        return None
    return Outbox(tuple(event for outbox in given for event in outbox.events), given[0].at)


def announce(outbox: Outbox | None, table: OutboxTable, key: ItemKey) -> None:
    """Have the events of a record handed out: one AWS call, none where it has no events. Trouble is logged.

    Args:
        outbox: what was written into the record.
        table: the record's table, as it is declared.
        key: the record's key.
    """
    if outbox is None:
        return
    try:
        stores().webhook_queue.send(Place(table, *key))
    except QueueUnavailableError:
        _log.exception("events of %s were not announced; the sweep does that", key[0])


def _is_wanted(owner: str, event: str, known_seconds: float | None = None) -> bool:
    """Tell whether an owner's subscriptions name an event, as they were at most ``known_seconds`` ago."""
    try:
        return any(s.active and event in s.events for s in _subscriptions(owner, known_seconds))
    except (ClientError, BotoCoreError):
        # The change itself is worth more than knowing that; whoever hands the events out looks again.
        _log.exception("subscriptions could not be read")
        return True


def _subscriptions(owner: str, known_seconds: float | None) -> Sequence[Subscription]:
    found, asked_at = _known.get(owner), time.monotonic()
    heeded = settings().webhook_cache_seconds if known_seconds is None else known_seconds
    if found is not None and asked_at - found[1] < heeded:
        return found[0]
    subscriptions = stores().webhooks.subscriptions(owner)
    if len(_known) >= _CACHE_SIZE:
        _known.clear()
    _known[owner] = (subscriptions, asked_at)
    return subscriptions


def forget_subscriptions(owner: str | None = None) -> None:
    """Drop what this process knows of an owner's subscriptions, or of everybody's."""
    if owner is None:
        _known.clear()
    else:
        _known.pop(owner, None)
