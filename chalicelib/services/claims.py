"""Claims: a worker's hold on one report, from taking it to its last write.

A claim is a lease with an attempt number. A thread renews it; every write names
the attempt, so a worker that was overtaken can change nothing any more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.clock import day, now
from chalicelib.domain.report import Outcome, Report
from chalicelib.services.enqueue import due_at, send_permit
from chalicelib.services.queue_figures import count
from chalicelib.settings import settings
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.report_store import StateConflictError, WaitingReport, duration_ms
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

# How many of the oldest waiting reports a permit looks at in one query, and how often it asks again
# when others were faster with all of them.
_CANDIDATES: Final = 25
_ROUNDS: Final = 4

# A worker that gives its report back this often makes no headway.
MAX_RELEASES: Final = 20


class ClaimEndedError(Exception):
    """The claim is over: the report was cancelled, or another worker has it."""


class OutOfTimeError(Exception):
    """The function's time is nearly used up; the report must be handed on."""


def claim_next(permit: Permit) -> Report | None:
    """Take the report of the permit's priority that has waited longest, or None if none waits.

    Two AWS calls and one for the figures; one more for each report that another
    worker was faster with.
    """
    for _ in range(_ROUNDS):
        candidates = stores().reports.oldest_waiting(permit.priority, _CANDIDATES)
        for candidate in candidates:
            claimed = _try_claim(candidate)
            if claimed is not None:
                return claimed
        if not candidates:
            break
    return _claim_issued_for(permit)


def _claim_issued_for(permit: Permit) -> Report | None:
    """Take the very report that the permit was issued for.

    The waiting index follows the table with a delay: a report may be waiting
    although the index does not show it yet.
    """
    report = stores().reports.get(permit.report_id)
    if report is None or not report.is_waiting:
        return None
    return _try_claim(report)


def _try_claim(waiting: WaitingReport | Report) -> Report | None:
    try:
        report = stores().reports.claim(waiting, now(), _lease())
    except StateConflictError:
        return None
    _count({f"waiting_{report.priority}": -1, f"running_{report.priority}": 1})
    return report


def _lease() -> timedelta:
    return timedelta(seconds=settings().lease_seconds)


def _count(changes: Mapping[str, int]) -> None:
    """Count a transition that is done: trouble here is for the sweep to correct, not for the report."""
    try:
        count(changes)
    except (ClientError, BotoCoreError):
        _log.exception("figures %s were not counted; the sweep corrects them", dict(changes))


class Claim:
    """A live claim: renews its lease while used as a context manager, and notes progress.

    Args:
        report: the report as the claim left it.
        remaining_seconds: how much of the function's time is left.
        reserve_seconds: how much of it must stay for handing the report on.
    """

    def __init__(self, report: Report, remaining_seconds: Callable[[], float], reserve_seconds: float = 30.0) -> None:
        self.report = report
        self._remaining_seconds = remaining_seconds
        self._reserve_seconds = reserve_seconds
        self._progress = (report.progress, report.message, report.words)
        self._lock = threading.Lock()
        self._ended: str | None = None
        self._stop = threading.Event()
        self._renewer = threading.Thread(target=self._keep_renewing, name=f"lease-{report.id}", daemon=True)

    def __enter__(self) -> Claim:
        self._renewer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._renewer.join()

    # What the pipeline calls (any thread)

    def progress(self, percentage: int, message: str, words: int) -> None:
        """Note how far the writing is; the percentage shown never goes back.

        Raises:
            ClaimEndedError: the claim is over.
        """
        with self._lock:
            shown = max(self._progress[0], min(99, percentage))
            self._progress = (shown, message, max(self._progress[2], words))
        self._renew()
        self.check()

    def checkpoint(self, name: str, text: str) -> None:
        """Store a finished piece, so that nobody has to write it again."""
        stores().checkpoints.save(self.report.id, name, text, now())

    def check(self) -> None:
        """Return if the work may go on.

        Raises:
            ClaimEndedError: the claim is over.
            OutOfTimeError: the function's time is nearly used up.
        """
        if self._ended is not None:
            raise ClaimEndedError(self._ended)
        if self._remaining_seconds() < self._reserve_seconds:
            raise OutOfTimeError

    # How it ends

    def complete(self, outcome: Outcome) -> None:
        """Finish the report with its document.

        Raises:
            ClaimEndedError: the claim is over.
        """
        at = now()
        done = self._end(lambda: stores().reports.complete(self.report, outcome, at))
        spent = duration_ms(done, at)
        self._count_end({f"completed_{day(at)}": 1, f"milliseconds_{day(at)}": spent})

    def fail(self, reason: str) -> None:
        """End the report without a document.

        Raises:
            ClaimEndedError: the claim is over.
        """
        at = now()
        self._end(lambda: stores().reports.fail(self.report, reason, at))
        self._count_end({f"failed_{day(at)}": 1})

    def release(self) -> None:
        """Give the report back to the head of its queue, with a new permit.

        Raises:
            ClaimEndedError: the claim is over.
        """
        if self.report.releases >= MAX_RELEASES:
            self.fail("The report could not be finished in the time a worker has, however often it was resumed")
            return
        at = now()
        due = due_at(self.report.priority, at)
        queued = self._end(lambda: stores().reports.requeue(self.report, at, due, taken_over=False))
        _count({f"running_{queued.priority}": -1, f"waiting_{queued.priority}": 1})
        send_permit(queued)

    def _count_end(self, changes: dict[str, int]) -> None:
        _count({f"running_{self.report.priority}": -1, **changes})

    def _end(self, write: Callable[[], Report]) -> Report:
        # No renewal may follow the last write, nor run beside it.
        self._stop.set()
        if self._renewer.is_alive():
            self._renewer.join()
        try:
            return write()
        except StateConflictError as conflict:
            raise ClaimEndedError(_why(conflict)) from conflict

    def _keep_renewing(self) -> None:
        interval = min(10.0, settings().lease_seconds / 4)
        while self._ended is None and not self._stop.wait(interval):
            self._renew()

    def _renew(self) -> None:
        with self._lock:
            if self._ended is not None:
                return
            percentage, message, words = self._progress
            try:
                stores().reports.renew(self.report, now(), _lease(), percentage, message, words)
            except StateConflictError as conflict:
                self._ended = _why(conflict)
            except (ClientError, BotoCoreError):
                # The lease is longer than several of these; the next renewal may succeed.
                _log.exception("the lease of report %s was not renewed", self.report.id)


def _why(conflict: StateConflictError) -> str:
    status = conflict.current.status if conflict.current else "gone"
    return "the report was cancelled" if status == "cancelled" else f"the report is {status}: another worker has it"
