"""Use cases: cancel a report, and retry one that failed (Reports API)."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.report import CANCELLABLE, Report
from chalicelib.domain.report import cancelled as as_cancelled
from chalicelib.domain.template import find_template
from chalicelib.services import audit
from chalicelib.services.create_report import CreatedReport, QueueFailedError
from chalicelib.services.enqueue import count_and_place, due_at, send_permit
from chalicelib.services.outbox import announce, report_outbox
from chalicelib.services.queue_figures import count_done
from chalicelib.services.read_reports import own_report
from chalicelib.stores.dynamodb import Delete
from chalicelib.stores.report_store import StateConflictError, report_key
from chalicelib.stores.stores import stores

# Each try loses only to a real change of state, and a report has few of those.
_TRIES: Final = 5


class NotCancellableError(Exception):
    """The report has ended."""


class NotRetryableError(Exception):
    """The report did not fail."""


class NotPermittedError(Exception):
    """The caller's role may not use the report's template (any more)."""


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
            entry = audit.entry("report.cancel", report.owner, report.id, was=report.status)
            at = now()
            outbox = report_outbox(as_cancelled(report, stamp(at)), at)
            cancelled = stores().reports.cancel(report, at, [entry, *_vault(report)], outbox)
        except StateConflictError as conflict:
            report = conflict.current or report
            continue
        announce(outbox, "reports", report_key(report.id))
        state = "waiting" if report.is_waiting else "running"
        count_done({f"{state}_{report.priority}": -1})
        return cancelled
    raise NotCancellableError


def _vault(report: Report) -> list[Delete]:
    """Return what destroys the private values that a worker may have kept of a report."""
    return [stores().vault.destruction(report.id)] if report.attempt else []


def retry_report(caller: Caller, report_id: str) -> CreatedReport:
    """Queue a failed report again, at the tail of its priority: five AWS calls.

    Raises:
        ReportNotFoundError: there is none with this id, or it is not theirs.
        NotRetryableError: it did not fail, or somebody else retried it first.
        NotPermittedError: its template is not for the caller.
        QueueFailedError: the change could not be stored.
    """
    report = own_report(caller, report_id)
    if report.status != "failed":
        raise NotRetryableError
    template = find_template(report.template_id)
    if template is not None and not template.is_open_to(caller.role):
        raise NotPermittedError
    try:
        entry = audit.entry("report.retry", report.owner, report.id, retry=report.retry_count + 1)
        queued = stores().reports.retry(report, now(), due_at(report.priority, now()), [entry])
    except StateConflictError as conflict:
        raise NotRetryableError from conflict
    except (ClientError, BotoCoreError) as error:
        raise QueueFailedError from error
    queued = send_permit(queued)
    changes = {f"waiting_{report.priority}": 1}
    if report.completed_at:
        changes[f"failed_{report.completed_at[:10]}"] = -1
    return CreatedReport(queued, count_and_place(queued, changes))
