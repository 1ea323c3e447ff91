"""Investigations in DynamoDB: what is written is read, lists follow states, and keys of callers hold for a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from boto3.dynamodb.conditions import Attr

from chalicelib.domain.clock import now, stamp
from chalicelib.domain.identifiers import sortable_id
from chalicelib.domain.investigation import Change, Investigation, InvestigationScope, InvestigationStatus
from chalicelib.stores.dynamodb import TransactionFailedError, transact
from chalicelib.stores.investigation_store import (
    HeadConflictError,
    IdempotencyKey,
    InvestigationStore,
    VersionRecord,
    to_idempotency,
)
from chalicelib.stores.stores import stores
from tests.faults.test_lost_answers import LostAnswer
from tests.support.tables import made_resources


@pytest.fixture(autouse=True)
def _resources() -> Iterator[None]:
    with made_resources():
        yield


@pytest.fixture
def store() -> InvestigationStore:
    return stores().investigations


def unstored(account: str = "acme", status: InvestigationStatus = "queued") -> Investigation:
    at = stamp(now())
    return Investigation(
        id=sortable_id("inv_"),
        account=account,
        status=status,
        query="Was wurde gefunden? 🔎",
        depth="deep",
        mode="cached",
        scope=InvestigationScope("selector", {"env": "prod"}, "7d"),
        created_at=at,
        queued_at=at,
        agent_ids=("a-1", "a-2"),
    )


def stored(store: InvestigationStore, account: str = "acme", status: InvestigationStatus = "queued") -> Investigation:
    new = unstored(account, status)
    store.create(new, None, now())
    return new


def test_what_is_stored_is_read(store: InvestigationStore) -> None:
    bare = unstored()
    full = replace(
        unstored(),
        evidence="pushed",
        evidence_revision=7,
        finding_count=12,
        newest_evidence_at="2026-05-01T00:00:00.000000Z",
        job_id="job_1",
        version=2,
        generated_at="2026-05-01T00:00:00.123Z",
        report_key="investigations/x.json",
        severity="high",
        stale_reason="new findings were added",
        auto_regenerate=True,
        regenerate_at="2026-05-02T00:00:00.000000Z",
        completed_at="2026-05-01T00:00:00.000000Z",
        failure="no_connected_agents",
    )
    for one in (bare, full):
        store.create(one, None, now())
        assert store.get(one.id) == one
    assert store.get_many([full.id, "inv_none", bare.id]) == [full, bare]
    assert store.get("inv_none") is None


def test_lists_are_newest_first_by_account_and_status_page_by_page(store: InvestigationStore) -> None:
    mine = [stored(store) for _ in range(5)]
    done = [stored(store, status="completed") for _ in range(2)]
    other = stored(store, account="other")
    newest = [i.id for i in reversed([*mine, *done])]
    first, start = store.newest("acme", None, 4, None)
    rest, end = store.newest("acme", None, 4, start)
    assert (first + rest, end) == (newest, None)
    assert store.newest("acme", "completed", 2, None) == ([i.id for i in reversed(done)], None)
    assert store.newest("acme", "failed", 2, None) == ([], None)
    assert store.newest("other", None, 2, start) == ([], None)
    assert store.newest("other", None, 2, None) == ([other.id], None)


def test_a_change_of_state_moves_between_lists_and_names_what_it_expects(store: InvestigationStore) -> None:
    one = stored(store)
    moved = store.change(one, Attr("status").eq("queued"), status="exploring")
    assert moved == replace(one, status="exploring") == store.get(one.id)
    assert store.newest("acme", "queued", 1, None)[0] == []
    assert store.newest("acme", "exploring", 1, None)[0] == [one.id]
    with pytest.raises(HeadConflictError) as conflict:
        store.change(one, Attr("status").eq("queued"), status="compiling")
    assert conflict.value.current == moved


def test_a_change_whose_answer_is_lost_is_a_success(store: InvestigationStore) -> None:
    one = stored(store)
    with LostAnswer("UpdateItem"):
        moved = store.change(one, Attr("status").eq("queued"), status="exploring")
    assert moved.status == "exploring"


def test_a_callers_key_is_stored_with_the_investigation_and_used_once_a_day(store: InvestigationStore) -> None:
    first, second = unstored(), unstored()
    at = now()
    key = IdempotencyKey("acme", "my key", "digest", first.id)
    store.create(first, key, at)
    assert store.idempotency("acme", "my key") == key
    again = replace(key, investigation_id=second.id, body_digest="another")
    with pytest.raises(TransactionFailedError) as used:
        store.create(second, again, at + timedelta(hours=23))
    earlier = used.value.reasons[1]
    assert earlier is not None
    assert to_idempotency(earlier, "acme", "my key") == key
    assert store.get(second.id) is None
    store.create(second, again, at + timedelta(hours=25))
    assert store.idempotency("acme", "my key") == again


def test_a_callers_key_is_theirs_alone_and_forgotten_after_a_day(store: InvestigationStore) -> None:
    old = unstored()
    store.create(old, IdempotencyKey("acme", "k", "d", old.id), now() - timedelta(hours=25))
    assert store.idempotency("acme", "k") is None
    one = unstored("a")
    store.create(one, IdempotencyKey("a", "b#c", "d", one.id), now())
    assert store.idempotency("a#b", "c") is None


def test_versions_are_listed_newest_first_and_never_replaced(store: InvestigationStore) -> None:
    one = stored(store)
    change = Change("One finding came.", ("fnd_1",), (), "low", "high", ("Patch it.",), ())
    versions = [
        VersionRecord(
            investigation_id=one.id,
            version=number,
            generated_at=f"2026-05-01T00:00:{number:02d}.000Z",
            severity="high",
            model="deep",
            model_name="a-model",
            degraded=False,
            report_key=f"investigations/{number}.json",
            evidence_revision=number,
            input_digest="ab",
            job_id=f"job_{number}",
            change=change if number > 1 else None,
        )
        for number in range(1, 12)
    ]
    for version in versions:
        transact([store.version_write(version)])
    assert list(store.versions(one.id)) == versions[::-1]
    assert [v.version for v in store.versions(one.id, before=3)] == [2, 1]
    assert list(store.versions(one.id, before=1)) == []
    assert store.version(one.id, 2) == versions[1]
    assert store.version(one.id, 12) is None
    with pytest.raises(TransactionFailedError):
        transact([store.version_write(versions[0])])
