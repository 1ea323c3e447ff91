"""Figures about the queues, and what they let us promise about waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.domain.priority import PRIORITIES, Priority
from chalicelib.domain.template import CONVERSATIONAL

Basis = Literal["today", "yesterday", "default"]


@dataclass(frozen=True)
class Day:
    """One UTC day: reports completed, reports failed, and the milliseconds the completed ones took."""

    completed: int = 0
    failed: int = 0
    milliseconds: int = 0


@dataclass(frozen=True)
class Figures:
    """Reports waiting and running per priority, and the last two days."""

    waiting: Mapping[Priority, int]
    running: Mapping[Priority, int]
    today: Day = field(default_factory=Day)
    yesterday: Day = field(default_factory=Day)

    def average(self) -> tuple[timedelta, Basis]:
        """Return the mean time a report takes, and what that rests on.

        Measured today, else yesterday, else the time that the conversational
        template itself estimates.
        """
        days: tuple[tuple[Day, Basis], ...] = ((self.today, "today"), (self.yesterday, "yesterday"))
        for measured, basis in days:
            if measured.completed > 0:
                return timedelta(milliseconds=measured.milliseconds / measured.completed), basis
        return timedelta(minutes=CONVERSATIONAL.estimated_time_minutes), "default"


@dataclass(frozen=True)
class Workers:
    """How many reports run at once: per priority, or all priorities from one pool (``shared``)."""

    counts: Mapping[Priority, int]
    shared: bool

    def free(self, priority: Priority, figures: Figures) -> int:
        """Return how many workers are there for ``priority`` and have nothing to do."""
        mine = PRIORITIES if self.shared else (priority,)
        return max(0, self.counts[priority] - sum(max(0, figures.running[p]) for p in mine))

    def ahead(self, priority: Priority, position: int, figures: Figures) -> int:
        """Return how many reports are served before the one at ``position`` (from 1) of ``priority``.

        A shared pool serves every waiting report of a higher priority first.
        """
        higher = PRIORITIES[: PRIORITIES.index(priority)] if self.shared else ()
        return sum(max(0, figures.waiting[p]) for p in higher) + position - 1


def wait_until_start(priority: Priority, position: int, figures: Figures, workers: Workers) -> timedelta:
    """Return how long the report at ``position`` (from 1) is expected to wait for a worker.

    Free workers take the first reports at once. The first that finds none waits for a running report, on
    average half done; every further round takes an average report's time.
    """
    average, _ = figures.average()
    free = workers.free(priority, figures)
    behind = workers.ahead(priority, position, figures) - free
    if behind < 0:
        return timedelta(0)
    first = average / 2 if free < workers.counts[priority] else average
    return first + average * (behind // workers.counts[priority])


def estimated_completion(
    priority: Priority, position: int, figures: Figures, workers: Workers, at: datetime
) -> datetime:
    """Return when a waiting report is expected to be finished."""
    average, _ = figures.average()
    return at + wait_until_start(priority, position, figures, workers) + average


def estimated_completion_of_running(started: datetime, progress: int, figures: Figures, at: datetime) -> datetime:
    """Return when a report that is being written is expected to be finished; never in the past."""
    average, _ = figures.average()
    expected = started + average
    if expected > at:
        return expected
    return at + average * ((100 - min(progress, 99)) / 100)
