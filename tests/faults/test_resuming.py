"""However the writing of a report is interrupted, no section that was finished is asked for, and paid for, again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from chalicelib.domain.clock import now
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.stores import stores
from embedded.lambda_context import LambdaContext
from embedded.resources import dead_letter_url
from tests.model_server import ModelServer
from tests.support.model_calls import parts_answered
from tests.support.service import Service
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(180)

WORDS = 1600
QUERY = f"Write a {WORDS} word technical analysis of backups for a hospital."
LONG_QUERY = "Write a 3000 word technical analysis of backups for a hospital."


@pytest.fixture
def two_at_a_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("LLM_CONCURRENCY", "2")
    monkeypatch.setenv("LLM_SECTION_WORDS", "300")
    monkeypatch.setenv("RESERVE_SECONDS", "1")
    settings.cache_clear()
    return service


def ordered(service: Service, **parameters: Any) -> str:
    return service.create(parameters={"user_query": QUERY} | parameters, output_format="md")


def kept(report_id: str) -> set[str]:
    """Return the names of the finished pieces of a report."""
    return {name for name in stores().checkpoints.load(report_id, now()) if name.startswith("section")}


@contextmanager
def working(service: Service) -> Iterator[Callable[[], None]]:
    """Serve the permits in a thread; what is yielded waits for its end."""
    thread = threading.Thread(target=service.work)
    thread.start()
    try:
        yield lambda: thread.join(60)
    finally:
        thread.join(60)
        assert not thread.is_alive()


def assert_no_part_was_paid_for_twice(model_server: ModelServer) -> None:
    answered = parts_answered(model_server.requests())
    assert len(answered) >= 4, answered
    assert set(answered.values()) == {1}, answered


def test_a_report_longer_than_a_run_of_the_function_is_finished_by_later_permits(
    two_at_a_time: Service, model_server: ModelServer
) -> None:
    service = two_at_a_time
    # More than 7 s of writing, two parts at a time, in runs of 3 s.
    model_server.script.control({"tokens_per_second": 150})
    report_id = ordered(service)
    queue, receives, progress = settings().queue_urls["normal"], [], [0]

    def serve_one() -> bool:
        found = aws.sqs_client().receive_message(QueueUrl=queue, MessageSystemAttributeNames=["All"])
        for message in found.get("Messages", []):
            receives.append(message["Attributes"]["ApproximateReceiveCount"])
            event = {"Records": [{"messageId": "1", "body": message["Body"], "receiptHandle": "r", "attributes": {}}]}
            service.app.generate_normal(event, LambdaContext("generate", 4))
            aws.sqs_client().delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            progress.append(service.report(report_id)["progress_percentage"])
        return bool(found.get("Messages"))

    while serve_one():
        pass

    report = service.report(report_id)
    assert report["status"] == "completed", report
    assert report["word_count"] >= 0.9 * WORDS
    assert report["attempt"] == len(receives) >= 3
    assert set(receives) == {"1"}
    assert progress == sorted(progress)
    assert_no_part_was_paid_for_twice(model_server)
    dead = aws.sqs_client().get_queue_attributes(
        QueueUrl=dead_letter_url(queue), AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert dead["Attributes"]["ApproximateNumberOfMessages"] == "0"
    record = stores().reports.get(report_id)
    assert record is not None
    assert (record.takeovers, record.releases) == (0, len(receives) - 1)


def test_a_worker_that_lost_its_lease_stops_and_the_next_goes_on(
    two_at_a_time: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = two_at_a_time
    monkeypatch.setenv("LEASE_SECONDS", "2")
    settings.cache_clear()
    model_server.script.control({"tokens_per_second": 150})
    report_id = ordered(service)

    def unreachable(*_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="https://dynamodb")

    def taken_back() -> bool:
        service.sweep()
        return service.report(report_id)["status"] == "queued"

    with monkeypatch.context() as cut, working(service):
        cut.setattr(type(stores().reports), "renew", unreachable)
        wait_for(lambda: len(kept(report_id)) >= 3, 60, "three finished parts")
        wait_for(taken_back, 30, "the end of the lease")
    model_server.script.control({"tokens_per_second": 0})
    assert service.finish(report_id)["attempt"] == 2
    assert_no_part_was_paid_for_twice(model_server)


# How a model may become unusable in the middle of a report, and what its owner is told.
FAILURES = {
    "wrong key": ({"kind": "error", "status": 401}, "LLM_API_KEY"),
    "unknown model": ({"kind": "error", "status": 404}, "LLM_MODEL"),
    "outage": ({"kind": "error", "status": 503}, "HTTP 503"),
    "overload": ({"kind": "error", "status": 429, "retry_after": 0}, "HTTP 429"),
    "lost connections": ({"kind": "drop", "after_words": 0}, "closed the connection"),
    "nothing but empty answers": ({"kind": "empty"}, "Too little"),
    "nothing but refusals": ({"kind": "refusal"}, "Too little"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_the_retry_of_a_report_whose_model_became_unusable_goes_on(
    two_at_a_time: Service, model_server: ModelServer, failure: str
) -> None:
    service, (fault, said) = two_at_a_time, FAILURES[failure]
    model_server.script.control({"tokens_per_second": 300})
    report_id = ordered(service, user_query=LONG_QUERY)
    with working(service):
        wait_for(lambda: kept(report_id), 60, "a finished part")
        model_server.fault(**fault, times=None)
    finished_parts = kept(report_id)
    failed = service.report(report_id)
    assert failed["status"] == "failed", failed
    assert said in failed["error_message"]
    assert failed["usage"]["tokens_out"] > 100
    model_server.script.control({"tokens_per_second": 0})
    model_server.script.faults.clear()
    service.post(f"/api/reports/{report_id}/retry")
    assert kept(report_id) == finished_parts
    finished = service.finish(report_id)
    assert finished["retry_count"] == 1
    assert finished["usage"]["calls"] > failed["usage"]["calls"]
    assert_no_part_was_paid_for_twice(model_server)


def test_a_report_that_spent_its_budget_keeps_its_sections_and_stays_within_it(
    two_at_a_time: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = two_at_a_time

    def price(dollars_per_million: float) -> None:
        monkeypatch.setenv("LLM_PRICES", f'{{"scripted-model": [0, {dollars_per_million}]}}')
        settings.cache_clear()

    price(1000)  # a tenth of a cent for a word
    limit = 1.25
    report_id = ordered(service, user_query=LONG_QUERY, max_cost_usd=limit)
    service.work()
    failed = service.report(report_id)
    assert failed["status"] == "failed", failed
    assert f"${limit}" in failed["error_message"]
    assert 0 < failed["usage"]["cost_usd"] <= limit
    finished_parts = kept(report_id)
    assert finished_parts

    # A retry has what is left of the same budget, enough for a short part at most.
    service.post(f"/api/reports/{report_id}/retry")
    service.work()
    again = service.report(report_id)
    assert again["status"] == "failed"
    assert failed["usage"]["cost_usd"] <= again["usage"]["cost_usd"] <= limit
    assert kept(report_id) >= finished_parts

    price(0)
    service.post(f"/api/reports/{report_id}/retry")
    assert service.finish(report_id)["usage"]["cost_usd"] == pytest.approx(again["usage"]["cost_usd"])
    assert_no_part_was_paid_for_twice(model_server)
