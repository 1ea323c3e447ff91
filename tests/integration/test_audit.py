"""The audit: an entry for every event, in one transaction with the change; denials by the minute; who may read it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.domain.audit import NOBODY
from chalicelib.domain.caller import INVESTIGATION_SCOPES
from chalicelib.domain.clock import now, stamp
from chalicelib.services import audit
from chalicelib.services.claims import claim_next
from chalicelib.services.keys import create_key
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.audit_store import AuditQuery
from chalicelib.stores.dynamodb import Put, TransactionFailedError, transact
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.stores import stores
from tests.support.service import Service, counted_calls, new_report
from tests.support.v1_callers import Account, new_finding

SECRET_WORDS = "Merger with Contoso"


@pytest.fixture
def admin(service: Service) -> str:
    """A key of alice's that may read her tenant's audit."""
    return service.new_key("alice", ("read", "write", "admin"))


def entries(service: Service, key: str, query: str = "") -> list[dict[str, Any]]:
    answer = service.get(f"/api/audit?{query}", key=key)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()["data"]["entries"]
    return found


def of_reports(service: Service, key: str) -> list[tuple[str, str]]:
    """Return action and target of what was done to reports, the oldest first."""
    found = [(e["action"], e["target"]) for e in entries(service, key) if e["action"].startswith("report.")]
    return found[::-1]


def fail(service: Service) -> None:
    for body in service.permits("normal"):
        claimed = claim_next(Permit("normal", json.loads(body)["report_id"]))
        assert claimed is not None
        stores().reports.fail(claimed, "a reason", now())


@pytest.fixture
def passing_minutes(monkeypatch: pytest.MonkeyPatch) -> list[timedelta]:
    """Let the clock of the audit run ahead by what is put into this list."""
    ahead = [timedelta()]
    monkeypatch.setattr(audit, "now", lambda: now() + ahead[0])
    return ahead


def test_every_event_of_a_report_has_its_entry(service: Service, admin: str) -> None:
    done = service.create(title=SECRET_WORDS, output_format="md")
    service.finish(done)
    service.get(f"/api/reports/{done}/download")
    service.get(f"/api/reports/{done}/download?delivery=link")
    service.get(f"/api/reports/{done}/download?format=html")
    cancelled = service.create()
    service.post(f"/api/reports/{cancelled}/cancel")
    service.permits("normal")
    failed = service.create()
    fail(service)
    assert service.post(f"/api/reports/{failed}/retry").status == 200
    assert of_reports(service, admin) == [
        ("report.create", done),
        *[("report.read", done)] * 3,
        ("report.create", cancelled),
        ("report.cancel", cancelled),
        ("report.create", failed),
        ("report.retry", failed),
    ]
    read = entries(service, admin, "action=report.read")
    assert [(e["details"]["format"], e["details"]["delivery"]) for e in read] == [
        ("html", "file"),
        ("md", "link"),
        ("md", "file"),
    ]
    assert SECRET_WORDS not in json.dumps(entries(service, admin))


def test_an_entry_says_who_when_whence_and_in_which_request(service: Service, admin: str) -> None:
    before = stamp(now())
    answer = service.post("/api/reports/", new_report())
    (entry,) = entries(service, admin, "action=report.create")
    assert before < entry["at"] < stamp(now())
    assert entry["tenant"] == "alice"
    assert entry["actor"].startswith("ak_")
    assert entry["address"] == "127.0.0.1"
    assert entry["outcome"] == "done"
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert entries(service, admin, f"actor={entry['actor']}&action=report.create") == [entry]
    assert entries(service, admin, f"actor=ak_other&from={before}") == []


def test_what_is_refused_or_undone_leaves_no_entry(service: Service, admin: str) -> None:
    report_id = service.create()
    for _ in range(2):
        service.post(f"/api/reports/{report_id}/cancel")
    service.post(f"/api/reports/{report_id}/retry")
    service.get(f"/api/reports/{report_id}/download")
    assert of_reports(service, admin) == [("report.create", report_id), ("report.cancel", report_id)]


def test_nothing_is_handed_out_that_cannot_be_noted(service: Service) -> None:
    done = service.create(output_format="md")
    service.finish(done)
    events = aws.dynamodb_client().meta.events

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params["TableName"].endswith("audit"):
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "PutItem")

    events.register("before-parameter-build.dynamodb.PutItem", refuse)
    try:
        assert service.get(f"/api/reports/{done}/download").status == 500
        assert service.get(f"/api/reports/{done}/download?delivery=link").status == 500
    finally:
        events.unregister("before-parameter-build.dynamodb.PutItem", refuse)
    assert service.get(f"/api/reports/{done}/download").status == 200


def test_an_entry_costs_no_call_beside_a_change_and_one_beside_a_read(service: Service) -> None:
    done = service.create(output_format="md")
    service.finish(done)
    service.get(f"/api/reports/{done}/download")
    with counted_calls() as read:
        service.get(f"/api/reports/{done}/download")
    assert read == {"GetItem": 1, "PutItem": 1, "GetObject": 1}
    waiting = service.create()
    with counted_calls() as cancelled:
        service.post(f"/api/reports/{waiting}/cancel")
    assert cancelled == {"GetItem": 1, "TransactWriteItems": 1, "UpdateItem": 1}


def test_events_of_investigations_have_their_entries(service: Service) -> None:
    account = Account(service, "acme")
    admin = service.new_key("acme", ("admin",))
    pending = account.create(evidence="pushed")["id"]
    account.post(f"/investigations/{pending}/findings", {"findings": [new_finding("F1"), new_finding("F2")]})
    account.post(f"/investigations/{pending}/complete")
    service.work()
    finding = account.get("/findings").json()["findings"][0]["id"]
    account.post(f"/findings/{finding}/dismiss", {"reason": "resolved"})
    account.get(f"/investigations/{pending}/report")
    account.get(f"/investigations/{pending}/report?format=md")
    account.get(f"/investigations/{pending}/report/versions/1")
    account.post(f"/investigations/{pending}/report/regenerate")
    other = account.create(evidence="pushed")["id"]
    account.delete(f"/investigations/{other}")
    mine = [e for e in entries(service, admin) if not e["action"].startswith("key.")]
    assert not any("test" in e["details"] for e in mine)
    assert [(e["action"], e["target"]) for e in mine][::-1] == [
        ("investigation.create", pending),
        ("findings.add", pending),
        ("investigation.complete", pending),
        ("finding.dismiss", finding),
        *[("investigation.read", pending)] * 3,
        ("investigation.regenerate", pending),
        ("investigation.create", other),
        ("investigation.cancel", other),
    ]


def test_what_a_test_key_does_is_its_owner_s_and_marked(service: Service) -> None:
    account = Account(service, "acme")
    account.key = create_key("acme", "test", INVESTIGATION_SCOPES, kind="pck_test_").secret
    made = account.create(evidence="pushed")["id"]
    subscribed = account.post(
        "/webhooks/subscriptions", {"url": "https://hooks.example.com/x", "events": ["investigation.completed"]}
    )
    found = [e for e in entries(service, service.new_key("acme", ("admin",))) if e["details"].get("test")]
    assert [(e["action"], e["target"]) for e in found] == [
        ("webhook.create", subscribed.json()["id"]),
        ("investigation.create", made),
    ]


def test_changes_of_webhooks_have_their_entries_and_no_secret(service: Service, admin: str) -> None:
    wanted = {"url": "https://hooks.example.com/x", "events": ["report.completed"]}
    answer = service.post("/api/webhooks", wanted, key=admin).json()["data"]
    made = answer["webhook"]["id"]
    service.request("PATCH", f"/api/webhooks/{made}", {"active": True}, key=admin)
    rotated = service.post(f"/api/webhooks/{made}/rotate", key=admin).json()["data"]
    service.post(f"/api/webhooks/{made}/test", key=admin)
    service.request("DELETE", f"/api/webhooks/{made}", key=admin)
    found = entries(service, admin)
    assert [e["action"] for e in found if e["target"] == made][::-1] == [
        "webhook.create",
        "webhook.change",
        "webhook.rotate",
        "webhook.test",
        "webhook.delete",
    ]
    for secret in (answer["secret"], rotated["secret"], "hooks.example.com"):
        assert secret not in json.dumps(found)


def test_a_key_that_loses_its_last_scope_with_its_maker_s_is_noted_as_revoked(service: Service, admin: str) -> None:
    parent = service.post("/api/keys", {"name": "p", "scopes": ["admin"]}, key=admin).json()
    children = [
        service.post("/api/keys", {"name": "c", "scopes": [scope]}, key=parent["secret"]).json()["data"]["key"]["id"]
        for scope in ("read", "write")
    ]
    changed = service.request("PUT", f"/api/keys/{parent['data']['key']['id']}", {"scopes": ["write"]}, key=admin)
    assert changed.status == 200
    found = {e["target"]: e["action"] for e in entries(service, admin)[:3]}
    assert found[children[0]] == "key.revoke"
    assert found[parent["data"]["key"]["id"]] == "key.change"


def test_nobody_has_the_name_that_stands_for_nobody(service: Service) -> None:
    with pytest.raises(ValueError, match="owner"):
        service.new_key(NOBODY, ("admin",))


def test_changes_of_keys_have_their_entries_and_no_secret(service: Service, admin: str) -> None:
    answer = service.post("/api/keys", {"name": SECRET_WORDS, "scopes": ["read"]}, key=admin)
    made = answer.json()["data"]["key"]["id"]
    service.request("PUT", f"/api/keys/{made}", {"name": "other"}, key=admin)
    service.post(f"/api/keys/{made}/rotate", key=admin)
    service.request("DELETE", f"/api/keys/{made}", key=admin)
    found = entries(service, admin)
    assert [e["action"] for e in found if e["target"] == made] == [
        "key.revoke",
        "key.rotate",
        "key.change",
        "key.create",
    ]
    assert answer.json()["secret"] not in json.dumps(found)
    assert SECRET_WORDS not in json.dumps(found)


def test_denials_of_a_minute_become_one_entry_once(
    service: Service, admin: str, passing_minutes: list[timedelta]
) -> None:
    stranger = service.new_key("bob")
    hers = service.create()
    for _ in range(3):
        assert service.get(f"/api/reports/{hers}", key=stranger).status == 404
    assert service.get("/api/audit", key=stranger).status == 403
    for _ in range(30):
        assert service.get("/api/reports/", key="sk_unknown").status == 401
    audit.settle_denials()
    assert entries(service, admin, "action=access.denied") == []
    passing_minutes[0] = timedelta(minutes=3)
    assert (audit.settle_denials(), audit.settle_denials()) == (3, 0)
    assert entries(service, admin, "action=access.denied") == []
    of_bob = entries(service, service.new_key("bob", ("admin",)), "action=access.denied")
    assert sorted((e["details"]["status"], e["details"]["count"], e["target"]) for e in of_bob) == [
        (403, 1, "GET /api/audit"),
        (404, 3, "GET /api/reports/{report_id}"),
    ]
    assert hers not in json.dumps(of_bob)
    (unknown,), _ = stores().audit.page(AuditQuery("-"))
    assert (unknown.actor, unknown.outcome, unknown.details["count"]) == ("127.0.0.1", "denied", 20)
    assert unknown.details["at_least"] == 1


def test_a_flood_of_denials_is_settled_over_several_sweeps(
    service: Service, passing_minutes: list[timedelta], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, status in ((service.key, 403), (None, 401), (service.new_key("bob"), 403)):
        assert service.get("/api/audit", key=key).status == status
    passing_minutes[0] = timedelta(minutes=3)
    monkeypatch.setattr(audit, "_SETTLING_SECONDS", 0.0)
    assert [audit.settle_denials() for _ in range(4)] == [1, 1, 1, 0]


def test_a_denial_costs_one_call_and_none_beyond_twenty_a_minute(service: Service) -> None:
    with counted_calls() as calls:
        for _ in range(40):
            service.get("/api/reports/", key=None)
    assert calls == {"UpdateItem": 20}


def test_a_denial_that_cannot_be_counted_is_answered_all_the_same(service: Service) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "UpdateItem")

    events = aws.dynamodb_client().meta.events
    events.register("before-parameter-build.dynamodb.UpdateItem", refuse)
    try:
        assert service.get("/api/reports/", key=None).status == 401
    finally:
        events.unregister("before-parameter-build.dynamodb.UpdateItem", refuse)


def test_admins_read_their_own_tenant_and_operators_all(
    service: Service, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers, his = service.create(), service.create(key=service.new_key("bob"))
    created = "action=report.create"
    assert [e["target"] for e in entries(service, admin, created)] == [hers]
    assert [e["target"] for e in entries(service, admin, f"{created}&tenant=alice")] == [hers]
    assert service.get("/api/audit?tenant=bob", key=admin).status == 403
    assert service.get("/api/audit", key=service.new_key("alice", ("read", "write"))).status == 403
    assert service.get("/api/audit", key=None).status == 401
    monkeypatch.setenv("OPERATORS", "carol, alice")
    settings.cache_clear()
    assert [e["target"] for e in entries(service, admin, created)] == [his, hers]
    assert [e["target"] for e in entries(service, admin, f"{created}&tenant=bob")] == [his]
    assert service.get("/api/audit", key=service.new_key("carol", ("read",))).status == 403


def test_pages_show_every_entry_once_in_order(service: Service, admin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATORS", "alice")
    settings.cache_clear()
    start = stamp(now())
    for number in range(23):
        audit.note("report.read" if number % 3 else "report.cancel", "tenant", f"r{number:02d}")
    for tenant in ("tenant=tenant&", ""):
        for action in ("", "action=report.read&", "actor=system&"):
            wanted = [f"r{n:02d}" for n in range(23) if n % 3 or "read" not in action][::-1]
            assert paged(service, admin, f"{tenant}{action}limit=5&from={start}") == wanted


def paged(service: Service, key: str, query: str) -> list[str]:
    """Return the targets of all pages."""
    shown: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        data = service.get(f"/api/audit?{query}&cursor={cursor}", key=key).json()["data"]
        shown += [e["target"] for e in data["entries"]]
        cursor = data["next_cursor"]
        assert len(shown) < 50
    return shown


def test_from_is_the_first_and_to_the_first_too_late(service: Service, admin: str) -> None:
    for number in range(3):
        audit.note("report.read", "alice", f"r{number}")
    _, second, first = entries(service, admin, "action=report.read")
    assert [e["target"] for e in entries(service, admin, f"to={second['at']}&action=report.read")] == ["r0"]
    assert [e["target"] for e in entries(service, admin, f"from={second['at']}&action=report.read")] == ["r2", "r1"]
    between = f"from={first['at']}&to={second['at']}"
    assert [e["target"] for e in entries(service, admin, between)] == ["r0"]


def test_entries_expire_after_the_days_of_the_setting(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_DAYS", "7")
    settings.cache_clear()
    item = audit.entry("report.read", "alice", "r").item
    assert abs(item["expires_at"] - (now() + timedelta(days=7)).timestamp()) < 5


def test_an_entry_is_never_written_over(service: Service) -> None:
    put = audit.entry("report.read", "alice", "r1")
    transact([put])
    with pytest.raises(TransactionFailedError):
        transact([Put(put.table, {**put.item, "target": "r2"}, put.condition)])
    (kept,), _ = stores().audit.page(AuditQuery("alice", action="report.read"))
    assert kept.target == "r1"
