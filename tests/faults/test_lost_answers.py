"""The answer to a write is lost and the SDK sends it again: the service recognises its own write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.services.claims import claim_next
from chalicelib.stores import aws
from chalicelib.stores.permit_queue import Permit
from tests.faults.test_queue_outage import Outage
from tests.support.service import Service, new_report


class LostAnswer:
    """Makes botocore send the next call of an operation twice, as after a timeout."""

    def __init__(self, operation: str) -> None:
        self._client: Any = aws.dynamodb_client()
        self._event = f"needs-retry.dynamodb.{operation}"
        self.sent_again = 0

    def _again(self, attempts: int, **_: Any) -> float | None:
        if attempts > 1 or self.sent_again:
            return None
        self.sent_again += 1
        return 0.0

    def __enter__(self) -> LostAnswer:
        self._client.meta.events.register_first(self._event, self._again)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.meta.events.unregister(self._event, self._again)
        assert self.sent_again == 1


def test_create_is_201_with_one_report_and_one_permit(service: Service) -> None:
    with LostAnswer("TransactWriteItems"):
        assert service.post("/api/reports/", new_report()).status == 201
    assert service.get("/api/reports/").json()["data"]["pagination"]["total"] == 1
    assert len(service.permits("normal")) == 1


def test_create_is_201_if_the_report_turns_out_to_be_stored(service: Service) -> None:
    def stored_but_unanswered(**_: Any) -> None:
        from botocore.exceptions import ReadTimeoutError

        raise ReadTimeoutError(endpoint_url="")

    events = aws.dynamodb_client().meta.events
    events.register("after-call.dynamodb.TransactWriteItems", stored_but_unanswered)
    try:
        assert service.post("/api/reports/", new_report()).status == 201
    finally:
        events.unregister("after-call.dynamodb.TransactWriteItems", stored_but_unanswered)
    assert service.get("/api/reports/").json()["data"]["pagination"]["total"] == 1
    assert len(service.permits("normal")) == 1


def test_cancel_is_a_success(service: Service) -> None:
    report_id = service.create()
    with LostAnswer("TransactWriteItems"):
        assert service.post(f"/api/reports/{report_id}/cancel").status == 200
    figures = service.get("/api/reports/queue/status").json()["data"]
    assert figures["pending_reports"] == 0


def test_a_claim_is_kept(service: Service) -> None:
    report_id = service.create()
    with LostAnswer("UpdateItem"):
        report = claim_next(Permit("normal", report_id))
    assert report is not None
    assert (report.id, report.attempt) == (report_id, 1)


def test_two_real_retries_at_once_are_one(service: Service) -> None:
    report_id = service.create(output_format="md", parameters={"user_query": "q"})
    for body in service.permits("normal"):
        claimed = claim_next(Permit("normal", json.loads(body)["report_id"]))
        assert claimed is not None
        from chalicelib.domain.clock import now
        from chalicelib.stores.stores import stores

        stores().reports.fail(claimed, "a reason", now())
    with LostAnswer("TransactWriteItems"):
        assert service.post(f"/api/reports/{report_id}/retry").status == 200
    assert len(service.permits("normal")) == 1
    assert service.post(f"/api/reports/{report_id}/retry").status == 400


@pytest.mark.parametrize("operation", ["SendMessage"])
def test_a_report_taken_back_while_sqs_is_down_is_pending_and_due_soon(service: Service, operation: str) -> None:
    from datetime import timedelta

    from chalicelib.domain.clock import now
    from chalicelib.services.sweep import recover
    from chalicelib.stores.stores import stores

    report_id = service.create()
    report = claim_next(Permit("normal", report_id))
    assert report is not None
    stores().reports.renew(report, now() - timedelta(hours=1), timedelta(seconds=1), 40, "writing", 10)
    with Outage(aws.sqs_client(), operation):
        assert recover(report_id) == "taken back"
    assert service.report(report_id)["status"] == "pending"
    soon = now() + timedelta(minutes=1)
    assert report_id in [r.id for r in stores().reports.due_reports(soon)]
