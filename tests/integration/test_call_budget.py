"""AWS calls per warm request, counted through botocore's events. They are what a request costs.

Everything is on that a deployment has: limits, the audit, and names of requests (``Idempotency-Key``).
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from chalicelib.domain.clock import now, stamp
from chalicelib.domain.rate import LIMIT_NAMES
from chalicelib.domain.report import Report
from chalicelib.services.keys import forget_keys
from chalicelib.services.limits import forget_windows
from chalicelib.services.queue_figures import forget_figures
from chalicelib.settings import settings
from chalicelib.stores.report_store import to_item
from chalicelib.stores.stores import stores
from tests.support.service import TEMPLATE_ID, Service, counted_calls, new_report
from tests.support.table_state import add_items

FEW, MANY = 10, 5_000

pytestmark = pytest.mark.timeout(300)


def waiting_reports(count: int) -> list[Report]:
    """Return reports of alice as a create request makes them, the oldest first."""
    start = now() - timedelta(hours=1)
    moments = [stamp(start + timedelta(milliseconds=number)) for number in range(count)]
    return [
        Report(
            id=str(uuid.uuid4()),
            owner="alice",
            created_at=moment,
            title=f"Report {number} about network segmentation",
            description="What was asked for, in a sentence of an ordinary length.",
            template_id=TEMPLATE_ID,
            template_name="Bee Conversational Report",
            priority="normal",
            output_format="pdf",
            scrambling_enabled=True,
            honey_jar_id=None,
            parameters={"user_query": "Write about network segmentation. " * 10},
            warnings=("a warning",),
            status="queued",
            queued_at=moment,
        )
        for number, moment in enumerate(moments)
    ]


def fill(count: int) -> list[str]:
    """Store ``count`` waiting reports, straight in the emulator's table, and count them as the service does."""
    due = now() + timedelta(hours=1)
    reports = waiting_reports(count)
    add_items(settings().reports_table, (to_item(report, due) for report in reports))
    stores().figures.add({"waiting_normal": count})
    return [report.id for report in reports]


def check_total_and_positions(service: Service, waiting: list[str]) -> None:
    total = len(waiting)
    assert service.get("/api/reports/?limit=1").json()["data"]["pagination"]["total"] == total
    oldest, third, newest = (service.report(waiting[i]) for i in (0, 2, -1))
    assert (oldest["queue_position"], third["queue_position"]) == (1, 3)
    assert newest["queue_position"] == total
    assert newest.get("queue_position_is_estimate", False) == (total > 1000)


@pytest.fixture
def limited(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service with limits, high enough for what is sent here."""
    for name in LIMIT_NAMES:
        monkeypatch.setenv(f"RATE_LIMIT_{name.upper()}", "100/minute")
    settings.cache_clear()
    yield service
    settings.cache_clear()


@pytest.fixture(params=[FEW, MANY])
def waiting(request: pytest.FixtureRequest, limited: Service) -> list[str]:
    """Reports that wait: a few, and very many."""
    return fill(request.param)


def create(service: Service) -> object:
    return service.post("/api/reports/", new_report(), headers={"Idempotency-Key": str(uuid.uuid4())})


def calls_of(request: Callable[[], object]) -> tuple[Counter[str], Counter[str]]:
    """Return the calls of a request to a process that knows nothing yet, and of the same request after it."""
    forget_keys()
    forget_figures()
    forget_windows()
    with counted_calls() as cold:
        request()
    with counted_calls() as warm:
        request()
    return cold, warm


def test_calls_and_positions_at_this_depth(service: Service, waiting: list[str]) -> None:
    """Every budget at this depth of the queue and number of reports, warm and cold; and true figures."""
    check_total_and_positions(service, waiting)
    newest, total = waiting[-1], len(waiting)
    requests: dict[str, tuple[int, Callable[[], object]]] = {
        "create": (5, lambda: create(service)),
        "estimate": (0, lambda: service.post("/api/reports/estimate", new_report())),
        "detail": (2, lambda: service.get(f"/api/reports/{newest}")),
        "list": (4, lambda: service.get("/api/reports/?limit=20")),
        "list by status": (4, lambda: service.get("/api/reports/?status=queued&limit=20")),
        "queue status": (2, lambda: service.get("/api/reports/public/queue/status", key=None)),
        "templates": (1, lambda: service.get("/api/reports/templates")),
    }
    for name, (budget, request) in requests.items():
        cold, warm = calls_of(request)
        assert warm.total() <= budget, (name, warm)
        assert cold.total() <= budget + 2, (name, cold)
    with counted_calls() as from_an_offset:
        service.get(f"/api/reports/?limit=20&offset={total - 5}")
    assert from_an_offset.total() <= 4
    assert calls_of(requests["create"][1])[1] == {
        "UpdateItem": 2,  # limit and figures
        "TransactWriteItems": 1,  # the report and its entry in the audit
        "SendMessage": 1,
        "Query": 1,
    }


def test_the_public_status_is_cached(service: Service) -> None:
    service.get("/api/reports/queue/status", key=None)
    with counted_calls() as calls:
        for _ in range(10):
            service.get("/api/reports/queue/status", key=None)
    assert calls.total() == 0
