"""Claims over moto: who gets a report, who keeps it, and what a worker that lost it can still do (nothing)."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.domain.clock import now, parse_stamp
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import Outcome, Report
from chalicelib.services import claims, sweep
from chalicelib.services.claims import Claim, ClaimEndedError, OutOfTimeError, claim_next
from chalicelib.services.queue_figures import queue_figures
from chalicelib.settings import settings
from chalicelib.stores.dynamodb import Table
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.report_store import ReportStore, StateConflictError, WaitingReport, report_key
from chalicelib.stores.stores import stores
from chalicelib.workers import generate
from tests.support.service import Service
from tests.support.waiting import wait_for

ANY = Permit("normal", "00000000-0000-4000-8000-000000000000")


def plenty() -> float:
    return 900.0


def claimed(service: Service) -> Report:
    service.create()
    report = claim_next(ANY)
    assert report is not None
    return report


def let_lease_expire(report: Report) -> None:
    """Write the record as a worker leaves it that stopped long ago."""
    stores().reports.renew(report, now() - timedelta(hours=1), timedelta(seconds=1), 40, "writing", 10)


def test_the_oldest_of_a_priority_is_claimed_first_whichever_permit_arrives(service: Service) -> None:
    ids = [service.create(str(n)) for n in range(4)]
    permits = [Permit("normal", i) for i in reversed(ids)]
    assert [getattr(claim_next(p), "id", None) for p in permits] == ids


def test_a_permit_of_another_priority_finds_nothing(service: Service) -> None:
    service.create(priority="low")
    assert claim_next(Permit("urgent", ANY.report_id)) is None


def test_a_permit_that_finds_nothing_waiting_is_acknowledged(service: Service) -> None:
    service.deliver("normal", json.dumps({"report_id": ANY.report_id}))


def test_a_message_that_is_no_permit_is_dropped(service: Service) -> None:
    for body in ("", "[]", "{}", "null", '{"report_id": 7}', "not json"):
        service.deliver("normal", body)


def test_a_permit_serves_its_own_report_while_the_index_lags(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    # moto's indexes are immediate; the lag of a real one is what is put in here.
    report_id = service.create()
    monkeypatch.setattr(type(stores().reports), "oldest_waiting", lambda *_: [])
    report = claim_next(Permit("normal", report_id))
    assert report is not None
    assert report.id == report_id


def test_of_many_workers_each_report_goes_to_exactly_one(service: Service) -> None:
    ids = {service.create() for _ in range(6)}
    with ThreadPoolExecutor(12) as pool:
        found = [r for r in pool.map(lambda _: claim_next(ANY), range(12)) if r is not None]
    assert sorted(r.id for r in found) == sorted(ids)
    assert {r.attempt for r in found} == {1}


def test_a_claim_is_a_lease_that_is_renewed(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASE_SECONDS", "2")
    settings.cache_clear()
    report = claimed(service)
    renewed = threading.Event()
    renew = type(stores().reports).renew

    def noted(*arguments: object) -> Report:
        answer = renew(*arguments)  # type: ignore[arg-type]
        renewed.set()
        return answer

    monkeypatch.setattr(type(stores().reports), "renew", noted)
    with Claim(report, plenty):
        assert renewed.wait(5)
    current = stores().reports.get(report.id)
    assert current is not None
    assert current.lease is not None
    assert report.lease is not None
    assert parse_stamp(current.lease) > parse_stamp(report.lease)


def test_progress_is_stored_and_never_goes_back(service: Service) -> None:
    with Claim(claimed(service), plenty) as claim:
        claim.progress(40, "writing", 100)
        claim.progress(30, "writing", 90)
        shown = service.report(claim.report.id)
    assert (shown["progress_percentage"], shown["words_written"]) == (40, 100)


def test_cancelling_stops_the_worker_and_is_final(service: Service) -> None:
    with Claim(claimed(service), plenty) as claim:
        assert service.post(f"/api/reports/{claim.report.id}/cancel").status == 200
        with pytest.raises(ClaimEndedError, match="cancelled"):
            claim.progress(50, "writing", 10)
        with pytest.raises(ClaimEndedError):
            claim.fail("too late")
    assert service.report(claim.report.id)["status"] == "cancelled"


def test_a_worker_that_was_overtaken_can_change_nothing(service: Service) -> None:
    late = claimed(service)
    let_lease_expire(late)
    service.sweep()
    second = claim_next(ANY)
    assert second is not None
    assert (second.id, second.attempt) == (late.id, late.attempt + 1)
    for write in (
        lambda: stores().reports.fail(late, "late", now()),
        lambda: stores().reports.renew(late, now(), timedelta(seconds=9), 99, "late", 1),
        lambda: stores().reports.requeue(late, now(), now(), "handed on"),
    ):
        with pytest.raises(StateConflictError):
            write()
    assert service.report(late.id)["status"] == "processing"


def test_a_live_lease_is_left_alone_by_the_sweep_and_by_more_permits(service: Service) -> None:
    report = claimed(service)
    service.sweep()
    assert claim_next(Permit("normal", report.id)) is None
    assert service.report(report.id)["attempt"] == 1


def test_a_report_taken_back_goes_to_the_head_of_its_queue_with_a_new_permit(service: Service) -> None:
    report = claimed(service)
    service.permits("normal")
    service.create("younger")
    service.permits("normal")
    let_lease_expire(report)
    service.sweep()
    assert {json.loads(b)["report_id"] for b in service.permits("normal")} == {report.id}
    shown = service.report(report.id)
    assert (shown["status"], shown["queue_position"], shown["progress_percentage"]) == ("queued", 1, 40)


def test_a_report_whose_workers_keep_dying_fails_with_a_reason(service: Service) -> None:
    claimed(service)
    for _ in range(settings().max_takeovers + 1):
        report = claim_next(ANY) or stores().reports.get(next(iter(stores().reports.open_reports())).id)
        assert report is not None
        let_lease_expire(report)
        service.sweep()
    shown = service.get("/api/reports/?status=failed").json()["data"]["reports"]
    assert len(shown) == 1
    assert "worker stopped" in service.report(shown[0]["id"])["error_message"]


def abandoned(service: Service) -> Report:
    """Return a report whose worker stopped long ago, and whose permit nobody acknowledged."""
    report = claimed(service)
    service.permits("normal")
    let_lease_expire(report)
    return report


def test_a_permit_delivered_again_resumes_the_report_that_its_worker_abandoned(service: Service) -> None:
    report = abandoned(service)
    resumed = claim_next(Permit("normal", report.id))
    assert resumed is not None
    assert (resumed.id, resumed.attempt, resumed.takeovers, resumed.progress) == (report.id, 2, 1, 40)
    # This very delivery serves it, so no other permit is sent.
    assert service.permits("normal") == []
    figures = stores().figures.get()
    assert (figures.waiting["normal"], figures.running["normal"]) == (0, 1)


def test_a_permit_delivered_again_finds_its_abandoned_report_before_younger_ones(service: Service) -> None:
    report = abandoned(service)
    younger = service.create("younger")
    found = [claim_next(Permit("normal", i)) for i in (report.id, younger)]
    assert [r.id if r else None for r in found] == [report.id, younger]


def test_a_permit_delivered_again_gives_its_report_up_after_too_many_takeovers_and_serves_another(
    service: Service,
) -> None:
    report = abandoned(service)
    for _ in range(settings().max_takeovers):
        again = claim_next(Permit("normal", report.id))
        assert again is not None
        let_lease_expire(again)
    other = service.create("other")
    served = claim_next(Permit("normal", report.id))
    assert served is not None
    assert served.id == other
    shown = service.report(report.id)
    assert (shown["status"], shown["attempt"]) == ("failed", settings().max_takeovers + 1)
    assert "worker stopped" in shown["error_message"]
    figures = stores().figures.get()
    assert (figures.waiting["normal"], figures.running["normal"], figures.today.failed) == (0, 1, 1)


def test_of_many_deliveries_of_one_permit_a_single_one_resumes_the_abandoned_report(service: Service) -> None:
    report = abandoned(service)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: claim_next(Permit("normal", report.id)), range(6)))
    assert [(r.id, r.attempt, r.takeovers) for r in found if r is not None] == [(report.id, 2, 1)]
    figures = stores().figures.get()
    assert (figures.waiting["normal"], figures.running["normal"]) == (0, 1)


def test_the_permit_of_another_report_leaves_an_abandoned_one_to_the_sweep(service: Service) -> None:
    report = abandoned(service)
    assert claim_next(ANY) is None
    assert service.report(report.id)["status"] == "processing"


def test_a_dead_letter_fails_a_report_that_killed_too_many_workers(service: Service) -> None:
    report = abandoned(service)
    for _ in range(settings().max_takeovers):
        again = claim_next(Permit("normal", report.id))
        assert again is not None
        let_lease_expire(again)
    service.app.dead_letters({"Records": [{"body": json.dumps({"report_id": report.id})}]}, None)
    shown = service.report(report.id)
    assert shown["status"] == "failed"
    assert "worker stopped" in shown["error_message"]


def test_out_of_time_hands_the_report_on(service: Service) -> None:
    report_id = service.create(output_format="md")
    service.deliver("normal", service.permits("normal")[0], remaining_seconds=5)
    assert service.report(report_id)["status"] == "queued"
    assert service.finish(report_id)["attempt"] == 2


def test_out_of_time_is_seen_by_check(service: Service) -> None:
    with Claim(claimed(service), lambda: 1.0) as claim, pytest.raises(OutOfTimeError):
        claim.check()


def test_a_report_that_is_handed_on_for_ever_fails(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "MAX_RELEASES", 2)
    report_id = service.create()
    for _ in range(3):
        service.deliver("normal", json.dumps({"report_id": report_id}), remaining_seconds=5)
    assert service.report(report_id)["status"] == "failed"


def test_a_lost_permit_is_sent_again_when_the_report_is_due(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    report_id = service.create()
    assert len(service.permits("normal")) == 1
    service.sweep()
    assert service.permits("normal") == []
    real = now
    monkeypatch.setattr(sweep, "now", lambda: real() + timedelta(minutes=2))
    service.sweep()
    assert {json.loads(b)["report_id"] for b in service.permits("normal")} == {report_id}


def test_a_dead_letter_moves_its_report_on(service: Service) -> None:
    report_id = service.create()
    body = service.permits("normal")[0]
    service.app.dead_letters({"Records": [{"body": body}, {"body": "rubbish"}]}, None)
    assert [json.loads(b)["report_id"] for b in service.permits("normal")] == [report_id]
    assert service.report(report_id)["status"] == "queued"


def test_the_sweep_corrects_figures_that_drifted(service: Service) -> None:
    service.create()
    claimed(service)
    stores().figures.add({"waiting_normal": 7, "running_low": 3, f"completed_{now():%Y-%m-%d}": 5})
    service.sweep()
    stores().figures.add({"completed_2020-01-01": 5})
    service.sweep()
    assert "completed_2020-01-01" not in stores().figures.counters()
    figures = stores().figures.get()
    assert (figures.waiting["normal"], figures.running["normal"], figures.running["low"]) == (1, 1, 0)
    assert figures.today.completed == 0


def test_a_free_worker_is_woken_for_a_report_whose_permit_was_lost(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A long queue set a due time hours away; then it drained and one permit was lost.
    stores().figures.add({"waiting_normal": 100})
    queue_figures()
    report_id = service.create()
    service.permits("normal")
    stores().figures.add({"waiting_normal": -100})
    real = now
    monkeypatch.setattr(sweep, "now", lambda: real() + timedelta(minutes=2))
    service.sweep()
    assert [json.loads(b)["report_id"] for b in service.permits("normal")] == [report_id]


def test_a_permit_waits_for_a_lagging_index(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    # The second report's permit arrives first and takes the first one; the index still shows only that one.
    first, second = service.create(), service.create()
    store = type(stores().reports)
    real, asked = store.oldest_waiting, 0

    def lagging(self: ReportStore, priority: Priority, limit: int) -> list[WaitingReport]:
        nonlocal asked
        asked += 1
        return [WaitingReport(first, "alice")] if asked <= 2 else real(self, priority, limit)

    monkeypatch.setattr(store, "oldest_waiting", lagging)
    found = [claim_next(Permit("normal", second)), claim_next(Permit("normal", first))]
    assert [r.id if r else None for r in found] == [first, second]


def test_a_silent_worker_sees_a_cancellation_within_seconds(service: Service) -> None:
    with Claim(claimed(service), plenty) as claim:
        service.post(f"/api/reports/{claim.report.id}/cancel")

        def ended() -> bool:
            try:
                claim.check()
            except ClaimEndedError:
                return True
            return False

        wait_for(ended, 5, "the end of the claim")


def test_an_internal_error_gives_the_report_back_and_at_last_fails_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug in a renderer")

    monkeypatch.setattr(generate, "render", broken)
    report_id = service.create(output_format="md")
    for takeovers in range(1, settings().max_takeovers + 1):
        service.work()
        report = stores().reports.get(report_id)
        assert report is not None
        assert (report.status, report.takeovers) == ("queued", takeovers)
    service.work()
    assert service.report(report_id)["error_message"] == generate.INTERNAL_ERROR


def test_a_report_cancelled_at_the_last_moment_leaves_no_file(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Claim.complete

    def too_late(self: Claim, outcome: Outcome, *beside: object) -> None:
        service.post(f"/api/reports/{self.report.id}/cancel")
        real(self, outcome)

    monkeypatch.setattr(Claim, "complete", too_late)
    report_id = service.create(output_format="md")
    service.work()
    assert service.report(report_id)["status"] == "cancelled"
    assert stores().artifacts.discard(report_id) == []


def test_one_unreadable_record_keeps_no_other_waiting(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = service.create(), service.create()
    service.permits("normal")
    Table(settings().reports_table).update(report_key(broken), assign={"parameters": "{"})
    real = now
    monkeypatch.setattr(sweep, "now", lambda: real() + timedelta(minutes=60))
    service.sweep()
    assert sound in {json.loads(b)["report_id"] for b in service.permits("normal")}
