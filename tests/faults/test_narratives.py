"""Workers, models and AWS fail while an investigation's report is written: it always ends, whole or not at all."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from chalicelib.domain.clock import now
from chalicelib.domain.deterministic_narrative import deterministic_narrative
from chalicelib.domain.finding import FindingNode
from chalicelib.domain.investigation import Investigation
from chalicelib.services import claims, end_narrative, sweep
from chalicelib.services.claims import claim_next
from chalicelib.services.findings import ingest
from chalicelib.services.finish_narrative import finish_narrative
from chalicelib.services.investigation_reports import current_report
from chalicelib.services.investigations import cancel_investigation, complete_investigation, get_investigation
from chalicelib.services.narrative_jobs import regenerate
from chalicelib.services.queue_figures import queue_figures
from chalicelib.services.select_evidence import snapshot
from chalicelib.services.sweep import correct_figures, recover
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores
from tests.faults.test_lost_answers import LostAnswer
from tests.faults.test_queue_outage import Outage
from tests.model_server import ModelServer
from tests.support.client_events import listening
from tests.support.investigations import ACCOUNT, completed, job_of, new_finding, started
from tests.support.service import Service
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(180)


# A section that the checker of narratives lets pass: it says what the finding says, and cites it.
WELL_WRITTEN = "Port 23 of gw-1 answers from outside, which is what makes this finding a high risk here [F1]."


@pytest.fixture
def no_model(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Without a model, reports are written by rules, at once; and two takeovers are too many."""
    monkeypatch.setenv("LLM_BASE_URL", "")
    monkeypatch.setenv("MAX_TAKEOVERS", "1")
    settings.cache_clear()
    return service


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(call: int | str) -> Iterator[list[str]]:
    """Let this thread die before its AWS call of that number or name is sent: the one before it was done."""
    made: list[str] = []
    dying = threading.current_thread()

    def die(model: Any, **_: Any) -> None:
        if threading.current_thread() is dying:
            made.append(model.name)
            if call in (len(made), model.name):
                raise Killed

    with listening((aws.dynamodb_client(), aws.sqs_client(), aws.s3_client()), "before-call", die):
        yield made


def current(investigation: Investigation) -> Investigation:
    return get_investigation(ACCOUNT, investigation.id)


def check_whole(investigation: Investigation, version: int) -> None:
    """Fail unless state, report and job agree; ``version`` is what the job makes."""
    head, job = current(investigation), job_of(investigation)
    records = [v.version for v in stores().investigations.versions(head.id)]
    if job.status == "completed":
        assert (head.status, head.version, len(records)) == ("completed", version, version)
        assert job.outcome is not None
        assert job.outcome.version == version
        assert current_report(ACCOUNT, head.id).report.generated_at == head.generated_at == job.outcome.generated_at
    else:
        assert head.version == version - 1 == len(records)
        assert (head.status == "completed") == (version > 1)


def recovered(service: Service, investigation: Investigation) -> Investigation:
    """Let the lease of a dead worker run out and its job be taken up again, however often that is needed."""
    job = job_of(investigation)
    if job.status == "processing":
        stores().reports.renew(job, now() - timedelta(hours=1), timedelta(seconds=1), 40, "writing", 10)
    recover(job.id)
    service.deliver("normal", json.dumps({"report_id": job.id}))
    return current(investigation)


def test_a_worker_may_die_at_any_call_and_leaves_all_or_nothing(no_model: Service) -> None:
    for call in itertools.count(1):
        investigation = started()
        permit = json.dumps({"report_id": investigation.job_id})
        try:
            with killed_at(call):
                no_model.deliver("normal", permit)
            break
        except Killed:
            check_whole(investigation, 1)
        assert recovered(no_model, investigation).status == "completed"
        check_whole(investigation, 1)
    assert call > 10


