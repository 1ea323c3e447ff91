"""Stops all section threads as soon as one of them, or the caller's monitor, fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Watch:
    """Asks the monitor's ``check`` on behalf of all threads, at most once per ``interval`` seconds.

    What ``check`` raises is remembered and raised again in every thread that asks, so that
    all of them abandon their requests within one poll of the model client. Once no time remains
    it is asked at once: a request that ran out of time ends the report otherwise.
    """

    def __init__(
        self, check: Callable[[], None], remaining_seconds: Callable[[], float], interval: float = 0.5
    ) -> None:
        self._check = check
        self.remaining_seconds = remaining_seconds
        self._interval = interval
        self._asking = threading.Lock()
        self._next = 0.0
        self._failure: BaseException | None = None

    def check(self) -> None:
        """Raise what stopped the work; cheap, to be called often and from any thread."""
        if self.remaining_seconds() <= 0:
            self.check_now()
            return
        self.raise_failure()
        if time.monotonic() < self._next or not self._asking.acquire(blocking=False):
            return
        try:
            self.guard(self._check)
            self._next = time.monotonic() + self._interval
        finally:
            self._asking.release()

    def check_now(self) -> None:
        """Ask the monitor whatever the interval; called before work that costs."""
        self.raise_failure()
        self.guard(self._check)

    def hold(self, needed_seconds: float) -> None:
        """Wait for the end of the time where less is left than the next request needs.

        What is cut off by the end of the time is paid for and lost; whoever goes on afterwards
        asks for it once. Returns where the time ended and nobody raised.
        """
        if self.remaining_seconds() >= needed_seconds:
            return
        while (left := self.remaining_seconds()) > 0:
            self.check()
            time.sleep(min(left, self._interval))
        self.check_now()

    def guard(self, action: Callable[[], None]) -> None:
        """Run a call to the monitor; what it raises stops every thread."""
        try:
            action()
        except BaseException as failure:
            self.stop(failure)
            raise

    def stop(self, failure: BaseException) -> None:
        """Make every thread raise ``failure`` at its next check; the first one counts."""
        if self._failure is None:
            self._failure = failure

    @property
    def failure(self) -> BaseException | None:
        """What stopped the work, if anything did."""
        return self._failure

    def raise_failure(self) -> None:
        """Raise what has stopped the work already; asks nobody."""
        if self._failure is not None:
            raise self._failure
