"""Claims: a worker's hold on one report, from taking it to its last write.

A claim is a lease with an attempt number. A thread renews it; every write names
the attempt, so a worker that was overtaken can change nothing any more.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.clock import now, parse_stamp, stamp
from chalicelib.domain.report import Outcome, Report, completed
from chalicelib.services.abandoned import is_abandoned, take_back
from chalicelib.services.enqueue import due_at, send_permit
from chalicelib.services.fail_report import fail_report
from chalicelib.services.outbox import announce, progress_outbox, report_outbox
from chalicelib.services.queue_figures import count_completed, count_done
from chalicelib.settings import settings
from chalicelib.stores.dynamodb import Write
from chalicelib.stores.outbox_store import Outbox
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.report_store import RequeueCause, StateConflictError, WaitingReport, report_key
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

# How many of the oldest waiting reports a permit looks at in one query.
_CANDIDATES: Final = 25

# The waiting index follows its table with a delay, seldom of more than a second. A permit that finds only
# reports that others have just taken asks again after these pauses (seconds).
_PAUSES: Final = (0.0, 0.3, 0.7, 1.5)
_JUST_NOW: Final = timedelta(seconds=10)

# A report that is handed on this often would never end. A narrative has a few pages; who waits for it is better
# off with one that is written by rules.
MAX_RELEASES: Final = 20
MAX_NARRATIVE_RELEASES: Final = 3

# How often a worker asks whether its report was cancelled, and renews its lease, in seconds. The call in
# flight has to end within two seconds of the cancellation, and its threads take part of that.
_CHECK_SECONDS: Final = 0.8
_RENEW_SECONDS: Final = 30.0

# Whoever subscribed to progress is told at most this often (seconds) of one report, and so many times by one worker:
# each telling is a request of its own, and until it is made it takes room in the report's record.
PROGRESS_SECONDS: Final = 15.0
_MOST_TELLINGS: Final = 40


class ClaimEndedError(Exception):
    """The claim is over: the report was cancelled, or another worker has it."""


class OutOfTimeError(Exception):
    """The function's time is nearly used up; the report must be handed on."""


def claim_next(permit: Permit) -> Report | None:
    """Take the report of the permit's priority that has waited longest, or None if none waits.

    Three AWS calls and one for the figures; one more for each report that another worker was faster with, two
    more where the permit's own report was abandoned.
    """
    _take_back_own(permit)
    lost: set[str] = set()
    for pause in _PAUSES:
        time.sleep(pause)
        for candidate in stores().reports.oldest_waiting(permit.priority, _CANDIDATES):
            if candidate.id in lost:
                continue
            claimed = _try_claim(candidate)
            if claimed is not None:
                return claimed
            lost.add(candidate.id)
        # Its own report may be waiting although the index does not show it yet …
        own = stores().reports.get(permit.report_id)
        if own is None:
            return None
        if own.is_waiting:
            claimed = _try_claim(own)
            if claimed is not None:
                return claimed
        # … or was taken a moment ago by the permit of another report, which the index does not show yet.
        elif not _was_just_claimed(own):
            return None
    return None


def _take_back_own(permit: Permit) -> None:
    """Let a permit that is delivered again have what its earlier delivery left behind when its worker died."""
    own = stores().reports.get(permit.report_id)
    if own is None or not is_abandoned(own, now()):
        return
    try:
        after = take_back(own, now())
    except StateConflictError:
        _log.info("report %s moved on by itself", own.id)
    else:
        _log.warning("report %s was abandoned by its worker and is %s", own.id, after.status)


def _was_just_claimed(report: Report) -> bool:
    if report.status != "processing" or report.started_at is None:
        return False
    return parse_stamp(report.started_at) > now() - _JUST_NOW


def _try_claim(waiting: WaitingReport | Report) -> Report | None:
    try:
        report = stores().reports.claim(waiting, now(), _lease())
    except StateConflictError:
        return None
    count_done({f"waiting_{report.priority}": -1, f"running_{report.priority}": 1})
    return report


def _lease() -> timedelta:
    return timedelta(seconds=settings().lease_seconds)