def test_the_old_report_stays_whole_whenever_the_writer_of_the_next_dies(no_model: Service) -> None:
    investigation = completed(no_model)
    version = 1
    for call in itertools.count(7):
        ingest(ACCOUNT, investigation.id, [new_finding(f"Finding {call}")])
        job = regenerate(ACCOUNT, investigation.id)
        try:
            with killed_at(call):
                no_model.deliver("normal", json.dumps({"report_id": job.id}))
            break
        except Killed:
            pass
        head = current(investigation)
        check_whole(head, version + 1)
        recovered(no_model, head)
        check_whole(head, version + 1)
        version += 1
    assert call > 8


def test_what_was_written_is_not_asked_for_again_unless_the_evidence_changed(
    service: Service, model_server: ModelServer
) -> None:
    model_server.fault("text", times=None, text=WELL_WRITTEN)
    for changed in (False, True):
        investigation = started()
        with pytest.raises(Killed), killed_at("TransactWriteItems"):
            service.deliver("normal", json.dumps({"report_id": investigation.job_id}))
        asked = len(model_server.requests())
        assert asked
        if changed:
            ingest(ACCOUNT, investigation.id, [new_finding("Late")])
        assert recovered(service, investigation).status == "completed"
        assert (len(model_server.requests()) > asked) == changed
        report = current_report(ACCOUNT, investigation.id).report
        assert (len(report.findings_summary), report.degraded) == (1 + changed, False)
        usage = job_of(investigation).usage
        assert usage is not None
        model_server.script.control({"reset": True})
        model_server.fault("text", times=None, text=WELL_WRITTEN)


def given_up(service: Service, investigation: Investigation) -> None:
    """Let every worker die that takes an investigation's job, until the sweep gives it up."""
    for _ in range(settings().max_takeovers + 1):
        job = claim_next(Permit("normal", str(investigation.job_id)))
        assert job is not None
        stores().reports.renew(job, now() - timedelta(hours=1), timedelta(seconds=1), 40, "writing", 10)
        service.sweep()


def test_a_first_report_that_no_worker_finishes_is_written_by_rules(no_model: Service) -> None:
    investigation = started()
    given_up(no_model, investigation)
    check_whole(investigation, 1)
    report = current_report(ACCOUNT, investigation.id).report
    assert (report.degraded, report.severity, report.model_name) == (True, "high", "")
    assert report.findings_summary[0].finding_id in report.narrative
    assert correct_figures() == "right"


def test_what_is_written_by_rules_in_the_sweep_takes_little_of_each_finding(no_model: Service) -> None:
    nodes = tuple(FindingNode(f"n{number}", "host", f"web-{number}") for number in range(100))
    findings = tuple(new_finding(f"F{number}", summary="x" * 70_000, nodes=nodes) for number in range(3))
    investigation = started(findings=findings)
    given_up(no_model, investigation)
    check_whole(investigation, 1)
    report = current_report(ACCOUNT, investigation.id).report
    assert {len(f.summary) for f in report.findings_summary} == {600}
    assert len(report.endpoints) == 10
    assert end_narrative.SHORTENED in report.notices


