"""Investigations over moto: from the request to the report, and every other way in which they end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.domain.clock import now, parse_stamp
from chalicelib.domain.investigation import Investigation
from chalicelib.services import investigation_reports
from chalicelib.services.findings import dismiss, findings_page, ingest
from chalicelib.services.idempotency import IdempotencyConflictError
from chalicelib.services.investigation_reports import current_report
from chalicelib.services.investigations import (
    ClosedError,
    cancel_investigation,
    complete_investigation,
    create_investigation,
    estimated_completion,
    get_investigation,
    list_investigations,
)
from chalicelib.services.narrative_jobs import NotCompletedError, job, regenerate
from chalicelib.services.not_found import NotFoundError
from chalicelib.services.queue_figures import queue_figures
from chalicelib.settings import settings
from tests.support.investigations import ACCOUNT, completed, job_of, new_finding, request, started
from tests.support.service import Service, counted_calls


@pytest.fixture(autouse=True)
def _no_model(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a model, reports are written by rules, at once."""
    monkeypatch.setenv("LLM_BASE_URL", "")
    settings.cache_clear()


def current(investigation: Investigation) -> Investigation:
    return get_investigation(ACCOUNT, investigation.id)


# Starting


def test_findings_in_the_request_are_its_evidence_and_its_report_follows(service: Service) -> None:
    investigation = completed(service, findings=(new_finding("One"), new_finding("Two", severity="critical")))
    report = current_report(ACCOUNT, investigation.id).report
    assert [f.title for f in report.findings_summary] == ["Two", "One"]
    assert (report.severity, report.version, report.investigation_id) == ("critical", 1, investigation.id)
    assert (investigation.severity, investigation.version) == ("critical", 1)
    assert investigation.generated_at == report.generated_at
    listed = findings_page(ACCOUNT, investigation_id=investigation.id).findings
    assert {f.title for f in listed} == {"One", "Two"}


def test_a_job_is_readable_the_moment_its_investigation_names_it(service: Service) -> None:
    investigation = started()
    assert (investigation.status, job_of(investigation).status) == ("queued", "queued")
    assert job_of(investigation).priority == "normal"
    assert job_of(started(depth="quick")).priority == "high"


def test_pushed_evidence_waits_until_it_is_complete(service: Service) -> None:
    investigation = started(findings=None)
    assert (investigation.status, investigation.job_id) == ("pending", None)
    assert service.permits("normal") == []
    ingest(ACCOUNT, investigation.id, [new_finding("Sent later")])
    queued, job_id = complete_investigation(ACCOUNT, investigation.id)
    assert (queued.status, queued.job_id) == ("queued", job_id)
    assert complete_investigation(ACCOUNT, investigation.id)[1] == job_id, "it is idempotent"
    service.work()
    assert complete_investigation(ACCOUNT, investigation.id)[1] == job_id
    report = current_report(ACCOUNT, investigation.id).report
    assert [f.title for f in report.findings_summary] == ["Sent later"]
    assert job(ACCOUNT, job_id).status == "completed"


def test_a_query_alone_is_answered_from_the_findings_that_are_stored(service: Service) -> None:
    completed(service, findings=(new_finding("Telnet is open"), new_finding("Weak cipher in the mail relay")))
    investigation = completed(service, query="telnet", evidence="stored", findings=None)
    report = current_report(ACCOUNT, investigation.id).report
    assert [f.title for f in report.findings_summary] == ["Telnet is open"]


def test_no_finding_at_all_is_an_honest_report(service: Service) -> None:
    investigation = completed(service, evidence="stored", findings=None)
    report = current_report(ACCOUNT, investigation.id).report
    assert (report.severity, report.findings_summary, report.degraded) == ("low", (), False)


def test_live_fails_as_there_are_no_agents(service: Service) -> None:
    investigation = started(mode="live", evidence="stored", findings=None)
    assert (investigation.status, investigation.failure, investigation.job_id) == (
        "failed",
        "no_connected_agents",
        None,
    )
    assert current(investigation) == investigation
    with pytest.raises(ClosedError):
        complete_investigation(ACCOUNT, investigation.id)
    with pytest.raises(NotCompletedError):
        current_report(ACCOUNT, investigation.id)


