"""The poller between real queues of the emulator and handlers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from embedded.resources import create_resources, dead_letter_url
from embedded.worker import DEAD_LETTER_SECONDS, IDLE_SECONDS, Source, Worker
from tests.support.emulator_session import EmulatorSession

PRIORITIES = ("urgent", "high", "normal", "low")


class Bench:
    """A worker with handlers that note what they are given."""

    def __init__(self, session: EmulatorSession, prefix: str, visibility_seconds: int = 60) -> None:
        self.sqs = session.client("sqs")
        environment = create_resources(session, prefix, visibility_seconds)
        self.urls = {priority: environment[f"QUEUE_URL_{priority.upper()}"] for priority in PRIORITIES}
        self.bodies: list[str] = []
        self.dead: list[str] = []
        self.events: list[tuple[dict[str, Any], Any]] = []
        self.sweeps = 0
        self.calls = 0
        self.handle: Callable[[str], None] = lambda body: None
        self.sqs.meta.events.register("before-call.sqs", self._count)
        self.worker: Worker | None = None

    def start(self, slots: int = 1, sweep_seconds: float = 0.05) -> None:
        sources = [Source(p, url, f"generate_{p}", self._generate) for p, url in self.urls.items()]
        dead = [Source(f"{p}-dead", dead_letter_url(url), "dead", self._dead) for p, url in self.urls.items()]
        self.worker = Worker(self.sqs, sources, dead, self._sweep, slots, sweep_seconds)
        self.worker.start()

    def send(self, priority: str, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.urls[priority], MessageBody=body)

    def left(self, priority: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.urls[priority], AttributeNames=names)
        return sum(int(value) for value in answer["Attributes"].values())

    def _count(self, **_: Any) -> None:
        self.calls += 1

    def _generate(self, event: dict[str, Any], context: Any) -> None:
        self.events.append((event, context))
        body = event["Records"][0]["body"]
        self.bodies.append(body)
        self.handle(body)

    def _dead(self, event: dict[str, Any], context: Any) -> None:
        self.dead.append(event["Records"][0]["body"])

    def _sweep(self, event: dict[str, Any], context: Any) -> None:
        assert event["detail-type"] == "Scheduled Event"
        self.sweeps += 1
        if self.sweeps == 2:
            raise RuntimeError("one sweep fails")


@pytest.fixture
def bench(session: EmulatorSession, request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(session, f"t{abs(hash(request.node.name)) % 10**8}", getattr(request, "param", 60))
    yield made
    if made.worker:
        made.worker.stop(5)


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_a_handled_message_is_deleted(bench: Bench) -> None:
    bench.send("normal", "one")
    bench.start()
    wait_for(lambda: bench.left("normal") == 0)
    assert bench.bodies == ["one"]


def test_a_handler_sees_what_lambda_would_show_it(bench: Bench) -> None:
    bench.send("high", "one")
    bench.start()
    wait_for(lambda: bool(bench.events))
    event, context = bench.events[0]
    record = event["Records"][0]
    assert len(event["Records"]) == 1
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith("-reports-high")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert context.function_name == "generate_high"
    assert context.aws_request_id
    assert 890_000 < context.get_remaining_time_in_millis() <= 900_000


def test_higher_priorities_are_taken_first_and_the_fifth_message_relieves_the_lowest(bench: Bench) -> None:
    for number in range(3):
        for priority in reversed(PRIORITIES):
            bench.send(priority, f"{priority}{number}")
    bench.start(slots=1)
    wait_for(lambda: len(bench.bodies) == 12)
    served = [body.rstrip("0123456789") for body in bench.bodies]
    assert served[:5] == ["urgent"] * 3 + ["high", "low"]
    assert served[5:9] == ["high", "high", "normal", "normal"]


def test_a_failed_message_stays_and_the_worker_goes_on(bench: Bench) -> None:
    def fail_on_poison(body: str) -> None:
        if body == "poison":
            raise RuntimeError("no")

    bench.handle = fail_on_poison
    bench.send("urgent", "poison")
    bench.send("low", "fine")
    bench.start()
    wait_for(lambda: bench.left("low") == 0)
    assert bench.bodies == ["poison", "fine"]
    assert bench.left("urgent") == 1


@pytest.mark.parametrize("bench", [0], indirect=True)
def test_a_message_that_always_fails_reaches_the_dead_letter_function(bench: Bench) -> None:
    def fail(body: str) -> None:
        raise RuntimeError("no")

    bench.handle = fail
    bench.send("urgent", "poison")
    bench.start()
    wait_for(lambda: bench.dead == ["poison"], seconds=DEAD_LETTER_SECONDS * 3 + 5)
    assert bench.bodies == ["poison"] * 5


def test_as_many_messages_are_handled_side_by_side_as_there_are_slots(bench: Bench) -> None:
    together = threading.Barrier(3)
    bench.handle = lambda body: together.wait(10) and None
    for number in range(3):
        bench.send("normal", str(number))
    bench.start(slots=3)
    wait_for(lambda: bench.left("normal") == 0)


def test_while_all_slots_are_busy_messages_stay_on_their_queue(bench: Bench) -> None:
    release = threading.Event()
    bench.handle = lambda body: release.wait(10) and None
    bench.send("low", "first")
    bench.start(slots=1)
    wait_for(lambda: bench.bodies == ["first"])
    bench.send("low", "second")
    bench.send("urgent", "third")
    release.set()
    wait_for(lambda: len(bench.bodies) == 3)
    assert bench.bodies == ["first", "third", "second"]


def test_an_idle_worker_is_cheap_and_still_quick(bench: Bench) -> None:
    bench.start(slots=4)
    wait_for(lambda: bench.calls > 4)
    before, started = bench.calls, time.monotonic()
    wait_for(lambda: time.monotonic() - started > 4 * IDLE_SECONDS)
    per_second = (bench.calls - before) / (time.monotonic() - started)
    assert per_second <= 20
    started = time.monotonic()
    bench.send("low", "x")
    wait_for(lambda: bench.bodies == ["x"])
    assert time.monotonic() - started < 5  # 0.4 s between two looks, and room for a busy machine


def test_the_sweep_runs_again_and_again_even_after_a_failure(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.start()
    wait_for(lambda: bench.sweeps >= 3)
    assert "RuntimeError" in caplog.text
    assert "one sweep fails" not in caplog.text, "a message may quote what somebody wrote"


def test_stopping_lets_a_running_handler_end_and_takes_nothing_more(bench: Bench) -> None:
    begun, release = threading.Event(), threading.Event()

    def handle(body: str) -> None:
        begun.set()
        release.wait(10)

    bench.handle = handle
    bench.send("normal", "running")
    bench.send("normal", "waiting")
    bench.start(slots=1)
    assert begun.wait(10)
    assert bench.worker is not None
    threading.Timer(0.2, release.set).start()
    assert bench.worker.stop(5)
    assert bench.bodies == ["running"]
    assert bench.left("normal") == 1


def test_a_handler_that_does_not_end_is_not_waited_for_longer_than_the_grace(bench: Bench) -> None:
    release = threading.Event()
    bench.handle = lambda body: release.wait(20) and None
    bench.send("normal", "endless")
    bench.start(slots=1)
    wait_for(lambda: bool(bench.bodies))
    started = time.monotonic()
    assert bench.worker is not None
    assert not bench.worker.stop(0.3)
    assert time.monotonic() - started < 2
    release.set()
