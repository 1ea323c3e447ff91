"""The sweep: puts right what a crash or an outage left behind. It runs on a schedule.

* A report that waits past its due time gets a new permit (its own may be lost).
* A report that waits although a worker is free gets one, too.
* A report whose worker's lease ran out goes back to the head of its queue, or
  fails when that has happened too often.
* The queue figures are set to what the reports themselves say.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from chalicelib.domain.clock import day, now, parse_stamp
from chalicelib.domain.figures import Figures
from chalicelib.domain.priority import PRIORITIES, Priority
from chalicelib.domain.report import WAITING
from chalicelib.services.abandoned import is_abandoned, take_back
from chalicelib.services.enqueue import due_at, send_permit
from chalicelib.services.queue_figures import queue_figures, remember_figures, workers
from chalicelib.settings import settings
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

Recovery = Literal["nothing", "permit", "taken back", "given up", "trouble"]
Correction = Literal["right", "corrected", "unclear"]

_DATED: Final = ("completed_", "failed_", "milliseconds_")


@dataclass(frozen=True)
class Swept:
    """What one sweep did: how reports were recovered, permits sent for free workers, and the figures' state."""

    recovered: Mapping[Recovery, int]
    woken: int
    figures: Correction


def sweep() -> Swept:
    """Recover every report that is due, correct the figures, wake free workers.

    One report's trouble keeps nobody else waiting: it is logged, and the next sweep tries again.
    """
    queue_figures()  # the due times that are set below rest on them
    recovered = Counter(recover(due.id) for due in list(stores().reports.due_reports(now())))
    state = correct_figures()
    remember_figures(stores().figures.get())
    return Swept(recovered, wake_free_workers(), state)


def recover(report_id: str) -> Recovery:
    """Move a report on that nobody else will, and tell how."""
    try:
        return _recover(report_id)
    except StateConflictError:
        _log.info("report %s moved on by itself", report_id)
        return "nothing"
    except Exception:
        _log.exception("report %s could not be recovered", report_id)
        return "trouble"


def _recover(report_id: str) -> Recovery:
    report = stores().reports.get(report_id)
    if report is None:
        return "nothing"
    if report.is_waiting:
        stores().permits.send(Permit(report.priority, report.id))
        stores().reports.mark_queued(report, due_at(report.priority, now()))
        return "permit"
    if not is_abandoned(report, now()):
        return "nothing"
    after = take_back(report, now())
    if not after.is_waiting:
        return "given up"
    send_permit(after)
    return "taken back"


def wake_free_workers() -> int:
    """Send permits for reports that wait although workers are free; return how many.

    Due times rest on estimates. A report whose permit was lost must not wait for hours beside idle workers
    because the queue was long when it came.
    """
    sent = 0
    for priority in PRIORITIES:
        try:
            sent += _wake(priority, queue_figures())
        except Exception:
            _log.exception("no permits were sent for free %s workers", priority)
    return sent


def _wake(priority: Priority, figures: Figures) -> int:
    free = workers().free(priority, figures)
    if free == 0 or figures.waiting[priority] == 0:
        return 0
    patience = timedelta(seconds=settings().resend_seconds)
    sent = 0
    for waiting in stores().reports.oldest_waiting(priority, free):
        report = stores().reports.get(waiting.id)
        if report is None or not report.is_waiting or parse_stamp(report.queued_at) + patience > now():
            continue
        stores().permits.send(Permit(priority, report.id))
        sent += 1
    return sent


def correct_figures() -> Correction:
    """Bring the queue figures in line with the reports themselves, and tell how it went.

    Reports move while they are counted. A drift is what two counts in a row agree on; it is taken out by
    adding the difference, so transitions in between are kept.
    """
    first, second = _drift(), _drift()
    agreed = {name: second[name] for name in first if first[name] == second[name]}
    drift = {name: difference for name, difference in agreed.items() if difference}
    old = _outdated(stores().figures.counters())
    if drift or old:
        stores().figures.correct(drift, old)
    if len(agreed) < len(first):
        return "unclear"
    return "corrected" if drift else "right"


def _drift() -> dict[str, int]:
    """Return by how much each counter is off: what the reports say, less what it shows."""
    seen = stores().figures.counters()
    return {name: value - seen.get(name, 0) for name, value in _counted(day(now())).items()}


def _counted(today: str) -> dict[str, int]:
    counted = {f"{state}_{p}": 0 for state in ("waiting", "running") for p in PRIORITIES}
    for open_report in stores().reports.open_reports():
        state = "waiting" if open_report.status in WAITING else "running"
        counted[f"{state}_{open_report.priority}"] += 1
    ended = Counter[str]()
    milliseconds = 0
    for finished in stores().reports.finished_on(today):
        ended[finished.status] += 1
        milliseconds += finished.duration_ms if finished.status == "completed" else 0
    return counted | {
        f"completed_{today}": ended["completed"],
        f"failed_{today}": ended["failed"],
        f"milliseconds_{today}": milliseconds,
    }


def _outdated(counters: Mapping[str, int]) -> list[str]:
    """Return the names of counters of days before yesterday."""
    kept = tuple(day(now() - timedelta(days=ago)) for ago in (0, 1))
    return [name for name in counters if name.startswith(_DATED) and not name.endswith(kept)]
