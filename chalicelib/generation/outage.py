"""Remembers for a while that the first endpoint is down, so that not every request finds out anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from chalicelib.generation.endpoint_errors import EndpointDown

OUTAGE_SECONDS = 60.0


class Outage:
    """Whether the first endpoint is to be left alone. Thread-safe.

    When the time is over, one request at a time probes the endpoint; the others go on without it
    until that probe has come to an end.
    """

    def __init__(self, seconds: float = OUTAGE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without an outage.

        Args:
            seconds: how long a failed endpoint is left alone.
            clock: seconds that only go up.
        """
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failure: EndpointDown | None = None
        self._until = 0.0

    @property
    def failure(self) -> EndpointDown | None:
        """Why the endpoint is thought to be down; None while it is not."""
        return self._failure

    def begin(self, failure: EndpointDown) -> None:
        """The endpoint failed, just now or again."""
        with self._lock:
            self._failure = failure
            self._until = self._clock() + self._seconds

    def end(self) -> None:
        """The endpoint answered."""
        self._failure = None

    def may_probe(self) -> bool:
        """Whether the caller is to try an endpoint that was down; true once in every period."""
        with self._lock:
            if self._clock() < self._until:
                return False
            self._until = self._clock() + self._seconds
            return True
