"""When a webhook is sent again, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.webhooks.schedule import (
    LONGEST_WISH_SECONDS,
    MAX_ATTEMPTS,
    Delivered,
    GivenUp,
    Outcome,
    RetryAt,
    outcome,
    queue_delay,
    wished_wait,
)

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def after(number: int, status: int | None, wish: float | None = None, chance: float = 0.0) -> Outcome:
    """What follows from attempt ``number``, which took two seconds from noon."""
    return outcome(
        number, status, started_at=NOON, ended_at=NOON + 2 * SECOND, wish_seconds=wish, chance=lambda: chance
    )


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
@pytest.mark.parametrize("number", [1, MAX_ATTEMPTS])
def test_any_2xx_is_delivered(number: int, status: int) -> None:
    assert after(number, status) == Delivered()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 499])
def test_other_4xx_are_final(status: int) -> None:
    assert after(1, status) == GivenUp("rejected")


@pytest.mark.parametrize("status", [None, 302, 408, 429, 500, 502, 503, 599])
def test_what_may_pass_is_sent_again_four_times(status: int | None) -> None:
    assert [after(number, status) for number in range(1, MAX_ATTEMPTS + 1)] == [
        RetryAt(NOON + 30 * SECOND, 2),
        RetryAt(NOON + 90 * SECOND, 3),
        RetryAt(NOON + 480 * SECOND, 4),
        RetryAt(NOON + 3000 * SECOND, 5),
        GivenUp("exhausted"),
    ]


def test_attempts_in_time_come_at_0_30_seconds_2_minutes_10_minutes_and_an_hour() -> None:
    moment, moments = NOON, [NOON]
    for number in range(1, MAX_ATTEMPTS):
        follows = outcome(number, 500, started_at=moment, ended_at=moment + SECOND, chance=lambda: 0.0)
        assert isinstance(follows, RetryAt)
        moment = follows.moment
        moments.append(moment)
    assert [(moment - NOON).total_seconds() for moment in moments] == [0, 30, 120, 600, 3600]


@given(st.integers(1, MAX_ATTEMPTS - 1), st.floats(0, 1))
def test_the_jitter_delays_by_a_tenth_of_the_wait_at_most(number: int, chance: float) -> None:
    plain, jittered = after(number, 500), after(number, 500, chance=chance)
    assert isinstance(plain, RetryAt)
    assert isinstance(jittered, RetryAt)
    assert plain.moment <= jittered.moment <= plain.moment + (plain.moment - NOON) * 0.1 + SECOND


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_may_ask_for_more_time(status: int) -> None:
    assert after(1, status, wish=300) == RetryAt(NOON + 302 * SECOND, 2)


def test_a_receiver_cannot_ask_for_less_time_or_for_years() -> None:
    assert after(1, 429, wish=0) == RetryAt(NOON + 30 * SECOND, 2)
    assert after(1, 429, wish=1e9) == RetryAt(NOON + (2 + LONGEST_WISH_SECONDS) * SECOND, 2)


def test_a_wish_counts_only_where_it_has_a_meaning() -> None:
    assert after(1, 500, wish=300) == RetryAt(NOON + 30 * SECOND, 2)
    assert after(MAX_ATTEMPTS, 503, wish=300) == GivenUp("exhausted")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Tue, 20 Jan 2026 12:01:00 GMT", 60.0),
        ("Tue, 20 Jan 2026 12:01:00 -0000", 60.0),
        ("Tue, 20 Jan 2026 11:00:00 GMT", 0.0),
        ("Tue, 99 Jan 2026 11:00:00 GMT", None),
        ("Tue, 20 Jan 2026 12:01:00 +9999", None),
        ("Tue, 20 Jan 2026 12:01:00 +99999999999999999999", None),
        (
            "Fri, 31 Dec 9999 23:59:59 -2359",
            (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - NOON).total_seconds() + 86340,
        ),
    ],
)
def test_the_header_of_a_wish_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert wished_wait(header, NOON) == seconds


@given(st.text(max_size=60))
def test_no_header_breaks_a_delivery(header: str) -> None:
    wish = wished_wait(header, NOON)
    assert wish is None or wish >= 0


@pytest.mark.parametrize(
    ("seconds", "delay"), [(-5, 0), (0, 0), (0.2, 1), (30, 30), (899.1, 900), (900, 900), (900.1, None), (3000, None)]
)
def test_a_queue_carries_a_quarter_of_an_hour(seconds: float, delay: int | None) -> None:
    assert queue_delay(NOON + seconds * SECOND, NOON) == delay
