"""A moment by which something must be done, whatever number of waits it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

_Result = TypeVar("_Result")


class Deadline:
    """A moment some seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left: more than 0.

        Raises:
            TimeoutError: none are.
        """
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time is over")
        return seconds

    def sooner(self, seconds: float) -> Deadline:
        """Return a deadline in ``seconds`` from now, or at this one's moment if that is earlier.

        Raises:
            TimeoutError: this one is over.
        """
        return Deadline(min(seconds, self.left()))

    def wait_for(self, call: Callable[[], _Result]) -> _Result:
        """Return what ``call`` returns, or raise what it raises.

        It runs in a thread of its own, which is left alone when the time is over. This is for what can
        neither be interrupted nor given a timeout, such as looking up a name.

        Raises:
            TimeoutError: it did not end in time.
        """
        outcomes: SimpleQueue[Callable[[], _Result]] = SimpleQueue()
        Thread(target=lambda: outcomes.put(_outcome(call)), name="bounded-call", daemon=True).start()
        try:
            outcome = outcomes.get(timeout=self.left())
        except Empty:
            raise TimeoutError("the time is over") from None
        return outcome()


def _outcome(call: Callable[[], _Result]) -> Callable[[], _Result]:
    """Run ``call`` and return what, when called, ends as it did."""
    try:
        result = call()
    except Exception as error:
        failure = error

        def fail() -> _Result:
            raise failure

        return fail
    return lambda: result
