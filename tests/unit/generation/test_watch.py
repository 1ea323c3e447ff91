import pytest

from chalicelib.generation.watch import Watch


class StoppedError(Exception):
    pass


def test_the_first_failure_is_raised_by_every_later_check() -> None:
    watch = Watch(lambda: None)
    watch.stop(StoppedError("first"))
    watch.stop(StoppedError("second"))
    with pytest.raises(StoppedError, match="first"):
        watch.check()


def test_nothing_is_held_back_where_time_is_enough() -> None:
    asked: list[int] = []
    Watch(lambda: asked.append(1)).hold(remaining_seconds=10, needed_seconds=5)
    assert asked == []


def test_work_that_the_time_is_too_short_for_waits_for_the_end() -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) > 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        Watch(check, interval=0.001).hold(remaining_seconds=30, needed_seconds=60)


def test_work_goes_on_where_the_time_is_over_and_nobody_stops_it() -> None:
    Watch(lambda: None, interval=0.001).hold(remaining_seconds=0.01, needed_seconds=60)