def test_the_same_key_with_the_same_request_is_the_same_investigation(service: Service) -> None:
    for findings in ((new_finding(),), None):
        key = f"key {findings}"
        first = started(idempotency_key=key, findings=findings, evidence="stored")
        again = started(idempotency_key=key, findings=findings, evidence="stored")
        assert again.id == first.id
        with pytest.raises(IdempotencyConflictError):
            started(idempotency_key=key, findings=findings, evidence="stored", body_digest="another")
        assert create_investigation("another account", request(idempotency_key=key)).investigation.id != first.id
    assert len(list_investigations(ACCOUNT, None, 10, None)[0]) == 2


def test_of_many_identical_requests_at_once_one_is_stored(service: Service) -> None:
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: started(idempotency_key="k"), range(12)))
    assert len({i.id for i in found}) == 1
    assert len(list_investigations(ACCOUNT, None, 100, None)[0]) == 1
    assert len(findings_page(ACCOUNT).findings) == 1
    assert len(service.permits("normal")) == 1


# Looking


def test_another_accounts_investigation_is_not_found(service: Service) -> None:
    investigation = completed(service)
    for use_case in (
        get_investigation,
        cancel_investigation,
        complete_investigation,
        current_report,
        regenerate,
        investigation_reports.versions,
    ):
        for account, investigation_id in (("mallory", investigation.id), (ACCOUNT, "inv_nothing")):
            with pytest.raises(NotFoundError):
                use_case(account, investigation_id)
    with pytest.raises(NotFoundError):
        job("mallory", str(investigation.job_id))


def test_a_job_is_no_report_of_the_other_api(service: Service) -> None:
    investigation = started()
    key = service.new_key("alice", ("admin", "read", "write"))
    assert service.get(f"/api/reports/{investigation.job_id}", key=key).status == 404
    assert service.get("/api/reports/", key=key).json()["data"]["reports"] == []
    report_id = service.create()
    with pytest.raises(NotFoundError):
        job("alice", report_id)


def test_lists_show_the_newest_first_and_by_status(service: Service) -> None:
    pending = [started(findings=None) for _ in range(3)]
    finished = completed(service)
    assert [i.id for i in list_investigations(ACCOUNT, None, 10, None)[0]] == [
        finished.id,
        *(i.id for i in reversed(pending)),
    ]
    assert [i.id for i in list_investigations(ACCOUNT, "completed", 10, None)[0]] == [finished.id]
    first, following = list_investigations(ACCOUNT, "pending", 2, None)
    rest, end = list_investigations(ACCOUNT, "pending", 2, following)
    assert [i.id for i in (*first, *rest)] == [i.id for i in reversed(pending)]
    assert end is None


def test_its_completion_is_estimated_until_it_has_ended(service: Service) -> None:
    investigation = started()
    expected = estimated_completion(investigation)
    assert expected is not None
    assert expected > now()
    assert estimated_completion(started(findings=None)) is None
    service.work()
    assert estimated_completion(current(investigation)) is None


# Cancelling


def test_cancelling_ends_the_investigation_and_its_job(service: Service) -> None:
    investigation = started()
    assert cancel_investigation(ACCOUNT, investigation.id).status == "cancelled"
    assert current(investigation).status == job_of(investigation).status == "cancelled"
    assert queue_figures().waiting["normal"] == 0
    service.work()
    assert current(investigation).status == "cancelled"
    with pytest.raises(ClosedError):
        complete_investigation(ACCOUNT, investigation.id)


def test_one_without_a_job_is_cancelled_as_well(service: Service) -> None:
    investigation = started(findings=None)
    assert cancel_investigation(ACCOUNT, investigation.id).status == "cancelled"
    assert current(investigation).status == "cancelled"


def test_what_has_ended_stays_as_it_is(service: Service) -> None:
    for investigation in (completed(service), started(mode="live", findings=None)):
        assert cancel_investigation(ACCOUNT, investigation.id) == current(investigation) == investigation


def test_of_cancelling_and_finishing_exactly_one_wins(service: Service) -> None:
    ended = set()
    for _ in range(6):
        investigation = started()
        start = threading.Barrier(2)

        def cancel(investigation_id: str = investigation.id, start: threading.Barrier = start) -> None:
            start.wait()
            cancel_investigation(ACCOUNT, investigation_id)

        canceller = threading.Thread(target=cancel)
        canceller.start()
        start.wait()
        service.work()
        canceller.join()
        after = current(investigation)
        assert after.status == job_of(after).status
        assert after.status in ("completed", "cancelled")
        assert (after.version, bool(after.report_key)) == ((1, True) if after.status == "completed" else (0, False))
        ended.add(after.status)
    figures = queue_figures()
    assert ended
    assert (figures.waiting["normal"], figures.running["normal"]) == (0, 0)


