"""Cancelling stops the requests to the model that are in flight, at once, and nothing turns it back."""

from __future__ import annotations

import threading
import time

import pytest

from chalicelib.stores.stores import stores
from tests.model_server import ModelServer
from tests.support.service import Service
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(("fault", "options"), [("hang", {}), ("slow", {"tokens_per_second": 3})])
def test_the_model_sees_its_clients_leave_within_two_seconds(
    service: Service, model_server: ModelServer, fault: str, options: dict[str, float]
) -> None:
    model_server.fault(fault, times=None, **options)
    report_id = service.create(output_format="md")
    worker = threading.Thread(target=service.work)
    worker.start()
    wait_for(lambda: model_server.script.state()["in_flight"] > 0, 30, "a request in flight")

    assert service.post(f"/api/reports/{report_id}/cancel").status == 200
    cancelled = time.monotonic()
    wait_for(lambda: model_server.script.state()["in_flight"] == 0, 10, "the end of the requests")

    left = max(request.at + request.seconds for request in model_server.requests())
    assert left - cancelled <= 2
    worker.join(10)
    assert not worker.is_alive()
    assert {request.outcome for request in model_server.requests()} == {"aborted"}
    assert service.report(report_id)["status"] == "cancelled"


def test_a_cancelled_report_stays_cancelled(service: Service, model_server: ModelServer) -> None:
    model_server.fault("hang", times=None)
    report_id = service.create(output_format="md")
    worker = threading.Thread(target=service.work)
    worker.start()
    wait_for(lambda: model_server.script.state()["in_flight"] > 0, 30, "a request in flight")
    service.post(f"/api/reports/{report_id}/cancel")
    worker.join(20)
    asked = len(model_server.requests())
    service.sweep()
    service.deliver("normal", f'{{"report_id": "{report_id}"}}')
    assert service.post(f"/api/reports/{report_id}/retry").status == 400
    shown = service.report(report_id)
    assert (shown["status"], shown["download_url"], len(model_server.requests())) == ("cancelled", None, asked)
    assert stores().artifacts.discard(report_id) == []
