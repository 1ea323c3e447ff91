"""Where a report's progress, pieces and usage are noted."""

from __future__ import annotations

import threading
from typing import Protocol

from chalicelib.generation.asking import usage_to_json
from chalicelib.generation.budget import Meter
from chalicelib.generation.scrambling import Texts
from chalicelib.generation.watch import Watch

USAGE_KEY = "usage"


class Monitor(Protocol):
    """Where the pipeline reports to, and by what it can be stopped.

    Whatever these raise ends all work at once and leaves ``write_report``.
    """

    def progress(self, percentage: int, message: str, words: int) -> None:
        """Take note of the progress: percent, what is being done, words written so far."""

    def checkpoint(self, key: str, text: str) -> None:
        """Store a finished piece durably under ``key``; a later text replaces an earlier one."""

    def check(self) -> None:
        """Raise if the work must not go on (cancelled, lost, out of time)."""

    def remaining_seconds(self) -> float:
        """Return how much time is left for the report."""


class Journal:
    """Notes everything with the monitor. What it raises there stops every thread.

    What is stored has tokens for private values, and those are kept before it is; progress is told as it is.
    """

    def __init__(self, monitor: Monitor, watch: Watch, meter: Meter, texts: Texts) -> None:
        self._texts = texts
        self._monitor = monitor
        self._watch = watch
        self._meter = meter
        self._progress_lock = threading.Lock()
        self._usage_lock = threading.Lock()
        self._shown = 0

    def progress(self, percentage: int, message: str, words: int) -> None:
        """Show the progress; the percentage never goes back."""
        with self._progress_lock:
            self._shown = max(self._shown, percentage)
            self._watch.guard(lambda: self._monitor.progress(self._shown, self._texts.show(message), words))

    def keep(self, key: str, text: str) -> None:
        """Store a finished piece, in which private values are hidden already."""
        self._watch.guard(lambda: self._stored(key, text))

    def keep_text(self, key: str, text: str) -> None:
        """Store a finished piece of a model's text; what is private in it is hidden first."""
        self._watch.guard(lambda: self._stored(key, self._texts.hide_again(text)))

    def _stored(self, key: str, text: str) -> None:
        self._texts.secure()
        self._monitor.checkpoint(key, text)

    def keep_usage(self) -> None:
        """Store what was used so far."""
        with self._usage_lock:  # so that an older total never replaces a newer one
            total = usage_to_json(self._meter.total)
            self._watch.guard(lambda: self._monitor.checkpoint(USAGE_KEY, total))
