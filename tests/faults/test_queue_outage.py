"""SQS or DynamoDB is down while a report is created: nothing is lost, nothing is half written."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from chalicelib.domain.clock import now
from chalicelib.services import sweep
from chalicelib.stores import aws
from tests.support.service import Service, new_report


class Outage:
    """Answers chosen operations of a client with a 500, as botocore reports it when AWS keeps doing so."""

    def __init__(self, client: Any, *operations: str) -> None:
        self._client, self._operations = client, operations

    def _answer(self, model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        if model.name not in self._operations:
            return None
        error = {"Error": {"Code": "InternalServerError", "Message": "down"}, "ResponseMetadata": {}}
        return AWSResponse("", 500, {}, None), error

    def __enter__(self) -> Outage:
        self._client.meta.events.register("before-call", self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.meta.events.unregister("before-call", self._answer)


class TestOutage:
    def test_sqs_down_is_201_pending_and_the_sweep_queues_it(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Outage(aws.sqs_client(), "SendMessage"):
            answer = service.post("/api/reports/", new_report())
        assert answer.status == 201
        report = answer.json()["data"]["report"]
        assert report["status"] == "pending"
        assert service.get("/api/reports/?status=pending").json()["data"]["pagination"]["total"] == 1
        later(monkeypatch)
        service.sweep()
        assert service.report(report["id"])["status"] == "queued"
        assert {json.loads(b)["report_id"] for b in service.permits("normal")} == {report["id"]}

    def test_a_pending_report_can_be_claimed_by_anothers_permit(self, service: Service) -> None:
        with Outage(aws.sqs_client(), "SendMessage"):
            pending = service.create("first", output_format="md")
        second = service.create("second", output_format="md")
        service.work()
        assert service.report(pending)["status"] == "completed"
        assert service.report(second)["status"] == "queued"

    def test_dynamodb_down_is_500_with_nothing_stored_and_nothing_queued(self, service: Service) -> None:
        with Outage(aws.dynamodb_client(), "TransactWriteItems"):
            answer = service.post("/api/reports/", new_report())
        assert (answer.status, answer.json()) == (500, {"success": False, "error": "Failed to queue report"})
        assert service.get("/api/reports/").json()["data"]["pagination"]["total"] == 0
        assert service.permits("normal") == []

    @pytest.mark.parametrize("operation", ["UpdateItem", "Query"])
    def test_trouble_after_the_report_is_stored_is_no_error(self, service: Service, operation: str) -> None:
        with Outage(aws.dynamodb_client(), operation):
            answer = service.post("/api/reports/", new_report())
        assert answer.status == 201
        assert answer.json()["data"]["queue_position"] is None
        assert len(service.permits("normal")) == 1

    def test_dynamodb_down_while_reading_is_a_500_in_the_envelope(self, service: Service) -> None:
        report_id = service.create()
        with Outage(aws.dynamodb_client(), "BatchGetItem"):
            answer = service.get(f"/api/reports/{report_id}")
        assert (answer.status, answer.json()) == (500, {"success": False, "error": "Internal server error"})


def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Let the sweep think that two minutes have passed."""
    moved = lambda: now() + timedelta(minutes=2)  # noqa: E731
    monkeypatch.setattr(sweep, "now", moved)
    return moved
