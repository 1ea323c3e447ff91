"""Regenerations that bring less than is there, or nothing: what readers see, what they are told, what happens next."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chalicelib.domain.clock import now, parse_stamp
from chalicelib.domain.investigation import Investigation
from chalicelib.services import end_narrative, narrative_jobs
from chalicelib.services.claims import claim_next
from chalicelib.services.findings import dismiss, ingest
from chalicelib.services.investigation_reports import current_report
from chalicelib.services.investigations import get_investigation
from chalicelib.services.narrative_jobs import regenerate
from chalicelib.stores.permit_queue import Permit
from chalicelib.workers.write_narrative import LESS_WRITTEN, NOTHING_WRITTEN
from tests.faults.test_narratives import WELL_WRITTEN
from tests.model_server import ModelServer
from tests.support.investigations import ACCOUNT, completed, job_of, new_finding
from tests.support.service import Service

OFF_TOPIC = "Bananas are yellow and rather sweet, and many people all over the world like to eat them daily."


@pytest.fixture(autouse=True)
def _writes_well(model_server: ModelServer) -> None:
    model_server.fault("text", times=None, text=WELL_WRITTEN)


def current(investigation: Investigation) -> Investigation:
    return get_investigation(ACCOUNT, investigation.id)


def writes_less(model_server: ModelServer) -> None:
    """Let the model write three sections that hold, and nothing else that does."""
    model_server.script.control({"reset": True})
    model_server.fault("text", times=3, text=WELL_WRITTEN)
    model_server.fault("text", times=None, text=OFF_TOPIC)


def is_down(model_server: ModelServer) -> None:
    model_server.script.control({"reset": True})
    model_server.fault("error", times=None, status=401)


def test_what_is_asked_for_in_another_way_is_shown_even_with_a_section_less(
    service: Service, model_server: ModelServer
) -> None:
    investigation = completed(service)
    writes_less(model_server)
    regenerate(ACCOUNT, investigation.id, "deep", "Write for managers.")
    service.work()
    report = current_report(ACCOUNT, investigation.id).report
    assert (report.version, report.degraded, report.model) == (2, True, "deep")
    assert any("made from the findings by fixed rules" in notice for notice in report.notices)


def test_the_same_again_with_a_section_less_does_not_replace_the_report_and_says_so(
    service: Service, model_server: ModelServer
) -> None:
    investigation = completed(service)
    writes_less(model_server)
    regenerate(ACCOUNT, investigation.id)
    service.work()
    head = current(investigation)
    assert (head.version, job_of(head).status, job_of(head).error_message) == (1, "failed", LESS_WRITTEN)


def test_a_report_without_a_model_does_not_tell_its_reader_how_the_service_is_set_up(
    service: Service, model_server: ModelServer
) -> None:
    is_down(model_server)
    report = current_report(ACCOUNT, completed(service).id).report
    assert report.degraded
    assert "The model could not be used: it was not available." in report.notices


def test_a_regeneration_by_itself_that_failed_is_tried_again_later_and_later(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    investigation = completed(service, auto_regenerate=True)
    ingest(ACCOUNT, investigation.id, [new_finding("New")])

    def due() -> datetime:
        return parse_stamp(str(current(investigation).regenerate_at))

    def sweep_when_due() -> None:
        at = due()
        monkeypatch.setattr(narrative_jobs, "now", lambda: at)
        service.sweep()
        assert current(investigation).regenerate_at is None

    waits = []
    for _ in range(2):
        sweep_when_due()
        claimed = claim_next(Permit("normal", job_of(current(investigation)).id))
        assert claimed is not None
        failed_at = now()
        end_narrative.end_narrative(claimed, "It broke.", failed_at)
        waits.append(due() - failed_at)
    assert waits == [timedelta(seconds=240), timedelta(seconds=480)]
    sweep_when_due()
    service.work()
    head = current(investigation)
    assert (head.version, head.stale, head.regenerate_at, head.failed_regenerations) == (2, False, None, 0)


def test_a_report_is_not_stale_once_its_evidence_is_what_it_was(service: Service, model_server: ModelServer) -> None:
    investigation = completed(service, auto_regenerate=True)
    (late,) = ingest(ACCOUNT, investigation.id, [new_finding("Late")]).findings
    dismiss(ACCOUNT, late.id, "false_positive", "")
    assert current(investigation).stale
    is_down(model_server)
    regenerate(ACCOUNT, investigation.id)
    service.work()
    head = current(investigation)
    assert (head.version, head.stale, head.regenerate_at) == (1, False, None)
    assert job_of(head).error_message == NOTHING_WRITTEN
