import math
import time

import pytest

from chalicelib.generation.watch import Watch


class StoppedError(Exception):
    pass


def test_the_first_failure_is_raised_by_every_later_check() -> None:
    watch = Watch(lambda: None, lambda: math.inf)
    watch.stop(StoppedError("first"))
    watch.stop(StoppedError("second"))
    with pytest.raises(StoppedError, match="first"):
        watch.check()


def test_nothing_is_held_back_where_time_is_enough() -> None:
    asked: list[int] = []
    Watch(lambda: asked.append(1), lambda: 10.0).hold(needed_seconds=5)
    assert asked == []


def test_work_that_the_time_is_too_short_for_waits_for_the_end() -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) > 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        Watch(check, lambda: 30.0, interval=0.001).hold(needed_seconds=60)


def test_work_goes_on_where_the_time_is_over_and_nobody_stops_it() -> None:
    end = time.monotonic() + 0.01
    Watch(lambda: None, lambda: end - time.monotonic(), interval=0.001).hold(needed_seconds=60)
