"""Use case: wait until a report changes ("Get Report Details" with ``wait``).

The client's one request stands in for many: here the record is read now and then, at a single
cheap call each, and the answer goes out with the first read that shows something new.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterator
from typing import Final

from chalicelib.domain.caller import Caller
from chalicelib.domain.report import CANCELLABLE, Report
from chalicelib.services.queue_figures import queue_figures
from chalicelib.services.read_reports import ReportDetail, detail_of, own_report

MAX_WAIT_SECONDS: Final = 20

# Between the reads, in seconds. What a client waits for is near at first and seldom later; all of them
# together are the longest wait.
_PAUSES: Final = (0.6, 0.9, 1.3, 1.8, 2.4, 3.0, 3.3, 3.3, 3.4)


def version_of(report: Report) -> str:
    """Return a short text that changes with what a client sees of a report's state and progress.

    Its place in the queue and estimates of time change without it.
    """
    seen = [report.status, report.progress, report.message, report.words, report.attempt, report.retry_count]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:20]


def wait_for_change(caller: Caller, report_id: str, seconds: float, known: Collection[str] = ()) -> ReportDetail:
    """Return a report as soon as it is not what the client knows, at the latest after ``seconds``.

    One AWS call for each look, at most ten in 20 seconds; then one while it waits in its queue, and one
    where the figures of the queue are older than a few seconds. A report that has ended is not waited for.

    Args:
        caller: who asks.
        report_id: whose report.
        seconds: longest wait, 0 to 20.
        known: versions that the client has; none means the version that it has now.

    Raises:
        ReportNotFoundError: there is none with this id, or it is not theirs.
    """
    end = time.monotonic() + seconds
    report = own_report(caller, report_id)
    known = known or {version_of(report)}
    for pause in pauses(seconds):
        if report.status not in CANCELLABLE or version_of(report) not in known or time.monotonic() > end:
            break
        time.sleep(pause)
        report = own_report(caller, report_id)
    return detail_of(report, queue_figures())


def pauses(seconds: float) -> Iterator[float]:
    """Yield the pauses between looks, in seconds; together they are ``seconds``, or the longest wait."""
    left = seconds
    for pause in _PAUSES:
        if left <= 0:
            return
        yield min(pause, left)
        left -= pause