# New evidence


def test_new_and_dismissed_findings_make_the_report_stale_with_the_reason(service: Service) -> None:
    investigation = completed(service)
    assert investigation.stale_reason == ""
    ingest(ACCOUNT, investigation.id, [new_finding("New")])
    assert "new findings" in current(investigation).stale_reason
    regenerate(ACCOUNT, investigation.id)
    service.work()
    after = current(investigation)
    assert (after.stale_reason, after.version) == ("", 2)
    dismiss(ACCOUNT, findings_page(ACCOUNT, investigation_id=after.id).findings[0].id, "false_positive", "")
    assert "dismissed" in current(investigation).stale_reason


def test_completing_a_stale_investigation_regenerates_its_report(service: Service) -> None:
    investigation = completed(service)
    ingest(ACCOUNT, investigation.id, [new_finding("New")])
    _, job_id = complete_investigation(ACCOUNT, investigation.id)
    assert job_id != investigation.job_id
    assert complete_investigation(ACCOUNT, investigation.id)[1] == job_id
    service.work()
    assert current(investigation).version == 2


def test_versions_tell_how_they_differ(service: Service) -> None:
    investigation = completed(service, findings=(new_finding("Old", severity="medium"),))
    old = current_report(ACCOUNT, investigation.id).report.findings_summary[0].finding_id
    (new,) = ingest(ACCOUNT, investigation.id, [new_finding("New", severity="critical")]).findings
    dismiss(ACCOUNT, old, "resolved", "")
    regenerate(ACCOUNT, investigation.id)
    service.work()
    (second, first), _ = investigation_reports.versions(ACCOUNT, investigation.id)
    assert (second.version, first.version, first.change) == (2, 1, None)
    assert second.change is not None
    assert (second.change.added, second.change.removed) == ((new.id,), (old,))
    assert (second.change.severity_before, second.change.severity_after) == ("medium", "critical")
    assert "severity rose from medium to critical" in second.change.summary
    assert investigation_reports.version(ACCOUNT, investigation.id, 1).findings_summary[0].finding_id == old
    assert investigation_reports.version(ACCOUNT, investigation.id, 2).change == second.change
    with pytest.raises(NotFoundError):
        investigation_reports.version(ACCOUNT, investigation.id, 3)


# Regenerating


def test_twenty_identical_regenerates_at_once_are_one_job(service: Service) -> None:
    investigation = completed(service)
    with ThreadPoolExecutor(20) as pool:
        jobs = list(pool.map(lambda _: regenerate(ACCOUNT, investigation.id), range(20)))
    assert len({j.id for j in jobs}) == 1
    assert len(service.permits("normal")) == 1
    assert queue_figures().waiting["normal"] == 1


def test_another_tier_or_other_instructions_are_another_job(service: Service) -> None:
    investigation = completed(service)
    jobs = [
        regenerate(ACCOUNT, investigation.id),
        regenerate(ACCOUNT, investigation.id, "standard"),
        regenerate(ACCOUNT, investigation.id, "deep"),
        regenerate(ACCOUNT, investigation.id, None, "For the board, please."),
    ]
    assert jobs[0].id == jobs[1].id, "a bare call uses the tier of the depth"
    assert len({j.id for j in jobs}) == 3
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda body: service.deliver("normal", body), service.permits("normal")))
    after = current(investigation)
    assert after.version == 4
    times = [v.generated_at for v in investigation_reports.versions(ACCOUNT, investigation.id)[0]]
    assert times == sorted(set(times), reverse=True)


def test_once_a_job_has_ended_the_same_request_is_a_new_one(service: Service) -> None:
    investigation = completed(service)
    first = regenerate(ACCOUNT, investigation.id)
    service.work()
    assert regenerate(ACCOUNT, investigation.id).id != first.id


def test_generated_at_grows_even_when_the_clock_goes_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    investigation = completed(service)
    past = now() - timedelta(hours=3)
    monkeypatch.setattr("chalicelib.services.finish_narrative.now", lambda: past)
    regenerate(ACCOUNT, investigation.id)
    service.work()
    grown = parse_stamp(current(investigation).generated_at) - parse_stamp(investigation.generated_at)
    assert grown == timedelta(milliseconds=1)