def test_narratives_are_recovered_last_and_not_all_at_once(no_model: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def recover_slowly(report_id: str) -> Literal["nothing"]:
        seen.append(report_id)
        return "nothing"

    due = [SimpleNamespace(id=i) for i in ("job_a", "rep_b", "job_c", "rep_d")]
    monkeypatch.setattr(stores().reports, "due_reports", lambda _: iter(due))
    monkeypatch.setattr(sweep, "recover", recover_slowly)
    no_model.sweep()
    assert seen == ["rep_b", "rep_d", "job_a", "job_c"]
    seen.clear()
    monkeypatch.setattr(sweep, "_NARRATIVE_SECONDS", 0.0)
    no_model.sweep()
    assert seen == ["rep_b", "rep_d"]


def test_a_regenerate_that_no_worker_finishes_fails_and_the_old_report_stays(no_model: Service) -> None:
    investigation = completed(no_model)
    before = current_report(ACCOUNT, investigation.id).report
    job = regenerate(ACCOUNT, investigation.id)
    given_up(no_model, current(investigation))
    assert job_of(current(investigation)).status == "failed"
    assert current_report(ACCOUNT, investigation.id).report == before
    assert regenerate(ACCOUNT, investigation.id).id != job.id, "a failed one is not in flight any more"
    assert correct_figures() == "right"


def test_the_sweep_may_die_while_it_gives_up_too(no_model: Service) -> None:
    for call in range(1, 40):
        investigation = started()
        job = claim_next(Permit("normal", str(investigation.job_id)))
        assert job is not None
        for _ in range(settings().max_takeovers):
            stores().reports.requeue(job, now(), now(), "failure")
            job = claim_next(Permit("normal", job.id))
            assert job is not None
        stores().reports.renew(job, now() - timedelta(hours=1), timedelta(seconds=1), 40, "writing", 10)
        try:
            with killed_at(call):
                assert recover(job.id) == "given up"
            break
        except Killed:
            check_whole(investigation, 1)
        recover(job.id)
        check_whole(investigation, 1)
        assert current(investigation).status == "completed"
    assert call > 4


def test_where_not_even_rules_can_write_the_investigation_fails(
    no_model: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    investigation = started()
    monkeypatch.setattr(end_narrative, "deterministic_narrative", broken)
    given_up(no_model, investigation)
    assert (current(investigation).status, current(investigation).failure) == ("failed", "internal_error")
    assert job_of(investigation).status == "failed"
    assert correct_figures() == "right"


def test_a_job_that_is_handed_on_for_ever_ends(service: Service) -> None:
    investigation = started()
    for _ in range(claims.MAX_NARRATIVE_RELEASES + 1):
        service.deliver("normal", json.dumps({"report_id": investigation.job_id}), remaining_seconds=5)
    check_whole(investigation, 1)
    assert current_report(ACCOUNT, investigation.id).report.degraded


@pytest.mark.parametrize(("fault", "options"), [("error", {"status": 401}), ("refusal", {})])
def test_where_no_model_can_write_rules_do_and_a_later_regenerate_replaces_that(
    service: Service, model_server: ModelServer, fault: str, options: dict[str, int]
) -> None:
    model_server.fault(fault, times=None, **options)
    investigation = completed(service)
    report = current_report(ACCOUNT, investigation.id).report
    assert (report.degraded, report.model_name, report.severity) == (True, "", "high")
    model_server.script.control({"reset": True})
    model_server.fault("text", times=None, text=WELL_WRITTEN)
    regenerate(ACCOUNT, investigation.id)
    service.work()
    report = current_report(ACCOUNT, investigation.id).report
    assert (report.version, report.degraded, report.model_name) == (2, False, "scripted-model")


def test_a_model_that_is_down_does_not_replace_a_report_of_the_same_evidence(
    service: Service, model_server: ModelServer
) -> None:
    model_server.fault("text", times=None, text=WELL_WRITTEN)
    investigation = completed(service)
    assert not current_report(ACCOUNT, investigation.id).report.degraded
    model_server.script.control({"reset": True})
    model_server.fault("error", times=None, status=401)
    regenerate(ACCOUNT, investigation.id)
    service.work()
    assert (job_of(current(investigation)).status, current(investigation).version) == ("failed", 1)
    ingest(ACCOUNT, investigation.id, [new_finding("New")])
    regenerate(ACCOUNT, investigation.id)
    service.work()
    assert current(investigation).version == 2, "new evidence is worth a report by rules"


def test_the_tier_decides_which_model_writes(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_MODEL_FAST", "small")
    monkeypatch.setenv("LLM_MODEL_DEEP", "large")
    settings.cache_clear()
    investigation = completed(service, depth="quick")
    assert {r.body["model"] for r in model_server.requests()} == {"small"}
    assert current_report(ACCOUNT, investigation.id).report.model == "fast"
    model_server.script.control({"reset": True})
    for tier, model in (("deep", "large"), ("standard", "scripted-model")):
        model_server.script.control({"reset": True})
        model_server.fault("text", times=None, text=WELL_WRITTEN)
        regenerate(ACCOUNT, investigation.id, tier)
        service.work()
        assert {r.body["model"] for r in model_server.requests()} == {model}
        assert current_report(ACCOUNT, investigation.id).report.model == tier


def test_evidence_that_comes_in_while_the_report_is_written_makes_it_stale_from_its_beginning(
    no_model: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    investigation = started(auto_regenerate=True)
    finish = type(stores().narratives).finish

    def after_more_evidence(*arguments: Any, **options: Any) -> Any:
        if current(investigation).finding_count == 1:
            ingest(ACCOUNT, investigation.id, [new_finding("Late")])
        return finish(*arguments, **options)

    monkeypatch.setattr(type(stores().narratives), "finish", after_more_evidence)
    no_model.work()
    head, report = current(investigation), current_report(ACCOUNT, investigation.id).report
    assert (head.status, len(report.findings_summary)) == ("completed", 1)
    assert "new findings" in head.stale_reason
    assert head.regenerate_at is not None


def test_a_worker_that_was_overtaken_publishes_nothing(no_model: Service) -> None:
    investigation = started()
    late = claim_next(Permit("normal", str(investigation.job_id)))
    assert late is not None
    stores().reports.renew(late, now() - timedelta(hours=1), timedelta(seconds=1), 40, "writing", 10)
    evidence = snapshot(investigation)
    assert recovered(no_model, investigation).version == 1
    with pytest.raises(StateConflictError):
        finish_narrative(late, evidence, deterministic_narrative("q", evidence.findings, 1))
    check_whole(investigation, 1)


def test_cancelling_while_it_is_written_stops_the_writing(service: Service, model_server: ModelServer) -> None:
    model_server.fault("hang", times=None, seconds=60)
    investigation = started()
    worker = threading.Thread(target=service.work)
    worker.start()
    wait_for(lambda: current(investigation).status == "analyzing" and model_server.requests())
    cancel_investigation(ACCOUNT, investigation.id)
    worker.join(10)
    assert not worker.is_alive()
    assert (current(investigation).status, job_of(investigation).status) == ("cancelled", "cancelled")


def test_lost_answers_change_nothing(no_model: Service) -> None:
    for use_case in (lambda: started(), lambda: started(idempotency_key="k"), lambda: started(findings=None)):
        with LostAnswer("TransactWriteItems"):
            investigation = use_case()
        assert current(investigation) == investigation
    with LostAnswer("TransactWriteItems"):
        complete_investigation(ACCOUNT, investigation.id)
    for body in no_model.permits("normal"):
        with LostAnswer("TransactWriteItems"):
            no_model.deliver("normal", body)
    assert current(investigation).version == 1
    with LostAnswer("TransactWriteItems"):
        regenerate(ACCOUNT, investigation.id)
    assert len(no_model.permits("normal")) == 1
    other = started(findings=None)
    with LostAnswer("TransactWriteItems"):
        assert cancel_investigation(ACCOUNT, other.id).status == "cancelled"
    assert correct_figures() == "right"


def test_sqs_is_down_and_the_job_is_sent_by_the_sweep(no_model: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with Outage(aws.sqs_client(), "SendMessage"):
        investigation = started()
    assert (investigation.status, job_of(investigation).status) == ("queued", "pending")
    later = now() + timedelta(hours=1)
    monkeypatch.setattr("chalicelib.services.sweep.now", lambda: later)
    no_model.sweep()
    no_model.work()
    assert current(investigation).status == "completed"
    assert queue_figures().waiting["normal"] == 0