class Claim:
    """A live claim: renews its lease while used as a context manager, and notes progress.

    Args:
        report: the report as the claim left it.
        remaining_seconds: how much of the function's time is left.
    """

    def __init__(self, report: Report, remaining_seconds: Callable[[], float]) -> None:
        self.report = report
        # What the model has used so far, over all attempts: noted with every write once it is set.
        self.usage: Callable[[], Mapping[str, float | None]] | None = None
        # How many private values its texts have, by type: noted likewise.
        self.pii: Callable[[], Mapping[str, int] | None] | None = None
        self._remaining_seconds = remaining_seconds
        # What must stay of it for handing the report on.
        self._reserve_seconds = settings().reserve_seconds
        self._progress = (report.progress, report.message, report.words)
        self._told_at, self._tellings_left = -math.inf, _MOST_TELLINGS
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
        announce(self._renew(tells=True), "reports", report_key(self.report.id))
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
        if self.remaining_seconds() <= 0:
            raise OutOfTimeError

    def remaining_seconds(self) -> float:
        """Return how long the work may go on: the function's time without what handing on needs."""
        return self._remaining_seconds() - self._reserve_seconds

    # How it ends

    def complete(self, outcome: Outcome, beside: Sequence[Write] = ()) -> None:
        """Finish the report with its document, and do what belongs to that (``beside``) in the same transaction.

        Raises:
            ClaimEndedError: the claim is over.
        """
        self.finish(lambda report: _complete(report, outcome, beside))

    def finish(self, write: Callable[[Report], Report]) -> Report:
        """End the claim with the write that completes the report, and return what that returns.

        Args:
            write: gets the report as it was claimed, with its usage; it may raise ``StateConflictError``.

        Raises:
            ClaimEndedError: the claim is over.
        """
        done = self._end(lambda: write(self.report))
        count_completed(done)
        return done

    def fail(self, reason: str, *, is_our_fault: bool = True) -> None:
        """End the report without a document.

        Args:
            reason: a sentence for its owner.
            is_our_fault: whether its creation counts for nothing against its owner's limit.

        Raises:
            ClaimEndedError: the claim is over.
        """
        self._end(lambda: fail_report(self.report, reason, now(), is_our_fault=is_our_fault))

    def give_back(self, reason: str) -> None:
        """Give the report back because something went wrong here; fail it if that happened too often.

        Raises:
            ClaimEndedError: the claim is over.
        """
        if self.report.takeovers >= settings().max_takeovers:
            self.fail(reason)
            return
        self._requeue("failure")

    def release(self) -> None:
        """Give the report back to the head of its queue, with a new permit.

        Raises:
            ClaimEndedError: the claim is over.
        """
        if self.report.releases >= (MAX_NARRATIVE_RELEASES if self.report.kind == "narrative" else MAX_RELEASES):
            self.fail("The report could not be finished in the time a worker has, however often it was resumed")
            return
        self._requeue("handed on")

    def _requeue(self, cause: RequeueCause) -> None:
        at = now()
        due = due_at(self.report.priority, at)
        queued = self._end(lambda: stores().reports.requeue(self.report, at, due, cause))
        count_done({f"running_{queued.priority}": -1, f"waiting_{queued.priority}": 1})
        send_permit(queued)

    def _end(self, write: Callable[[], Report]) -> Report:
        # No renewal may follow the last write, nor run beside it.
        self._stop.set()
        if self._renewer.is_alive():
            self._renewer.join()
        self._note_usage()
        try:
            return write()
        except StateConflictError as conflict:
            raise ClaimEndedError(_why(conflict.current)) from conflict

    def _keep_renewing(self) -> None:
        lease = settings().lease_seconds
        renew_after = min(_RENEW_SECONDS, lease / 4)
        renewed_at = time.monotonic()
        while self._ended is None and not self._stop.wait(min(_CHECK_SECONDS, renew_after)):
            if time.monotonic() - renewed_at >= renew_after:
                renewed_at = time.monotonic()
                self._renew()
            else:
                self._look()

    def _look(self) -> None:
        """See whether the claim is still the current one: a read, far cheaper than a renewal."""
        try:
            current = stores().reports.get(self.report.id)
        except (ClientError, BotoCoreError):
            return
        if current is None or current.status != "processing" or current.attempt != self.report.attempt:
            self._ended = _why(current)

    def _note_usage(self) -> None:
        if self.usage is not None:
            self.report = replace(self.report, usage=dict(self.usage()))
        if self.pii is not None and (counts := self.pii()) is not None:
            self.report = replace(self.report, pii=counts)

    def _renew(self, *, tells: bool = False) -> Outbox | None:
        """Renew the lease and note the progress; return what was written of that to be told."""
        with self._lock:
            if self._ended is not None:
                return None
            percentage, message, words = self._progress
            self._note_usage()
            at = now()
            outbox = self._telling(at) if tells else None
            try:
                stores().reports.renew(self.report, at, _lease(), percentage, message, words, outbox)
            except StateConflictError as conflict:
                self._ended = _why(conflict.current)
            except (ClientError, BotoCoreError):
                # The lease is longer than several of these; the next renewal may succeed.
                _log.exception("the lease of report %s was not renewed", self.report.id)
            else:
                return outbox
        return None

    def _telling(self, at: datetime) -> Outbox | None:
        """Return the event of the progress, if somebody wants it and was not told of another one just now."""
        if self._tellings_left == 0 or time.monotonic() < self._told_at + PROGRESS_SECONDS:
            return None
        percentage, message, words = self._progress
        outbox = progress_outbox(replace(self.report, progress=percentage, message=message, words=words), at)
        if outbox is not None:
            self._told_at = time.monotonic()
            self._tellings_left -= 1
        return outbox


def _complete(report: Report, outcome: Outcome, beside: Sequence[Write]) -> Report:
    at = now()
    outbox = report_outbox(completed(report, outcome, stamp(at)), at)
    done = stores().reports.complete(report, outcome, at, outbox, beside)
    announce(outbox, "reports", report_key(report.id))
    return done


def _why(current: Report | None) -> str:
    status = current.status if current else "gone"
    return "the report was cancelled" if status == "cancelled" else f"the report is {status}: another worker has it"