def test_readers_during_the_swap_see_one_whole_version_or_the_other(service: Service) -> None:
    investigation = completed(service, findings=(new_finding("Version 1", severity="low"),))
    stop = threading.Event()
    seen: set[tuple[int, str, int, str]] = set()

    def read() -> None:
        while not stop.is_set():
            found = current_report(ACCOUNT, investigation.id)
            seen.add(
                (
                    found.report.version,
                    found.report.severity,
                    len(found.report.findings_summary),
                    str(found.report.generated_at == found.investigation.generated_at),
                )
            )

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number, severity in ((2, "medium"), (3, "critical")):
        ingest(ACCOUNT, investigation.id, [new_finding(f"Version {number}", severity=severity)])
        regenerate(ACCOUNT, investigation.id)
        service.work()
    stop.set()
    for reader in readers:
        reader.join()
    assert seen <= {(1, "low", 1, "True"), (2, "medium", 2, "True"), (3, "critical", 3, "True")}
    assert len(seen) >= 2


def test_a_report_that_is_not_there_cannot_be_regenerated(service: Service) -> None:
    investigation = started()
    with pytest.raises(NotCompletedError) as error:
        regenerate(ACCOUNT, investigation.id)
    assert error.value.status == "queued"


# Regenerating by itself


def due_now(investigation: Investigation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time pass after which a changed investigation is regenerated."""
    later = now() + timedelta(seconds=settings().auto_regenerate_seconds + 1)
    monkeypatch.setattr("chalicelib.services.narrative_jobs.now", lambda: later)


def test_it_is_regenerated_by_itself_once_after_the_last_change(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    investigation = completed(service, auto_regenerate=True)
    for title in ("A", "B"):
        ingest(ACCOUNT, investigation.id, [new_finding(title)])
    service.sweep()
    assert service.permits("normal") == [], "its time has not come"
    due_now(investigation, monkeypatch)
    service.sweep()
    service.sweep()
    (body,) = service.permits("normal")
    service.deliver("normal", body)
    after = current(investigation)
    assert (after.version, after.stale_reason, after.regenerate_at) == (2, "", None)
    assert job_of(after).parameters["trigger"] == "auto"
    service.sweep()
    assert service.permits("normal") == []


def test_it_is_not_regenerated_by_itself_unless_it_was_asked_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    investigation = completed(service)
    ingest(ACCOUNT, investigation.id, [new_finding("New")])
    due_now(investigation, monkeypatch)
    service.sweep()
    assert service.permits("normal") == []
    assert current(investigation).regenerate_at is None


def test_a_request_for_the_same_meanwhile_is_enough(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    investigation = completed(service, auto_regenerate=True)
    ingest(ACCOUNT, investigation.id, [new_finding("New")])
    regenerate(ACCOUNT, investigation.id)
    due_now(investigation, monkeypatch)
    service.sweep()
    service.work()
    assert current(investigation).version == 2


# What they cost


def test_aws_calls_per_use_case(service: Service) -> None:
    investigation = completed(service)
    pending = started(findings=None)
    # Whether somebody is told of events is known for a while.
    cancel_investigation(ACCOUNT, started(findings=None).id)
    costs = {}
    for name, use_case in {
        "create": lambda: started(evidence="stored", findings=None),
        "create with a key": lambda: started(evidence="stored", findings=None, idempotency_key="k"),
        "create again": lambda: started(evidence="stored", findings=None, idempotency_key="k"),
        "create with findings": started,
        "create pending": lambda: started(findings=None),
        "get": lambda: get_investigation(ACCOUNT, investigation.id),
        "list": lambda: list_investigations(ACCOUNT, None, 100, None),
        "report": lambda: current_report(ACCOUNT, investigation.id),
        "complete": lambda: complete_investigation(ACCOUNT, pending.id),
        "complete again": lambda: complete_investigation(ACCOUNT, pending.id),
        "cancel": lambda: cancel_investigation(ACCOUNT, pending.id),
        "regenerate": lambda: regenerate(ACCOUNT, investigation.id),
        "regenerate again": lambda: regenerate(ACCOUNT, investigation.id),
        "job": lambda: job(ACCOUNT, str(investigation.job_id)),
    }.items():
        with counted_calls() as calls:
            use_case()
        costs[name] = calls.total()
    assert costs == {
        "create": 3,
        "create with a key": 3,
        "create again": 2,
        "create with findings": 5,
        "create pending": 1,
        "get": 1,
        "list": 2,
        "report": 3,
        "complete": 4,
        "complete again": 1,
        "cancel": 4,
        "regenerate": 4,
        "regenerate again": 3,
        "job": 1,
    }
