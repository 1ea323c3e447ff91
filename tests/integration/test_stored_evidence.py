"""Reports of an account's stored findings hear of what changes among these, whichever investigation they are of."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.clock import now
from chalicelib.domain.freshness import freshness
from chalicelib.domain.investigation import Investigation
from chalicelib.services.findings import dismiss, findings_page, ingest
from chalicelib.services.investigation_reports import current_report
from chalicelib.services.investigations import complete_investigation, create_investigation, get_investigation
from chalicelib.services.narrative_jobs import regenerate
from chalicelib.settings import settings
from chalicelib.stores.stores import stores
from tests.support.investigations import ACCOUNT, completed, new_finding, request, started
from tests.support.service import Service, counted_calls

TELNET = new_finding("Telnet is open on gw-1", severity="critical")


@pytest.fixture(autouse=True)
def _no_model(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a model, reports are written by rules, at once."""
    monkeypatch.setenv("LLM_BASE_URL", "")
    settings.cache_clear()


def current(investigation: Investigation) -> Investigation:
    return get_investigation(ACCOUNT, investigation.id)


def asked(service: Service, query: str = "Is telnet open?", **fields: Any) -> Investigation:
    """Return an investigation that has answered its query from the findings that are stored."""
    return completed(service, query=query, evidence="stored", findings=None, **fields)


def test_a_dismissed_finding_makes_every_report_stale_that_rests_on_it(service: Service) -> None:
    source = completed(service, findings=(TELNET,))
    about, beside = asked(service), asked(service, "Was anybody phished?")
    assert about.severity == "critical"
    dismiss(ACCOUNT, findings_page(ACCOUNT).findings[0].id, "false_positive", "")
    assert (current(about).stale, current(about).stale_reason) == (True, "findings were dismissed")
    assert (current(source).stale, current(beside).stale) == (True, False)
    _, job_id = complete_investigation(ACCOUNT, about.id)
    assert job_id != about.job_id
    service.work()
    after = current(about)
    assert (after.version, after.stale, after.severity) == (2, False, "low")


@pytest.mark.parametrize("sent", ["to an investigation", "with a new one"])
def test_a_new_finding_makes_the_reports_stale_that_it_belongs_to(service: Service, sent: str) -> None:
    other = completed(service)
    about, beside = asked(service), asked(service, "Was anybody phished?")
    foreign = create_investigation("another", request(query="Is telnet open?", evidence="stored", findings=None))
    service.work()
    if sent == "to an investigation":
        ingest(ACCOUNT, other.id, [TELNET])
    else:
        started(findings=(TELNET,))
    assert current(about).stale_reason == "new findings were added"
    assert not current(beside).stale
    assert not get_investigation("another", foreign.investigation.id).stale
    regenerate(ACCOUNT, about.id)
    service.work()
    assert not current(about).stale
    assert TELNET.title in [f.title for f in current_report(ACCOUNT, about.id).report.findings_summary]


def test_a_finding_that_was_there_before_makes_nothing_stale(service: Service) -> None:
    finding = new_finding("Telnet is open", external_id="scan-1")
    source = completed(service, findings=(finding,))
    about = asked(service)
    assert ingest(ACCOUNT, source.id, [finding]).duplicates == 1
    assert not current(about).stale


def test_what_comes_in_while_the_first_report_is_written_makes_it_stale_from_its_beginning(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = completed(service, findings=(TELNET,))
    finish = type(stores().narratives).finish
    late = [new_finding("Telnet is open on gw-2")]

    def after_more_evidence(*arguments: Any, **options: Any) -> Any:
        if late:
            ingest(ACCOUNT, source.id, [late.pop()])
        return finish(*arguments, **options)

    monkeypatch.setattr(type(stores().narratives), "finish", after_more_evidence)
    about = asked(service)
    assert (about.version, about.stale) == (1, True)
    assert current_report(ACCOUNT, about.id).report.findings_summary[0].title == TELNET.title


def test_a_stale_report_hears_of_nothing_more_until_it_is_written_again(service: Service) -> None:
    source, about = completed(service), asked(service)
    ingest(ACCOUNT, source.id, [TELNET])
    assert stores().followers.of_account(ACCOUNT) == []
    with counted_calls() as calls:
        ingest(ACCOUNT, source.id, [TELNET])
    assert calls.total() == 4
    regenerate(ACCOUNT, about.id)
    service.work()
    ingest(ACCOUNT, source.id, [TELNET])
    assert current(about).stale


def test_one_that_is_regenerated_by_itself_waits_for_the_last_change(service: Service) -> None:
    source, about = completed(service), asked(service, auto_regenerate=True)
    times = []
    for _ in range(2):
        ingest(ACCOUNT, source.id, [TELNET])
        times.append(str(current(about).regenerate_at))
    assert times[0] < times[1]


def test_one_that_leaves_follows_on_if_it_has_been_written_anew_meanwhile(service: Service) -> None:
    about = asked(service)
    (earlier,) = stores().followers.of_account(ACCOUNT)
    regenerate(ACCOUNT, about.id)
    service.work()
    for follower in (earlier, *stores().followers.of_account(ACCOUNT)):
        assert [f.investigation_id for f in stores().followers.of_account(ACCOUNT)] == [about.id]
        stores().followers.leave(follower, now())
    assert stores().followers.of_account(ACCOUNT) == []


def test_its_count_and_freshness_are_of_the_findings_that_it_rests_on(service: Service) -> None:
    old = "2026-01-02T03:04:05.000000Z"
    completed(
        service, findings=(new_finding("Telnet A", discovered_at=old), new_finding("Telnet B", discovered_at=old))
    )
    about, nothing = asked(service), asked(service, "Was anybody phished?")
    assert (about.evidence_count, about.evidence_at) == (2, old)
    assert freshness(about, now()).should_rerun_live
    assert freshness(about, now()).newest_evidence_at == old
    assert (nothing.evidence_count, nothing.evidence_at) == (0, None)
