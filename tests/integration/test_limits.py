"""Limits: exact in every window, whoever asks at the same time, in one write, and given back where that is fair."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.domain.rate import LimitName
from chalicelib.services import limits
from chalicelib.services.key_usage import note_use, take_pending, usage_of
from chalicelib.services.limits import LimitReachedError, admit, forget_windows, give_back
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.dynamodb import Table
from tests.support.service import counted_calls
from tests.support.tables import made_resources


class Clock:
    """A clock for the limits that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def time_ns(self) -> int:
        return int(self.seconds * 1_000_000_000)


@pytest.fixture(scope="module", autouse=True)
def _resources() -> Iterator[None]:
    with made_resources():
        yield


@pytest.fixture
def rate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ten an hour, as the contract has it for creations."""
    monkeypatch.setenv("RATE_LIMIT_CREATE", "10/hour")
    settings.cache_clear()
    forget_windows()
    yield
    settings.cache_clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(limits, "time", made)
    return made


@contextmanager
def longest_expression() -> Iterator[list[int]]:
    """Note how long the longest update expression is that is sent; DynamoDB takes 4 KB."""
    longest = [0]

    def note(params: dict[str, Any], **_: Any) -> None:
        longest[0] = max(longest[0], len(json.loads(params["body"])["UpdateExpression"]))

    events = aws.dynamodb_client().meta.events
    events.register("before-call.dynamodb.UpdateItem", note)
    yield longest
    events.unregister("before-call.dynamodb.UpdateItem", note)


def try_to(caller: str, limit: LimitName = "create") -> bool:
    try:
        admit(caller, limit)
    except LimitReachedError:
        return False
    return True


@pytest.mark.usefixtures("rate")
class TestExactness:
    def test_of_fifty_at_once_ten_are_admitted(self) -> None:
        with ThreadPoolExecutor(50) as pool, counted_calls() as calls:
            admitted = list(pool.map(lambda _: try_to("fifty at once"), range(50)))
        assert sum(admitted) == 10
        assert calls.total() <= 2 * 50

    def test_processes_that_know_nothing_of_each_other_admit_ten(self) -> None:
        def from_cold(_: int) -> bool:
            forget_windows()
            return try_to("cold processes")

        with ThreadPoolExecutor(50) as pool:
            assert sum(pool.map(from_cold, range(50))) == 10

    def test_no_window_of_an_hour_has_more_than_ten(self, clock: Clock) -> None:
        chance = random.Random(7)
        admitted: list[float] = []
        for _ in range(150):
            clock.seconds += chance.choice([0, 1, 30, 400, 1500])
            if try_to("sliding"):
                admitted.append(clock.seconds)
        assert len(admitted) > 20
        for number, moment in enumerate(admitted):
            assert sum(moment <= other < moment + 3600 for other in admitted[number:]) <= 10

    def test_nobody_is_refused_who_has_room(self, clock: Clock) -> None:
        """A second model of the window, without slots, agrees on every request."""
        chance = random.Random(11)
        admitted: list[float] = []
        for _ in range(150):
            clock.seconds += chance.choice([0.5, 60, 700]) + chance.random()
            has_room = sum(moment > clock.seconds - 3599.99 for moment in admitted) < 10
            assert try_to("room") == has_room
            if has_room:
                admitted.append(clock.seconds)

    def test_callers_and_limits_are_apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_LIST", "1/minute")
        settings.cache_clear()
        assert all(try_to("one") for _ in range(10))
        assert not try_to("one")
        assert try_to("two")
        assert try_to("one", "list")
        assert not try_to("one", "list")


@pytest.mark.usefixtures("rate")
class TestCalls:
    def test_a_request_costs_one_call_warm_or_cold(self) -> None:
        with counted_calls() as cold:
            admit("calls", "create")
        assert cold == {"UpdateItem": 1}
        for _ in range(9):
            with counted_calls() as warm:
                admit("calls", "create")
            assert warm == {"UpdateItem": 1}
        with counted_calls() as refused, pytest.raises(LimitReachedError):
            admit("calls", "create")
        assert refused == {"UpdateItem": 1}

    def test_a_process_that_knows_nothing_needs_two_at_most(self) -> None:
        for _ in range(10):
            forget_windows()
            with counted_calls() as calls:
                admit("cold", "create")
            assert calls.total() <= 2

    def test_outdated_counts_of_usage_go_a_few_with_each_write(self) -> None:
        """One expression has no room for all of them, and must not fail for that for ever."""
        names = [f"u19000_ak_{number:024x}" for number in range(150)]
        Table(settings().access_table).put({"pk": "L#outdated", "sk": "create", **dict.fromkeys(names, 1)})
        with longest_expression() as longest:
            for _ in range(9):
                admit("outdated", "create")
        item = Table(settings().access_table).get(("L#outdated", "create"))
        assert item is not None
        assert [name for name in item if name.startswith("u19000")] == []
        assert longest[0] < 4096

    def test_usage_of_many_keys_goes_with_several_writes(self) -> None:
        for number in range(90):
            note_use("many keys", f"ak_{number:024x}")
        with longest_expression() as longest:
            for _ in range(5):
                admit("many keys", "create")
        assert longest[0] < 4096
        assert take_pending("many keys") == {}
        assert sum(sum(usage_of("many keys", f"ak_{number:024x}", 1).values()) for number in (0, 45, 89)) == 3

    def test_a_limit_that_is_off_costs_nothing(self) -> None:
        with counted_calls() as calls:
            assert admit("off", "list") is None
        assert calls.total() == 0


@pytest.mark.usefixtures("rate")
class TestGivingBack:
    def test_what_is_given_back_can_be_taken_again_once(self) -> None:
        admissions = [admit("back", "create") for _ in range(10)]
        assert not try_to("back")
        ticket = admissions[3].ticket if admissions[3] else None
        assert ticket is not None
        give_back(ticket)
        give_back(ticket)
        assert try_to("back")
        give_back(ticket)  # somebody else has that slot by now
        assert not try_to("back")

    def test_what_has_left_its_window_costs_no_call(self, clock: Clock) -> None:
        admission = admit("late", "create")
        assert admission is not None
        clock.seconds += 3601
        with counted_calls() as calls:
            give_back(admission.ticket)
        assert calls.total() == 0


@pytest.mark.usefixtures("rate")
class TestStanding:
    def test_it_tells_what_is_left_and_when_the_next_is_free(self, clock: Clock) -> None:
        start = clock.seconds
        standings = []
        for _ in range(10):
            admission = admit("standing", "create")
            assert admission is not None
            standings.append(admission.standing)
            clock.seconds += 60
        assert [s.remaining for s in standings] == list(range(9, -1, -1))
        assert {s.requests for s in standings} == {10}
        assert {s.resets_at for s in standings} <= {start + 3600, start + 3601}
        with pytest.raises(LimitReachedError) as refused:
            admit("standing", "create")
        assert refused.value.standing.remaining == 0
        assert refused.value.retry_after in (3000, 3001)
        clock.seconds += refused.value.retry_after
        assert try_to("standing")
        assert not try_to("standing")

    def test_a_lower_limit_counts_what_a_higher_one_let_through(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(10):
            admit("lowered", "create")
            clock.seconds += 10
        monkeypatch.setenv("RATE_LIMIT_CREATE", "3/hour")
        settings.cache_clear()
        with pytest.raises(LimitReachedError) as refused:
            admit("lowered", "create")
        assert refused.value.standing.remaining == 0


def test_the_window_is_of_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_CREATE", "2/second")
    settings.cache_clear()
    assert try_to("real")
    assert try_to("real")
    refused_at = time.monotonic()
    assert not try_to("real")
    while not try_to("real"):
        assert time.monotonic() < refused_at + 5
    settings.cache_clear()
