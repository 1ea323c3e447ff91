"""The one way in which a claimed report ends without its document: that is written, counted and logged here."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from chalicelib.domain.clock import day, stamp
from chalicelib.domain.report import Report
from chalicelib.domain.report import failed as as_failed
from chalicelib.services.end_narrative import end_narrative
from chalicelib.services.limits import give_back
from chalicelib.services.outbox import announce, report_outbox
from chalicelib.services.queue_figures import count_completed, count_done
from chalicelib.stores.limit_store import Ticket
from chalicelib.stores.report_store import report_key
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

# How the line about a failed report starts. An alarm counts these lines (infra/terraform/alarms.tf), so the level
# must be one that Lambda writes whatever its settings are.
FAILED_MARK: Final = "REPORT_FAILED"


def fail_report(
    report: Report, reason: str, at: datetime, *, expired_only: bool = False, is_our_fault: bool = True
) -> Report:
    """End a claimed report without a document: two AWS calls. A job may end with a narrative written by rules.

    Where the fault is ours, its owner may create one more: a third call, if that still makes a difference.

    Args:
        report: the report as it was read, with the attempt that failed.
        reason: a sentence for its owner. It is logged, so it holds nothing of what they sent or what was written.
        at: now.
        expired_only: only if the lease of its worker is over.
        is_our_fault: whether its creation counts for nothing.

    Returns:
        The report as it is now.

    Raises:
        StateConflictError: the attempt is not the current one any more, or its lease is alive.
    """
    if report.kind == "narrative":
        failed = end_narrative(report, reason, at, expired_only=expired_only)
        if failed.status == "completed":
            count_completed(failed)
            _log.warning('job %s ended with a narrative written by rules, as: "%s"', report.id, reason)
            return failed
    else:
        outbox = report_outbox(as_failed(report, reason, stamp(at)), at)
        failed = stores().reports.fail(report, reason, at, expired_only=expired_only, outbox=outbox)
        announce(outbox, "reports", report_key(report.id))
        if is_our_fault and report.limit_ticket:
            give_back(Ticket.from_text(report.limit_ticket))
    count_done({f"running_{report.priority}": -1, f"failed_{day(at)}": 1})
    _log.warning('%s report_id=%s attempt=%s reason="%s"', FAILED_MARK, report.id, report.attempt, reason)
    return failed
