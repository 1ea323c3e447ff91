"""How long an endpoint is tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.endpoint_errors import TryAgain
from chalicelib.generation.retrying import LONGEST_BACKOFF_SECONDS, LONGEST_WAIT_SECONDS, Persistence, wait_seconds

BUSY = TryAgain("busy")
UNREACHED = TryAgain("nobody there", unreached=True)


def test_waits_double_up_to_a_limit() -> None:
    waits = [wait_seconds(tries, None) for tries in range(1, 40)]
    for wait, expected in zip(waits, [0.5, 1, 2, 4, 8], strict=False):
        assert 0.7 * expected <= wait <= 1.3 * expected
    assert max(waits) <= LONGEST_BACKOFF_SECONDS * 1.25


@given(st.integers(1, 10_000), st.floats(0, 1e6))
def test_the_endpoints_wish_is_kept_within_reason(tries: int, wish: float) -> None:
    wait = wait_seconds(tries, wish)
    assert min(wish, LONGEST_WAIT_SECONDS) <= wait <= LONGEST_WAIT_SECONDS * 1.1


@pytest.mark.parametrize(
    ("tries", "elapsed", "over"), [(4, 1000, False), (5, 9.9, False), (5, 10, True), (50, 9, False), (6, 11, True)]
)
def test_both_tries_and_time_must_be_used_up(tries: int, elapsed: float, over: bool) -> None:
    assert Persistence(5, 10).is_over(tries, elapsed, BUSY) is over
    assert Persistence(5, 10).is_over(tries, elapsed, UNREACHED) is over


def test_with_a_fallback_nobody_waits_for_an_endpoint_that_takes_no_request() -> None:
    persistence = Persistence(5, 10).before_a_fallback()
    assert not persistence.is_over(1, 0, UNREACHED)
    assert persistence.is_over(2, 0, UNREACHED)
    assert not persistence.is_over(2, 0, BUSY)


def test_giving_up_says_why_and_after_how_many_tries() -> None:
    assert str(Persistence(1, 0).given_up(BUSY, 1)) == "busy (tried once)"
    assert str(Persistence(1, 0).given_up(BUSY, 7)) == "busy (tried 7 times)"
