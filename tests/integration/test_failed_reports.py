"""What the alarm on failing reports rests on: one line in the log for each, which Terraform's filter finds."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.domain.clock import now
from chalicelib.services import claims
from chalicelib.services.claims import claim_next
from chalicelib.settings import settings
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.stores import stores
from tests.model_server import ModelServer
from tests.support.service import Service

ROOT = Path(__file__).resolve().parents[2]
ALARMS = (ROOT / "infra" / "terraform" / "alarms.tf").read_text("utf-8")
SECRET = "Projekt Nordlicht"


def filter_phrase() -> str:
    """Return what the metric filter looks for: CloudWatch takes a pattern in double quotes as an exact phrase."""
    found = re.search(r'failed_metric = \{.*pattern = ("(?:[^"\\]|\\.)*")', ALARMS)
    assert found
    pattern: str = json.loads(found[1])
    assert re.fullmatch(r'"\w+"', pattern)
    return pattern.strip('"')


def counted(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the lines that the alarm counts."""
    return [record for record in caplog.records if filter_phrase() in record.getMessage()]


def refused(service: Service, model: ModelServer) -> str:
    """Return a report whose model refuses it, and quotes what it was sent."""
    model.fault("error", status=400, times=None, message=f"no: {SECRET}")
    report_id = service.create(SECRET, parameters={"user_query": f"Write about {SECRET}."})
    service.work()
    return report_id


def abandoned_too_often(service: Service, recover: Callable[[str], None]) -> str:
    report_id = service.create(SECRET)
    for _ in range(settings().max_takeovers + 1):
        service.permits("normal")
        report = claim_next(Permit("normal", report_id))
        assert report is not None
        stores().reports.renew(report, now() - timedelta(hours=1), timedelta(seconds=1), 40, "writing", 10)
        recover(report_id)
    return report_id


def given_up_by_the_sweep(service: Service, model: ModelServer) -> str:
    return abandoned_too_often(service, lambda _: service.sweep())


def given_up_by_a_dead_letter(service: Service, model: ModelServer) -> str:
    def deliver(report_id: str) -> None:
        service.app.dead_letters({"Records": [{"body": json.dumps({"report_id": report_id})}]}, None)

    return abandoned_too_often(service, deliver)


def handed_on_for_ever(service: Service, model: ModelServer) -> str:
    report_id = service.create(SECRET)
    for _ in range(claims.MAX_RELEASES + 1):
        service.deliver("normal", json.dumps({"report_id": report_id}), remaining_seconds=5)
    return report_id


@pytest.mark.parametrize(
    "failing", [refused, given_up_by_the_sweep, given_up_by_a_dead_letter, handed_on_for_ever], ids=lambda f: f.__name__
)
def test_a_report_that_fails_is_counted_once_with_its_reason_and_nothing_private(
    service: Service,
    model_server: ModelServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    failing: Callable[[Service, ModelServer], str],
) -> None:
    monkeypatch.setattr(claims, "MAX_RELEASES", 1)
    report_id = failing(service, model_server)
    shown = service.report(report_id)
    assert shown["status"] == "failed"
    (record,) = counted(caplog)
    line = record.getMessage()
    assert line.startswith(filter_phrase())
    assert f"report_id={report_id}" in line
    assert f"attempt={shown['attempt']} " in line
    assert shown["error_message"] in line
    assert SECRET not in line
    # Below that, Lambda would need to be told to write it.
    assert record.levelno >= logging.WARNING


def test_a_report_that_succeeds_is_not_counted(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.finish(service.create(output_format="md"))
    assert counted(caplog) == []


def test_a_cancelled_report_is_not_counted(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.post(f"/api/reports/{service.create()}/cancel")
    service.work()
    assert counted(caplog) == []


def test_no_report_fails_on_another_way() -> None:
    callers = [
        path.name
        for path in (ROOT / "chalicelib").rglob("*.py")
        if re.search(r"reports\.fail\(", path.read_text("utf-8"))
    ]
    assert callers == ["fail_report.py"]


def test_every_function_that_may_end_a_report_is_listened_to() -> None:
    others = " && ".join(
        rf"!contains\({names}, key\)"
        for names in (r"local\.route_functions", r"keys\(local\.deliverers\)", r"keys\(local\.indexers\)")
    )
    assert re.search(
        rf"may_fail += \{{ for key, function in local\.functions : key => function if {others} \}}", ALARMS
    )
    block = ALARMS.partition('resource "aws_cloudwatch_log_metric_filter" "failed_reports"')[2].partition("\n}\n")[0]
    assert re.search(r"for_each = local\.may_fail", block)
    assert re.search(r"pattern += local\.failed_metric\.pattern", block)


def test_what_our_code_tells_reaches_lambda_s_log() -> None:
    # Lambda's own logger lets warnings through; app.py opens ours for more.
    assert logging.getLogger("chalicelib.workers.generate").isEnabledFor(logging.INFO)
