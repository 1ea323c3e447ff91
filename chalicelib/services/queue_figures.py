"""The queue figures as this process knows them, at most a few seconds old."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.clock import day, parse_stamp
from chalicelib.domain.figures import Figures, Workers
from chalicelib.domain.priority import PRIORITIES
from chalicelib.domain.report import Report
from chalicelib.settings import settings
from chalicelib.stores.report_store import duration_ms
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

_EMPTY: Final = Figures(waiting=dict.fromkeys(PRIORITIES, 0), running=dict.fromkeys(PRIORITIES, 0))


class _Cache:
    """The last figures that were read, and when."""

    def __init__(self) -> None:
        self.figures: Figures | None = None
        self.read_at = 0.0

    def remember(self, figures: Figures) -> Figures:
        self.figures, self.read_at = figures, time.monotonic()
        return figures


_cache = _Cache()


def queue_figures() -> Figures:
    """Return the figures, at most ``FIGURES_CACHE_SECONDS`` (5) old: one AWS call, or none."""
    if _cache.figures is not None and time.monotonic() - _cache.read_at < settings().figures_cache_seconds:
        return _cache.figures
    return _cache.remember(stores().figures.get())


def last_known_figures() -> Figures:
    """Return the figures that this process read last, however old, or empty ones. Never an AWS call."""
    return _cache.figures or _EMPTY


def remember_figures(figures: Figures) -> None:
    """Keep figures that came with another answer."""
    _cache.remember(figures)


def count(changes: Mapping[str, int]) -> Figures:
    """Add to the counters next to a transition and return the figures as they are now: one AWS call."""
    return _cache.remember(stores().figures.add(changes))


def count_done(changes: Mapping[str, int]) -> None:
    """Count a transition that is done: trouble here is for the sweep to correct, not for the report."""
    try:
        count(changes)
    except (ClientError, BotoCoreError):
        _log.exception("figures %s were not counted; the sweep corrects them", dict(changes))


def count_completed(report: Report) -> None:
    """Count a report that was being written and is completed: one AWS call."""
    if report.completed_at is None:
        raise ValueError("the report is not completed")
    ended = parse_stamp(report.completed_at)
    spent = duration_ms(report, ended)
    changes = {f"completed_{day(ended)}": 1, f"milliseconds_{day(ended)}": spent}
    count_done({f"running_{report.priority}": -1, **changes})


def workers() -> Workers:
    """Return how many reports this deployment writes at once."""
    return Workers(counts=settings().workers, shared=settings().workers_shared)


def forget_figures() -> None:
    """Drop the cached figures."""
    _cache.figures = None
