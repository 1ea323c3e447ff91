"""One deadline over any number of waits."""

from __future__ import annotations

import threading
import time

import pytest

from chalicelib.bounded_http.deadline import Deadline


def test_what_is_left_shrinks_to_an_error() -> None:
    deadline = Deadline(0.05)
    assert 0 < deadline.left() <= 0.05
    time.sleep(0.06)
    with pytest.raises(TimeoutError):
        deadline.left()


def test_a_sooner_deadline_never_ends_later() -> None:
    deadline = Deadline(10)
    assert deadline.sooner(1).left() <= 1
    assert deadline.sooner(100).left() <= 10
    with pytest.raises(TimeoutError):
        Deadline(-1).sooner(100)


def test_a_call_ends_as_it_would_have_by_itself() -> None:
    def fail() -> None:
        raise KeyError("why")

    assert Deadline(5).wait_for(lambda: 7) == 7
    with pytest.raises(KeyError, match="why"):
        Deadline(5).wait_for(fail)


def test_a_call_that_takes_too_long_is_left_alone() -> None:
    over = threading.Event()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        Deadline(0.05).wait_for(lambda: over.wait(10))
    over.set()
    assert time.monotonic() - started < 2
