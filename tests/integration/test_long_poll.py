"""``GET /api/reports/{id}?wait=N``: answers with the first change, and costs few AWS calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.clock import now
from chalicelib.domain.report import Report
from chalicelib.services import wait_for_report
from chalicelib.services.claims import claim_next
from chalicelib.services.wait_for_report import MAX_WAIT_SECONDS, pauses
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.stores import stores
from tests.support.service import Answer, Service, counted_calls


def claimed(service: Service) -> Report:
    report = claim_next(Permit("normal", service.create()))
    assert report is not None
    return report


def renewed(report: Report, progress: int, message: str) -> None:
    stores().reports.renew(report, now(), timedelta(minutes=3), progress, message, progress * 10)


def waited(service: Service, path: str, meanwhile: Callable[[], object], **how: object) -> tuple[Answer, float]:
    """Send a request, do something after it began to wait, and return the answer and how long it took after that."""
    begun = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: service.get(path, **how))
        while time.monotonic() - begun < 0.3:  # the request reads the report in a few milliseconds
            time.sleep(0.02)
        meanwhile()
        changed = time.monotonic()
        return asked.result(), time.monotonic() - changed


@pytest.mark.parametrize("wait", ["-1", "21", "1.5", "x", "1e1", "99999999999", "٣"])
def test_a_wait_that_is_no_whole_number_up_to_20_is_400(service: Service, wait: str) -> None:
    from urllib.parse import quote

    answer = service.get(f"/api/reports/{service.create()}?wait={quote(wait)}")
    assert answer.status == 400
    assert [d["field"] for d in answer.json()["details"]] == ["wait"]


@pytest.mark.parametrize(("progress", "message"), [(40, "planning"), (5, "writing 1 of 3")])
def test_it_returns_soon_after_the_progress_or_the_message_changes(
    service: Service, progress: int, message: str
) -> None:
    report = claimed(service)
    renewed(report, 5, "planning")
    answer, seconds = waited(service, f"/api/reports/{report.id}?wait=20", lambda: renewed(report, progress, message))
    shown = answer.json()["report"]
    assert (shown["progress_percentage"], shown["progress_message"]) == (progress, message)
    assert seconds < 2


def test_it_returns_soon_after_the_status_changes(service: Service) -> None:
    report_id = service.create()
    answer, seconds = waited(
        service, f"/api/reports/{report_id}?wait=20", lambda: service.post(f"/api/reports/{report_id}/cancel")
    )
    assert answer.json()["report"]["status"] == answer.json()["data"]["report"]["status"] == "cancelled"
    assert seconds < 2


def test_without_a_change_it_answers_with_the_report_as_it_is_when_the_time_is_over(service: Service) -> None:
    report = claimed(service)
    begun = time.monotonic()
    answer = service.get(f"/api/reports/{report.id}?wait=1")
    assert (answer.status, answer.json()["report"]["status"]) == (200, "processing")
    assert 1 <= time.monotonic() - begun < 3


@pytest.mark.parametrize("state", ["queued", "processing"])
def test_twenty_seconds_cost_at_most_twelve_calls(
    service: Service, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    report_id = service.create() if state == "queued" else claimed(service).id
    slept: list[float] = []
    monkeypatch.setattr(wait_for_report.time, "sleep", slept.append)
    with counted_calls() as calls:
        answer = service.get(f"/api/reports/{report_id}?wait=20")
    assert answer.json()["report"]["status"] == state
    assert sum(slept) == pytest.approx(20)
    assert calls.total() <= 12, calls
    assert set(calls) <= {"GetItem", "Query"}
    assert calls["Query"] <= 1


def test_a_report_that_has_ended_is_never_waited_for(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    report_id = service.create()
    service.post(f"/api/reports/{report_id}/cancel")
    monkeypatch.setattr(wait_for_report.time, "sleep", lambda seconds: pytest.fail(f"waited {seconds} s"))
    tag = service.get(f"/api/reports/{report_id}").headers["etag"]
    for headers in ({}, {"If-None-Match": tag}):
        with counted_calls() as calls:
            assert service.get(f"/api/reports/{report_id}?wait=20", headers=headers).status == 200
        assert calls.total() <= 2


def test_what_changed_since_the_client_s_version_is_answered_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = claimed(service)
    tag = service.get(f"/api/reports/{report.id}").headers["etag"]
    renewed(report, 40, "writing 2 of 3")
    monkeypatch.setattr(wait_for_report.time, "sleep", lambda seconds: pytest.fail(f"waited {seconds} s"))
    answer = service.get(f"/api/reports/{report.id}?wait=20", headers={"If-None-Match": tag})
    assert answer.json()["report"]["progress_percentage"] == 40
    assert answer.headers["etag"] != tag


def test_a_client_that_knows_the_present_version_waits_for_the_next(service: Service) -> None:
    report = claimed(service)
    tag = service.get(f"/api/reports/{report.id}").headers["etag"]
    answer, seconds = waited(
        service,
        f"/api/reports/{report.id}?wait=20",
        lambda: renewed(report, 40, "writing 2 of 3"),
        headers={"If-None-Match": f'"other", {tag}'},
    )
    assert answer.json()["report"]["progress_percentage"] == 40
    assert seconds < 2


def test_without_a_wait_a_known_version_is_304(service: Service) -> None:
    report = claimed(service)
    shown = service.get(f"/api/reports/{report.id}")
    same = service.get(f"/api/reports/{report.id}", headers={"If-None-Match": shown.headers["etag"]})
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", shown.headers["etag"])
    renewed(report, 40, "writing 2 of 3")
    assert service.get(f"/api/reports/{report.id}", headers={"If-None-Match": shown.headers["etag"]}).status == 200
    for nonsense in ("*", "x", '"', 'W/""'):
        assert service.get(f"/api/reports/{report.id}", headers={"If-None-Match": nonsense}).status == 200


def test_a_waiting_report_is_never_304_because_its_place_moves(service: Service) -> None:
    first, second = service.create(), service.create()
    tag = service.get(f"/api/reports/{second}").headers["etag"]
    service.post(f"/api/reports/{first}/cancel")
    again = service.get(f"/api/reports/{second}", headers={"If-None-Match": tag})
    assert (again.status, again.json()["report"]["queue_position"]) == (200, 1)


def test_somebody_else_s_report_is_404_at_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_for_report.time, "sleep", lambda seconds: pytest.fail(f"waited {seconds} s"))
    answer = service.get(f"/api/reports/{service.create()}?wait=20", key=service.new_key("mallory"))
    assert (answer.status, answer.json()["error"]) == (404, "Report not found")


@given(st.integers(0, MAX_WAIT_SECONDS))
def test_the_pauses_grow_and_fill_the_wait(seconds: int) -> None:
    found = list(pauses(seconds))
    assert sum(found) == pytest.approx(seconds)
    assert found[:-1] == sorted(found[:-1])
    assert len(found) <= 9
    assert all(pause > 0 for pause in found)
