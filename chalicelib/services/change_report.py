"""Use cases: cancel a report, and retry one that failed (Reports API)."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now
from chalicelib.domain.report import CANCELLABLE, Report
from chalicelib.services.create_report import CreatedReport, QueueFailedError
from chalicelib.services.enqueue import count_and_place, due_at, send_permit
from chalicelib.services.queue_figures import count_done
from chalicelib.services.read_reports import own_report
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores

# Each try loses only to a real change of state, and a report has few of those.
_TRIES: Final = 5


class NotCancellableError(Exception):
    """The report has ended."""


class NotRetryableError(Exception):
    """The report did not fail."""


def cancel_report(caller: Caller, report_id: str) -> Report:
    """Cancel a report that waits or is being written: three AWS calls.

    Raises:
        ReportNotFoundError: there is none with this id, or it is not theirs.
        NotCancellableError: it has ended.
    """
    report = own_report(caller, report_id)
    for _ in range(_TRIES):
        if report.status not in CANCELLABLE:
            break
        try:
            cancelled = stores().reports.cancel(report, now())
        except StateConflictError as conflict:
            report = conflict.current or report
            continue
        state = "waiting" if report.is_waiting else "running"
        count_done({f"{state}_{report.priority}": -1})
        return cancelled
    raise NotCancellableError


def retry_report(caller: Caller, report_id: str) -> CreatedReport:
    """Queue a failed report again, at the tail of its priority: five AWS calls.

    Raises:
        ReportNotFoundError: there is none with this id, or it is not theirs.
        NotRetryableError: it did not fail, or somebody else retried it first.
        QueueFailedError: the change could not be stored.
    """
    report = own_report(caller, report_id)
    if report.status != "failed":
        raise NotRetryableError
    try:
        queued = stores().reports.retry(report, now(), due_at(report.priority, now()))
    except StateConflictError as conflict:
        raise NotRetryableError from conflict
    except (ClientError, BotoCoreError) as error:
        raise QueueFailedError from error
    queued = send_permit(queued)
    changes = {f"waiting_{report.priority}": 1}
    if report.completed_at:
        changes[f"failed_{report.completed_at[:10]}"] = -1
    return CreatedReport(queued, count_and_place(queued, changes))
