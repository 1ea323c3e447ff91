"""The sweep: puts right what a crash or an outage left behind. It runs on a schedule.

* A report that waits past its due time gets a new permit (its own may be lost).
* A report whose worker's lease ran out goes back to the head of its queue, or
  fails when that has happened too often.
* The queue figures are set to what the reports themselves say.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.clock import day, now, stamp
from chalicelib.domain.priority import PRIORITIES
from chalicelib.domain.report import WAITING, Report
from chalicelib.services.enqueue import due_at
from chalicelib.services.queue_figures import count, queue_figures
from chalicelib.settings import settings
from chalicelib.stores.permit_queue import Permit, QueueUnavailableError
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Swept:
    """What one sweep did: permits sent again, reports taken back, reports given up, figures corrected."""

    permits: int
    taken_back: int
    given_up: int
    corrected: bool


def sweep() -> Swept:
    """Recover every report that is due, then correct the figures."""
    done = Counter[str]()
    queue_figures()  # the due times that are set below rest on them
    for due in list(stores().reports.due_reports(now())):
        done[recover(due.id)] += 1
    return Swept(done["permit"], done["taken back"], done["given up"], correct_figures())


def recover(report_id: str) -> str:
    """Move a report on that nobody else will: return ``permit``, ``taken back``, ``given up`` or ``nothing``."""
    report = stores().reports.get(report_id)
    if report is None:
        return "nothing"
    try:
        if report.is_waiting:
            return _send_again(report)
        if report.status == "processing" and report.lease is not None and report.lease < stamp(now()):
            return _take_back(report, now())
    except StateConflictError:
        _log.info("report %s moved on by itself", report_id)
    except QueueUnavailableError:
        _log.exception("the permit of report %s was not queued; the next sweep tries again", report_id)
    return "nothing"


def _send_again(report: Report) -> str:
    stores().permits.send(Permit(report.priority, report.id))
    stores().reports.mark_queued(report, due_at(report.priority, now()))
    return "permit"


def _take_back(report: Report, at: datetime) -> str:
    if report.takeovers >= settings().max_takeovers:
        stores().reports.fail(report, _given_up(report), at, expired_only=True)
        count({f"running_{report.priority}": -1, f"failed_{day(at)}": 1})
        return "given up"
    queued = stores().reports.requeue(report, at, due_at(report.priority, at), taken_over=True)
    count({f"running_{queued.priority}": -1, f"waiting_{queued.priority}": 1})
    stores().permits.send(Permit(queued.priority, queued.id))
    return "taken back"


def _given_up(report: Report) -> str:
    times = report.takeovers + 1
    return f"The report could not be finished: its worker stopped without a result {times} times"


def correct_figures() -> bool:
    """Set the queue figures to what the reports say; tell whether that was possible.

    A transition while the reports are counted makes the count worthless, so it is
    thrown away then; the next sweep counts again.
    """
    figures = stores().figures
    seen = figures.counters()
    today = day(now())
    counted = {f"{state}_{p}": 0 for state in ("waiting", "running") for p in PRIORITIES}
    for open_report in stores().reports.open_reports():
        state = "waiting" if open_report.status in WAITING else "running"
        counted[f"{state}_{open_report.priority}"] += 1
    ended = Counter[str]()
    milliseconds = 0
    for finished in stores().reports.finished_on(today):
        ended[finished.status] += 1
        milliseconds += finished.duration_ms if finished.status == "completed" else 0
    counted |= {
        f"completed_{today}": ended["completed"],
        f"failed_{today}": ended["failed"],
        f"milliseconds_{today}": milliseconds,
    }
    if all(seen.get(name, 0) == value for name, value in counted.items()):
        return False
    return figures.correct(seen, counted)
