"""Findings over moto: a batch is seen at once or never, once in, and its changes are noted in the head."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from chalicelib.domain.clock import now, parse_stamp, stamp
from chalicelib.domain.finding import MAX_FINDINGS, Finding, FindingNode, NewFinding, Step
from chalicelib.domain.identifiers import finding_id, sortable_id
from chalicelib.domain.investigation import Investigation, InvestigationScope, InvestigationStatus
from chalicelib.services import findings
from chalicelib.services.findings import (
    EvidenceBusyError,
    EvidenceFullError,
    InvestigationClosedError,
    dismiss,
    evidence_of,
    finding,
    findings_page,
    ingest,
    prepare,
)
from chalicelib.services.not_found import NotFoundError
from chalicelib.services.select_evidence import snapshot
from chalicelib.stores import aws, dynamodb
from chalicelib.stores.dynamodb import transact
from chalicelib.stores.finding_store import INGEST_LEASE
from chalicelib.stores.stores import stores
from tests.faults.test_lost_answers import LostAnswer
from tests.support.client_events import listening
from tests.support.service import counted_calls
from tests.support.tables import made_resources

ACCOUNT = "acme"


@pytest.fixture(autouse=True)
def _resources() -> Iterator[None]:
    with made_resources():
        yield


def investigation(account: str = ACCOUNT, status: InvestigationStatus = "pending", **fields: Any) -> Investigation:
    """Store an investigation and return it."""
    at = now()
    new = Investigation(
        id=sortable_id("inv_"),
        account=account,
        status=status,
        query="what happened?",
        depth="quick",
        mode="auto",
        scope=InvestigationScope(),
        created_at=stamp(at),
        queued_at=stamp(at),
    )
    new = replace(new, **fields)
    stores().investigations.create(new, None, at)
    return new


def batch(count: int, *, external: bool = False, **fields: Any) -> list[NewFinding]:
    """Return new findings that are like nothing else."""
    base = NewFinding(title="", summary="A summary.", severity="medium", confidence=0.5)
    return [
        replace(base, title=f"Finding {n}", external_id=f"scan-{n}" if external else None, **fields)
        for n in range(count)
    ]


def current(record: Investigation) -> Investigation:
    found = stores().investigations.get(record.id)
    assert found is not None
    return found


def listed(account: str = ACCOUNT, **how: Any) -> list[Finding]:
    """Return every page of a list."""
    found: list[Finding] = []
    page = findings_page(account, **how)
    found += page.findings
    while page.next_start is not None:
        page = findings_page(account, start=page.next_start, **how)
        found += page.findings
    return found


def titles(found: list[Finding]) -> list[str]:
    return [f.title for f in found]


# Taking in


def test_a_batch_is_stored_as_it_was_sent() -> None:
    own = investigation()
    new = NewFinding(
        title="Admin interface open",
        summary="Port 8443 answers.",
        severity="critical",
        confidence=0.87,
        external_id="scan/1",
        reasoning_chain=(Step(1, "It answered.", "pcap-7"), Step(2, "Nobody asked who was there.")),
        nodes=(FindingNode("n1", "host", "web-01"),),
        tags={"env": "prod", "ünï": "✓"},
        discovered_at="2026-05-01T10:00:00.000000Z",
    )
    (stored,) = ingest(ACCOUNT, own.id, [new]).findings
    assert finding(ACCOUNT, stored.id) == stored == listed()[0] == evidence_of(own)[0]
    assert NewFinding(**{name: getattr(stored, name) for name in new.__dataclass_fields__}) == new
    assert (stored.investigation_id, stored.account, stored.dismissed) == (own.id, ACCOUNT, False)


def test_the_head_counts_what_came_in() -> None:
    own = investigation()
    ingest(ACCOUNT, own.id, batch(3, discovered_at="2026-05-01T10:00:00.000000Z"))
    ingest(ACCOUNT, own.id, batch(2, discovered_at="2026-04-01T10:00:00.000000Z"))
    head = current(own)
    assert (head.finding_count, head.evidence_revision) == (5, 2)
    assert head.newest_evidence_at == "2026-05-01T10:00:00.000000Z"


def test_a_batch_of_hundreds_is_listed_in_its_order_page_by_page() -> None:
    own = investigation()
    ingested = ingest(ACCOUNT, own.id, batch(230))
    assert (ingested.created, ingested.duplicates) == (230, 0)
    assert titles(listed(limit=100)) == [f"Finding {n}" for n in range(230)] == titles(list(ingested.findings))


def test_an_external_id_that_is_known_is_a_duplicate_and_changes_nothing() -> None:
    own = investigation(status="completed", version=1)
    first = ingest(ACCOUNT, own.id, batch(3, external=True))
    before = current(own)
    again = ingest(ACCOUNT, own.id, batch(3, external=True, severity="critical"))
    assert (again.created, again.duplicates) == (0, 3)
    assert again.findings == first.findings
    assert current(own) == before
    mixed = ingest(ACCOUNT, own.id, batch(5, external=True))
    assert (mixed.created, mixed.duplicates) == (2, 3)


def test_an_external_id_twice_in_one_batch_is_stored_once_as_it_came_first() -> None:
    own = investigation()
    one, other = batch(2, external=True)
    twice = ingest(ACCOUNT, own.id, [one, replace(other, external_id=one.external_id)])
    assert (twice.created, twice.duplicates) == (1, 1)
    assert titles(list(twice.findings)) == [one.title, one.title]
    assert current(own).finding_count == 1


def test_the_same_external_id_in_two_investigations_is_two_findings() -> None:
    for own in (investigation(), investigation()):
        assert ingest(ACCOUNT, own.id, batch(1, external=True)).created == 1


def test_another_accounts_investigation_is_not_there() -> None:
    own = investigation()
    for account, investigation_id in (("other", own.id), (ACCOUNT, sortable_id("inv_"))):
        with pytest.raises(NotFoundError):
            ingest(account, investigation_id, batch(1))
    assert current(own).finding_count == 0


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_investigation_that_ended_without_a_report_takes_nothing(status: InvestigationStatus) -> None:
    own = investigation(status=status)
    with pytest.raises(InvestigationClosedError) as refused:
        ingest(ACCOUNT, own.id, batch(1))
    assert refused.value.status == status
    assert listed() == []


def test_an_investigation_has_a_bound() -> None:
    own = investigation(finding_count=MAX_FINDINGS - 2)
    with pytest.raises(EvidenceFullError, match=str(MAX_FINDINGS)):
        ingest(ACCOUNT, own.id, batch(3))
    assert ingest(ACCOUNT, own.id, batch(2)).created == 2
    assert len(listed()) == 2


def test_new_findings_make_a_finished_report_stale() -> None:
    own = investigation(status="completed", version=1)
    ingest(ACCOUNT, own.id, batch(1))
    assert current(own).stale_reason == "new findings were added"
    assert current(own).regenerate_at is None
    dismiss(ACCOUNT, listed()[0].id, "resolved", "")
    assert current(own).stale_reason == "new findings were added and findings were dismissed"


def test_automatic_regeneration_waits_from_the_last_change() -> None:
    own = investigation(status="completed", version=1, auto_regenerate=True)
    ingest(ACCOUNT, own.id, batch(1))
    first = current(own).regenerate_at
    assert first is not None
    assert timedelta(seconds=115) < parse_stamp(first) - now() <= timedelta(seconds=120)
    assert list(stores().investigations.due(parse_stamp(first))) == [own.id]
    dismiss(ACCOUNT, listed()[0].id, "resolved", "")
    second = current(own).regenerate_at
    assert second is not None
    assert second > first
    assert list(stores().investigations.due(parse_stamp(first))) == []


def test_evidence_that_is_awaited_makes_nothing_stale() -> None:
    own = investigation(auto_regenerate=True)
    ingest(ACCOUNT, own.id, batch(1))
    assert (current(own).stale_reason, current(own).regenerate_at) == ("", None)


# All at once, or not at all


class KilledError(BaseException):
    """The process ends here: nothing after it runs."""


@contextmanager
def killed_at(number: int, *, answer_lost: bool) -> Iterator[list[str]]:
    """End the process at its AWS call of this number, before it is sent or when its answer is lost; note all calls.

    A killed process gives nothing up, so what it would do on its way out does not reach AWS either.
    """
    calls: list[str] = []
    dead = threading.Event()

    def before(model: Any, **_: Any) -> None:
        calls.append(model.name)
        if dead.is_set():
            raise KilledError
        if len(calls) == number and not answer_lost:
            dead.set()
            raise KilledError

    def after(model: Any, **_: Any) -> None:
        if len(calls) >= number and answer_lost and not dead.is_set():
            dead.set()
            raise KilledError

    clients = (aws.dynamodb_client(), aws.s3_client())
    with listening(clients, "before-call", before), listening(clients, "after-call", after):
        yield calls


def let_time_pass(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    monkeypatch.setattr(findings, "now", lambda: now() + by)


def everything_seen(own: Investigation, external_ids: Sequence[str]) -> list[set[str]]:
    """Return the ids that each way to look at the findings shows."""
    ids = {finding_id(own.id, one) for one in external_ids}

    def is_shown(one: str) -> bool:
        try:
            return finding(own.account, one).id == one
        except NotFoundError:
            return False

    return [
        {f.id for f in listed(own.account)},
        {f.id for f in listed(own.account, severity="medium")},
        {f.id for f in listed(own.account, investigation_id=own.id)},
        {f.id for f in evidence_of(own)},
        {f.id for f in snapshot(own).findings},
        {one for one in ids if is_shown(one)},
    ]


@pytest.mark.parametrize("answer_lost", [False, True])
def test_killed_at_any_call_a_batch_is_seen_whole_or_not_at_all_and_can_be_sent_again(
    monkeypatch: pytest.MonkeyPatch, answer_lost: bool
) -> None:
    monkeypatch.setattr(dynamodb, "_BATCH_WRITES", 3)
    huge = replace(batch(1)[0], external_id="huge", summary="log line\n" * 10_000)
    sent = [*batch(7, external=True), huge]
    number, finished = 0, False
    while not finished:
        number += 1
        own = investigation(f"account {number}")
        ingest(own.account, own.id, sent[:2])
        with killed_at(number, answer_lost=answer_lost) as calls, suppress(KilledError):
            ingest(own.account, own.id, sent)
            finished = True
        views = everything_seen(own, [str(s.external_id) for s in sent])
        assert all(view == views[0] for view in views)
        assert len(views[0]) in ({8} if finished else {2, 8}), (number, calls)
        with monkeypatch.context() as later:
            let_time_pass(later, INGEST_LEASE + timedelta(seconds=1))
            again = ingest(own.account, own.id, sent)
        assert again.created + again.duplicates == 8
        views = everything_seen(own, [str(s.external_id) for s in sent])
        assert [len(view) for view in views] == [8] * len(views)
        assert current(own).finding_count == 8
    assert number == len(calls) + 1 == 8


def test_first_findings_are_seen_with_their_investigation_and_never_without_it() -> None:
    own = investigation(account="prepared")
    unstored = replace(own, id=sortable_id("inv_"))
    prepared = prepare(unstored, [*batch(3, external=True), *batch(1, external=True)])
    assert (prepared.investigation.finding_count, prepared.investigation.evidence_revision) == (3, 1)
    assert listed("prepared") == []
    transact(stores().investigations.creation(prepared.investigation, None, now(), prepared.head_fields))
    assert len(listed("prepared")) == len(evidence_of(unstored)) == 3
    assert ingest("prepared", unstored.id, batch(5, external=True)).created == 2
    assert len(listed("prepared")) == 5


@pytest.mark.parametrize("operation", ["UpdateItem", "BatchGetItem", "BatchWriteItem", "TransactWriteItems"])
def test_a_lost_answer_changes_nothing(operation: str) -> None:
    own = investigation()
    with LostAnswer(operation):
        assert ingest(ACCOUNT, own.id, batch(3, external=True)).created == 3
    assert (len(listed()), current(own).evidence_revision) == (3, 1)


def test_a_dismissal_whose_answer_is_lost_is_done_once() -> None:
    own = investigation()
    (one,) = ingest(ACCOUNT, own.id, batch(1)).findings
    with LostAnswer("TransactWriteItems"):
        assert dismiss(ACCOUNT, one.id, "resolved", "").dismissed
    assert current(own).evidence_revision == 2


def test_a_commit_whose_answer_is_lost_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    own = investigation()
    commit = type(stores().findings).commit_ingest

    def answer_lost(*arguments: Any) -> Investigation | None:
        with LostAnswer("TransactWriteItems"):
            return commit(*arguments)

    monkeypatch.setattr(type(stores().findings), "commit_ingest", answer_lost)
    assert ingest(ACCOUNT, own.id, batch(3)).created == 3
    assert (current(own).finding_count, current(own).evidence_revision) == (3, 1)


def test_a_batch_that_fails_lets_the_next_one_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    own = investigation()

    def fails(*_: object) -> None:
        raise RuntimeError("no connection")

    with monkeypatch.context() as patched:
        patched.setattr(type(stores().findings), "put_many", fails)
        with pytest.raises(RuntimeError):
            ingest(ACCOUNT, own.id, batch(3))
    assert ingest(ACCOUNT, own.id, batch(2)).created == 2
    assert len(listed()) == 2


def test_batches_of_one_investigation_come_in_one_after_the_other() -> None:
    own = investigation()
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: ingest(ACCOUNT, own.id, batch(3, external=n % 2 == 0)), range(8)))
    assert sum(d.created for d in done) == 4 * 3 + 3
    assert len(listed()) == current(own).finding_count == 15


def test_while_a_batch_is_taken_in_another_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    own = investigation()
    monkeypatch.setattr(findings, "_PATIENCE_SECONDS", 0)
    held = stores().findings.begin_ingest(ACCOUNT, own.id, ["pending"], now())
    with pytest.raises(EvidenceBusyError):
        ingest(ACCOUNT, own.id, batch(1))
    stores().findings.abandon_ingest(held)
    assert ingest(ACCOUNT, own.id, batch(1)).created == 1


def test_a_batch_that_was_overtaken_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    own = investigation()
    put_many = type(stores().findings).put_many

    def overtaken(*arguments: Any) -> None:
        put_many(*arguments)
        with monkeypatch.context() as later:
            later.setattr(type(stores().findings), "put_many", put_many)
            let_time_pass(later, INGEST_LEASE + timedelta(seconds=1))
            ingest(ACCOUNT, own.id, batch(2))

    with monkeypatch.context() as patched:
        patched.setattr(type(stores().findings), "put_many", overtaken)
        with pytest.raises(EvidenceBusyError):
            ingest(ACCOUNT, own.id, batch(7))
    assert len(listed()) == len(evidence_of(own)) == current(own).finding_count == 2


def test_a_batch_too_slow_to_be_sure_of_its_lease_stores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    own = investigation()
    with monkeypatch.context() as patched:
        patched.setattr(findings, "_WRITING_SECONDS", 0)
        with pytest.raises(EvidenceBusyError):
            ingest(ACCOUNT, own.id, batch(1))
    assert listed() == []


def test_a_report_that_is_finished_meanwhile_is_stale_by_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    own = investigation()
    put_many = type(stores().findings).put_many

    def completed_meanwhile(*arguments: Any) -> None:
        put_many(*arguments)
        stores().investigations.change(own, Attr("status").eq("pending"), status="completed", assign={"version": 1})

    monkeypatch.setattr(type(stores().findings), "put_many", completed_meanwhile)
    ingest(ACCOUNT, own.id, batch(1))
    assert (current(own).status, current(own).stale_reason) == ("completed", "new findings were added")
    assert current(own).finding_count == 1


# Very large findings


def test_a_very_large_finding_is_whole_where_it_is_asked_for_and_short_in_lists() -> None:
    own = investigation()
    huge = replace(
        batch(1)[0],
        summary="x" * 900_000,
        reasoning_chain=tuple(Step(n, "o" * 1000) for n in range(100)),
        nodes=tuple(FindingNode(f"n{n}", "host", f"host {n}") for n in range(100)),
    )
    (stored,) = ingest(ACCOUNT, own.id, [huge]).findings
    assert finding(ACCOUNT, stored.id) == stored == evidence_of(own)[0] == snapshot(own).findings[0]
    assert len(stored.summary) == 900_000
    (short,) = listed()
    assert short.truncated
    assert (len(short.summary), len(short.reasoning_chain)) == (2_000, 0)
    assert (short.title, short.severity, short.nodes[0]) == (huge.title, huge.severity, huge.nodes[0])
    dismissed = dismiss(ACCOUNT, stored.id, "resolved", "done")
    assert (
        dismissed == dismiss(ACCOUNT, stored.id, "resolved", "again") == replace(short, dismissal=dismissed.dismissal)
    )
    whole = finding(ACCOUNT, stored.id)
    assert (whole.dismissal, len(whole.summary)) == (dismissed.dismissal, 900_000)


def test_a_finding_that_no_answer_has_room_for_is_refused_with_its_batch() -> None:
    own = investigation()
    huge = replace(batch(1)[0], reasoning_chain=tuple(Step(n, '"' * 100_000) for n in range(13)))
    with pytest.raises(EvidenceFullError, match="2500000 bytes") as refused:
        ingest(ACCOUNT, own.id, [*batch(2), huge])
    assert refused.value.path == "findings.2"
    with pytest.raises(EvidenceFullError) as refused:
        prepare(own, [huge])
    assert refused.value.path == "findings.0"
    assert listed() == []
    assert ingest(ACCOUNT, own.id, [replace(huge, reasoning_chain=huge.reasoning_chain[:12])]).created == 1


def test_a_page_that_would_be_too_large_for_an_answer_ends_early() -> None:
    own = investigation()
    # An answer is JSON inside of JSON: a quotation mark takes four bytes.
    ingest(ACCOUNT, own.id, batch(100, summary='"' * 28_000))
    page = findings_page(ACCOUNT, limit=100)
    assert len(json.dumps(json.dumps([asdict(f) for f in page.findings]))) < 6_000_000
    assert len(page.findings) > 40
    assert page.next_start is not None
    assert titles(listed(limit=100)) == [f"Finding {n}" for n in range(100)]


def test_a_small_page_looks_beyond_what_is_dismissed() -> None:
    own = investigation()
    ingested = ingest(ACCOUNT, own.id, batch(28)).findings
    for one in ingested[1:26]:
        dismiss(ACCOUNT, one.id, "resolved", "")
    first = findings_page(ACCOUNT, limit=1)
    assert titles(list(first.findings)) == ["Finding 0"]
    second = findings_page(ACCOUNT, limit=1, start=first.next_start)
    assert titles(list(second.findings)) == ["Finding 26"]
    assert titles(listed(limit=1)) == ["Finding 0", "Finding 26", "Finding 27"]
    assert len(listed(limit=3, dismissed=True)) == 25


# Lists


def test_lists_are_of_one_account_and_narrowed_by_severity_investigation_and_dismissal() -> None:
    one, two, foreign = investigation(), investigation(), investigation("other")
    ingest(ACCOUNT, one.id, batch(2, severity="high"))
    ingest(ACCOUNT, two.id, batch(3, severity="low"))
    ingest("other", foreign.id, batch(4, severity="high"))
    gone = dismiss(ACCOUNT, listed(investigation_id=two.id)[0].id, "duplicate", "")
    assert (len(listed()), len(listed("other"))) == (4, 4)
    assert {f.investigation_id for f in listed(severity="high")} == {one.id}
    assert len(listed(investigation_id=two.id)) == len(listed(investigation_id=two.id, severity="low")) == 2
    assert listed(investigation_id=two.id, severity="high") == []
    assert listed(dismissed=True) == [gone]
    assert listed(investigation_id=foreign.id) == []


def test_pages_stay_whole_while_findings_are_added() -> None:
    own = investigation()
    ingest(ACCOUNT, own.id, batch(10, discovered_at="2026-05-01T10:00:00.000000Z"))
    first = findings_page(ACCOUNT, limit=4)
    ingest(ACCOUNT, own.id, batch(10))
    rest = findings_page(ACCOUNT, limit=100, start=first.next_start)
    assert len({f.id for f in (*first.findings, *rest.findings)}) == 10
    assert rest.next_start is None


def test_the_last_page_knows_that_it_is_the_last() -> None:
    own = investigation()
    ingest(ACCOUNT, own.id, batch(4))
    assert findings_page(ACCOUNT, limit=4).next_start is None
    assert findings_page(ACCOUNT, limit=3).next_start is not None


def test_a_start_of_another_account_shows_nothing_of_it() -> None:
    own, foreign = investigation(), investigation("other")
    ingest("other", foreign.id, batch(4))
    ingest(ACCOUNT, own.id, batch(1, discovered_at="2026-05-01T10:00:00.000000Z"))
    start = findings_page("other", limit=2).next_start
    assert {f.account for f in findings_page(ACCOUNT, start=start).findings} == {ACCOUNT}


def test_an_id_that_is_no_findings_is_not_found() -> None:
    for one in ("", "fnd_", "inv_x", "fnd_" + "0" * 42, "fnd_" + "u" * 42, "fnd_☃"):
        with pytest.raises(NotFoundError):
            finding(ACCOUNT, one)
        with pytest.raises(NotFoundError):
            dismiss(ACCOUNT, one, "resolved", "")


# Dismissing


def test_a_dismissal_is_kept_and_no_second_one_replaces_it() -> None:
    own = investigation(status="completed", version=1)
    (one,) = ingest(ACCOUNT, own.id, batch(1)).findings
    first = dismiss(ACCOUNT, one.id, "false_positive", "A test account.")
    revision = current(own).evidence_revision
    assert dismiss(ACCOUNT, one.id, "resolved", "No!") == first == finding(ACCOUNT, one.id)
    assert first.dismissal is not None
    assert (first.dismissal.reason, first.dismissal.notes) == ("false_positive", "A test account.")
    assert current(own).evidence_revision == revision == 2


def test_nobody_dismisses_what_is_not_theirs() -> None:
    own = investigation()
    (one,) = ingest(ACCOUNT, own.id, batch(1)).findings
    with pytest.raises(NotFoundError):
        dismiss("other", one.id, "resolved", "")
    assert not finding(ACCOUNT, one.id).dismissed


def test_of_many_dismissals_at_once_one_is_done() -> None:
    own = investigation(status="completed", version=1)
    (one,) = ingest(ACCOUNT, own.id, batch(1)).findings
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: dismiss(ACCOUNT, one.id, "resolved", str(n)), range(8)))
    assert len({d.dismissal for d in done}) == 1
    assert current(own).evidence_revision == 2


# The snapshot


def test_pushed_evidence_is_the_investigations_own() -> None:
    other, own = investigation(), investigation(evidence="pushed")
    ingest(ACCOUNT, other.id, batch(3))
    ingest(ACCOUNT, own.id, [*batch(2, severity="low"), *batch(1, severity="critical")])
    found = snapshot(own)
    assert [f.severity for f in found.findings] == ["critical", "low", "low"]
    assert (found.looked_at, found.revision) == (3, 1)


def test_stored_evidence_is_what_matches_of_the_account() -> None:
    other, foreign, own = investigation(), investigation("other"), investigation(query="Where is OpenSSL outdated?")
    ingest(
        ACCOUNT, other.id, [*batch(3), *batch(2, summary="openssl 1.0 is installed"), *batch(1, tags={"a": "openssl"})]
    )
    ingest("other", foreign.id, batch(2, summary="openssl 1.0 is installed"))
    gone = listed()[-1]
    dismiss(ACCOUNT, gone.id, "resolved", "")
    found = snapshot(own)
    assert (len(found.findings), found.looked_at, found.revision) == (2, 5, 0)
    assert {f.summary for f in found.findings} == {"openssl 1.0 is installed"}
    assert snapshot(investigation(query="log4j")).findings == ()


def test_a_snapshots_digest_stands_for_its_findings() -> None:
    own = investigation(evidence="pushed")
    ingest(ACCOUNT, own.id, batch(2))
    first = snapshot(own)
    assert snapshot(own) == first
    dismiss(ACCOUNT, first.findings[0].id, "resolved", "")
    second = snapshot(own)
    assert second.digest != first.digest
    assert (len(second.findings), second.revision) == (1, 2)


# What it costs


def test_calls_of_each_use_case() -> None:
    own = investigation(status="completed", version=1)
    # Whether somebody is told of events is known for a while.
    ingest(ACCOUNT, own.id, batch(1))
    with counted_calls() as calls:
        stored = ingest(ACCOUNT, own.id, batch(500, external=True)).findings
    assert calls == {"UpdateItem": 1, "BatchGetItem": 5, "BatchWriteItem": 20, "TransactWriteItems": 1, "Query": 1}
    budgets = {
        "one finding": (4, lambda: ingest(ACCOUNT, own.id, batch(1))),
        "show": (1, lambda: finding(ACCOUNT, stored[0].id)),
        "list": (3, lambda: findings_page(ACCOUNT, limit=100)),
        "dismiss": (3, lambda: dismiss(ACCOUNT, stored[0].id, "resolved", "")),
        "dismiss again": (1, lambda: dismiss(ACCOUNT, stored[0].id, "resolved", "")),
    }
    for name, (budget, call) in budgets.items():
        with counted_calls() as calls:
            call()
        assert calls.total() <= budget, (name, calls)
