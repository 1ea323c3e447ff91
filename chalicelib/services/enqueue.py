"""Putting a stored report on the queue, and saying when it may be done.

The record is the outbox. It is written as ``queued`` together with the moment at
which the sweep looks for it (``due_at``), and only where SQS refuses the permit
is it set back to ``pending``: one write less for every report than confirming
each permit, and the same guarantee, since the sweep sends a permit for every
report that still waits when it is due.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.clock import now
from chalicelib.domain.figures import Figures, estimated_completion, wait_until_start
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import Report
from chalicelib.services.queue_figures import count, last_known_figures, queue_figures, workers
from chalicelib.settings import settings
from chalicelib.stores.permit_queue import Permit, QueueUnavailableError
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """A report's place in the queue (from 1) and when it is expected to be finished."""

    position: int
    is_estimate: bool
    completion: datetime


def due_at(priority: Priority, at: datetime) -> datetime:
    """Return when the sweep should look at a report that starts to wait at ``at``.

    That is past the time it is expected to wait for a worker: only a lost permit takes longer.
    """
    figures = last_known_figures()
    behind = max(1, figures.waiting[priority] + 1)
    wait = wait_until_start(priority, behind, figures, workers())
    return at + timedelta(seconds=settings().resend_seconds) + wait


def send_permit(report: Report) -> Report:
    """Send the permit of a waiting report; where SQS refuses it, the report becomes ``pending``.

    One AWS call, two where it is refused. Returns the report as it is now.
    """
    try:
        stores().permits.send(Permit(report.priority, report.id))
    except QueueUnavailableError:
        _log.exception("permit of report %s was not queued; the sweep sends it", report.id)
    else:
        return report
    soon = now() + timedelta(seconds=settings().resend_seconds)
    try:
        return stores().reports.mark_pending(report, soon)
    except StateConflictError as conflict:
        # A worker with another report's permit was faster: all is well.
        return conflict.current or report
    except (ClientError, BotoCoreError):
        _log.exception("report %s could not be marked as pending; its due time stands", report.id)
        return report


def place_of(report: Report, figures: Figures) -> Place:
    """Return the live place of a waiting report: one AWS call."""
    found = stores().reports.position(report)
    # Beyond what one query counts, the length of the queue is the best that is known.
    number = found.number if found.exact else max(found.number, figures.waiting[report.priority])
    completion = estimated_completion(report.priority, number, figures, workers(), now())
    return Place(number, is_estimate=not found.exact, completion=completion)


def place_of_stored(report: Report) -> Place | None:
    """Return the place of a report that was queued before: two AWS calls at most, none if it does not wait."""
    if not report.is_waiting:
        return None
    try:
        return place_of(report, queue_figures())
    except (ClientError, BotoCoreError):
        _log.exception("the place of report %s could not be read", report.id)
        return None


def count_and_place(report: Report, changes: dict[str, int]) -> Place | None:
    """Count a report that has just been queued and find its place: two AWS calls.

    The report is stored by now, so trouble here must not become an error for the
    caller: None means that the place is not known at the moment.
    """
    try:
        return place_of(report, count(changes))
    except (ClientError, BotoCoreError):
        _log.exception("the place of report %s could not be read", report.id)
        return None
