"""Duplicate and parallel deliveries are harmless: SQS delivers at least once, in any order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.model_server import ModelServer
from tests.support.service import Service


def test_a_permit_delivered_twice_after_the_end_changes_nothing(service: Service, model_server: ModelServer) -> None:
    report_id = service.create(output_format="md")
    body = service.permits("normal")[0]
    service.deliver("normal", body)
    first = service.report(report_id)
    asked = len(model_server.requests())
    service.deliver("normal", body)
    assert service.report(report_id) == first
    assert len(model_server.requests()) == asked


def test_a_permit_delivered_to_many_workers_at_once_writes_one_report(
    service: Service, model_server: ModelServer
) -> None:
    report_id = service.create(output_format="md")
    body = service.permits("normal")[0]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: service.deliver("normal", body), range(6)))
    report = service.report(report_id)
    assert (report["status"], report["attempt"]) == ("completed", 1)
    prompts = [r.prompt for r in model_server.requests()]
    assert len(prompts) == len(set(prompts)) == report["usage"]["calls"]


def test_one_permit_for_two_reports_leaves_the_second_to_the_sweep(service: Service) -> None:
    first, second = service.create(output_format="md"), service.create(output_format="md")
    bodies = service.permits("normal")
    service.deliver("normal", bodies[1])
    assert [service.report(i)["status"] for i in (first, second)] == ["completed", "queued"]
    service.deliver("normal", bodies[0])
    assert service.report(second)["status"] == "completed"
