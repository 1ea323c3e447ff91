"""An endpoint that is down is left alone for a minute, then probed by one request at a time."""

from chalicelib.generation.endpoint_errors import EndpointDown
from chalicelib.generation.outage import Outage

DOWN = EndpointDown("down")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_there_is_no_outage_before_a_failure() -> None:
    assert Outage().failure is None


def test_a_failed_endpoint_is_left_alone_for_its_time() -> None:
    clock = Clock()
    outage = Outage(60, clock)
    outage.begin(DOWN)
    assert outage.failure is DOWN
    clock.now += 59.9
    assert not outage.may_probe()
    clock.now += 0.1
    assert outage.may_probe()


def test_one_request_at_a_time_probes() -> None:
    clock = Clock()
    outage = Outage(60, clock)
    outage.begin(DOWN)
    clock.now += 60
    assert [outage.may_probe() for _ in range(3)] == [True, False, False]
    clock.now += 60
    assert outage.may_probe()


def test_an_answer_ends_the_outage() -> None:
    outage = Outage(60, Clock())
    outage.begin(DOWN)
    outage.end()
    assert outage.failure is None
