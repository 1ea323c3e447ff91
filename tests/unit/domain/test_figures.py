"""What the figures promise about waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.figures import (
    Day,
    Figures,
    Workers,
    estimated_completion,
    estimated_completion_of_running,
    wait_until_start,
)
from chalicelib.domain.priority import PRIORITIES, Priority

AT = datetime(2026, 1, 20, 15, 30, tzinfo=UTC)
TEN = Day(completed=6, milliseconds=6 * 600_000)


def figures(today: Day = TEN, yesterday: Day | None = None, **waiting: int) -> Figures:
    return Figures(
        waiting={p: waiting.get(p, 0) for p in PRIORITIES},
        running=dict.fromkeys(PRIORITIES, 0),
        today=today,
        yesterday=yesterday or Day(),
    )


def workers(count: int, *, shared: bool = False) -> Workers:
    return Workers(dict.fromkeys(PRIORITIES, count), shared)


@pytest.mark.parametrize(
    ("today", "yesterday", "minutes", "basis"),
    [
        (TEN, Day(1, 0, 60_000), 10, "today"),
        (Day(failed=3), Day(2, 0, 240_000), 2, "yesterday"),
        (Day(), Day(), 15, "default"),
    ],
)
def test_the_average_rests_on_what_is_known(today: Day, yesterday: Day, minutes: int, basis: str) -> None:
    assert figures(today, yesterday).average() == (timedelta(minutes=minutes), basis)


@pytest.mark.parametrize(
    ("position", "count", "minutes"),
    [(1, 1, 10), (2, 1, 20), (2, 2, 10), (3, 2, 20), (5, 2, 30)],
)
def test_completion_counts_the_rounds_before_it(position: int, count: int, minutes: int) -> None:
    expected = AT + timedelta(minutes=minutes)
    assert estimated_completion("normal", position, figures(), workers(count), AT) == expected


@pytest.mark.parametrize(
    ("priority", "shared", "minutes"),
    [("urgent", True, 0), ("normal", True, 30), ("normal", False, 0), ("low", True, 40)],
)
def test_a_shared_pool_serves_higher_priorities_first(priority: Priority, shared: bool, minutes: int) -> None:
    queue = figures(urgent=1, high=2, normal=1)
    assert wait_until_start(priority, 1, queue, workers(1, shared=shared)) == timedelta(minutes=minutes)


def test_a_running_report_is_never_expected_in_the_past() -> None:
    late = AT - timedelta(hours=2)
    assert estimated_completion_of_running(late, 90, figures(), AT) == AT + timedelta(minutes=1)
    early = AT - timedelta(minutes=4)
    assert estimated_completion_of_running(early, 90, figures(), AT) == AT + timedelta(minutes=6)


@pytest.mark.parametrize(("running", "minutes"), [(0, 0), (1, 0), (2, 5), (9, 5)])
def test_a_busy_pool_makes_the_first_report_wait_for_half_of_a_running_one(running: int, minutes: int) -> None:
    queue = Figures(
        waiting=dict.fromkeys(PRIORITIES, 0), running=dict.fromkeys(PRIORITIES, 0) | {"normal": running}, today=TEN
    )
    assert wait_until_start("normal", 1, queue, workers(2)) == timedelta(minutes=minutes)
