"""Abandoned reports: claimed by a worker that has fallen silent. Whoever finds one takes it back.

The sweep finds them on its schedule, a permit that is delivered again finds its own.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.clock import stamp
from chalicelib.domain.report import Report
from chalicelib.services.enqueue import due_at
from chalicelib.services.fail_report import fail_report
from chalicelib.services.queue_figures import count_done
from chalicelib.settings import settings
from chalicelib.stores.stores import stores


def is_abandoned(report: Report, at: datetime) -> bool:
    """Tell whether the lease of the report's worker is over."""
    return report.status == "processing" and report.lease is not None and report.lease < stamp(at)


def take_back(report: Report, at: datetime) -> Report:
    """Put an abandoned report back at the head of its queue, or fail it when that has happened too often.

    No permit is sent: the caller has one, or sends it. Two AWS calls.

    Args:
        report: the report as it was read.
        at: now.

    Returns:
        The report as it is now: ``queued`` or ``failed``.

    Raises:
        StateConflictError: it moved on by itself.
    """
    if report.takeovers >= settings().max_takeovers:
        return fail_report(report, _given_up(report), at, expired_only=True)
    queued = stores().reports.requeue(report, at, due_at(report.priority, at), "lease over")
    count_done({f"running_{queued.priority}": -1, f"waiting_{queued.priority}": 1})
    return queued


def _given_up(report: Report) -> str:
    times = report.takeovers + 1
    return f"The report could not be finished: its worker stopped without a result {times} times"
