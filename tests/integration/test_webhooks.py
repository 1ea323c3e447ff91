"""Webhooks from subscription to receipt, over real HTTP to a receiver on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

import app as app_module
from chalicelib.domain.clock import now
from chalicelib.services import attempt_delivery as attempt_service
from chalicelib.services import claims as claims_service
from chalicelib.services import deliveries as deliveries_service
from chalicelib.services import hand_out as hand_out_service
from chalicelib.services import subscriptions as subscriptions_service
from chalicelib.services.outbox import forget_subscriptions
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.stores import stores
from tests.support.puck_verifier import is_genuine
from tests.support.scripted_receiver import ReceivedRequest, ScriptedReceiver, answering
from tests.support.service import Context, Service, counted_calls, new_report
from tests.support.v1_callers import Account, new_finding

OK = answering("204 No Content")
EVENTS = ["report.completed", "report.failed", "report.cancelled"]


@pytest.fixture
def receiver(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedReceiver]:
    monkeypatch.setenv("WEBHOOK_ALLOW_LOOPBACK", "1")
    settings.cache_clear()
    with ScriptedReceiver(OK) as made:
        yield made


def url_of(receiver: ScriptedReceiver, path: str = "/hook") -> str:
    return f"http://127.0.0.1:{receiver.port}{path}"


def messages() -> list[dict[str, Any]]:
    """Take what waits on the queue now."""
    url, found = settings().webhooks_queue_url, []
    while taken := aws.sqs_client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in taken:
            found.append(json.loads(message["Body"]))
            aws.sqs_client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def handle(*bodies: dict[str, Any]) -> None:
    for body in bodies:
        record = {"messageId": "1", "body": json.dumps(body), "receiptHandle": "r", "attributes": {}}
        app_module.deliver({"Records": [record]}, Context(60))


def run_deliveries() -> None:
    """Handle messages until the queue has none."""
    while found := messages():
        handle(*found)


def subscribe(service: Service, receiver: ScriptedReceiver, **fields: Any) -> tuple[str, str]:
    body = {"url": url_of(receiver), "events": EVENTS, **fields}
    answer = service.post("/api/webhooks", body)
    assert answer.status == 201, answer.body
    data = answer.json()["data"]
    return data["webhook"]["id"], data["secret"]


def v1_subscribe(account: Account, receiver: ScriptedReceiver, **fields: Any) -> tuple[str, str]:
    body = {"url": url_of(receiver), "events": ["investigation.completed"], **fields}
    answer = account.post("/webhooks/subscriptions", body)
    assert answer.status == 201, answer.body
    return answer.json()["id"], answer.json()["secret"]


def end(service: Service) -> None:
    """Have something happen that is told."""
    assert service.post(f"/api/reports/{service.create()}/cancel").status == 200


def log_of(service: Service, webhook: str, query: str = "") -> list[Any]:
    answer = service.get(f"/api/webhooks/{webhook}/deliveries{query}")
    assert answer.status == 200, answer.body
    found: list[Any] = answer.json()["data"]["deliveries"]
    return found


def verified(request: ReceivedRequest, secret: str) -> Any:
    return Webhook(secret).verify(request.body, request.headers)


# What is told


def test_a_completed_report_is_told_with_a_link_that_works(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, secret = subscribe(service, receiver)
    report_id = service.create("Segmentation", output_format="md")
    service.finish(report_id)
    run_deliveries()
    (request,) = receiver.requests
    event = verified(request, secret)
    assert request.line == "POST /hook HTTP/1.1"
    assert event["type"] == "report.completed"
    assert (event["data"]["report_id"], event["data"]["status"]) == (report_id, "completed")
    assert event["data"]["sha256"] == service.report(report_id)["sha256"]
    assert f"reports/{report_id}/" in event["data"]["download"]["url"]
    (delivery,) = log_of(service, webhook)
    assert (delivery["status"], delivery["attempts"][0]["status"], delivery["attempt_count"]) == ("delivered", 204, 1)
    assert delivery["event_id"] == request.headers["webhook-id"]


def test_cancelled_and_failed_reports_are_told(
    service: Service, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = subscribe(service, receiver)
    cancelled = service.create()
    assert service.post(f"/api/reports/{cancelled}/cancel").status == 200
    monkeypatch.setenv("LLM_BASE_URL", "")
    settings.cache_clear()
    failed = service.create()
    service.work()
    run_deliveries()
    told = {e["data"]["report_id"]: e for e in (verified(r, secret) for r in receiver.requests)}
    assert {told[cancelled]["type"], told[failed]["type"]} == {"report.cancelled", "report.failed"}
    assert told[failed]["data"]["error_message"] == service.report(failed)["error_message"]


def test_progress_is_told_to_who_wants_it_and_not_too_often(
    service: Service, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = subscribe(service, receiver, events=["report.progress"])
    alone = service.post("/api/reports/", new_report(output_format="md", webhook_url=url_of(receiver, "/end"))).json()[
        "data"
    ]["report"]
    service.work()
    run_deliveries()
    told = [verified(r, secret) for r in receiver.requests if r.line == "POST /hook HTTP/1.1"]
    assert [event["type"] for event in told] == ["report.progress"]
    assert told[0]["data"]["report_id"] == alone["id"]
    assert told[0]["data"]["status"] == "processing"
    assert told[0]["data"]["progress_stage"]
    (end,) = (r for r in receiver.requests if r.line == "POST /end HTTP/1.1")
    assert verified(end, alone["webhook_secret"])["type"] == "report.completed"
    receiver.requests.clear()
    monkeypatch.setattr(claims_service, "PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr(claims_service, "_MOST_TELLINGS", 3)
    service.finish(service.create(output_format="md"))
    run_deliveries()
    shown = sorted(verified(r, secret)["data"]["progress_percentage"] for r in receiver.requests)
    assert len(shown) == 3
    assert shown == sorted(set(shown))


def test_progress_costs_nothing_where_nobody_wants_it(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_CACHE_SECONDS", "0")
    monkeypatch.setattr(claims_service, "PROGRESS_SECONDS", 0.0)
    settings.cache_clear()
    service.finish(service.create(output_format="md"))  # from here on it is known that nobody does
    found = []
    for tellings in (0, 40):
        monkeypatch.setattr(claims_service, "_MOST_TELLINGS", tellings)
        service.create(output_format="md")
        with counted_calls() as calls:
            service.work()
        found.append((calls["Query"], calls["SendMessage"]))
    assert found[0] == found[1]


def test_events_that_were_not_asked_for_and_other_owners_are_not_told(
    service: Service, receiver: ScriptedReceiver
) -> None:
    subscribe(service, receiver, events=["report.failed"])
    other = service.new_key("bob")
    service.finish(service.create(output_format="md"))
    theirs = service.create(key=other, output_format="md")
    service.work()
    assert service.report(theirs, key=other)["status"] == "completed"
    assert messages() == []
    assert receiver.requests == []


def test_a_report_ordered_with_a_webhook_is_told_without_a_subscription(
    service: Service, receiver: ScriptedReceiver
) -> None:
    answer = service.post("/api/reports/", new_report(output_format="md", webhook_url=url_of(receiver, "/once")))
    assert answer.status == 201, answer.body
    report = answer.json()["data"]["report"]
    service.finish(report["id"])
    run_deliveries()
    (request,) = receiver.requests
    assert request.line == "POST /once HTTP/1.1"
    assert verified(request, report["webhook_secret"])["data"]["report_id"] == report["id"]
    assert [d["status"] for d in log_of(service, report["id"])] == ["delivered"]
    shown = service.report(report["id"])
    assert shown["webhook_url"] == url_of(receiver, "/once")
    assert "webhook_secret" not in json.dumps(shown)


def test_a_replayed_order_shows_no_secret_and_keeps_the_first(service: Service, receiver: ScriptedReceiver) -> None:
    body, key = new_report(output_format="md", webhook_url=url_of(receiver)), {"Idempotency-Key": "order-1"}
    first, second = (service.post("/api/reports/", body, headers=key).json()["data"]["report"] for _ in range(2))
    assert first["id"] == second["id"]
    assert "webhook_secret" not in second
    service.finish(first["id"])
    run_deliveries()
    verified(receiver.requests[0], first["webhook_secret"])


# /v1


def test_an_investigation_is_told_from_queued_to_completed_in_its_own_scheme(
    service: Service, receiver: ScriptedReceiver
) -> None:
    account = Account(service)
    events = ["investigation.queued", "investigation.completed", "finding.discovered", "report.regenerated"]
    _, secret = v1_subscribe(account, receiver, events=events)
    investigation = account.completed(new_finding(), new_finding("A second one", severity="low"))
    assert account.post(f"/investigations/{investigation}/report/regenerate").status == 202
    service.work()
    run_deliveries()
    bodies = []
    for request in receiver.requests:
        assert is_genuine(secret, request.headers, request.body, time.time())
        body = json.loads(request.body)
        assert request.headers["x-puck-event-id"] == body["event_id"]
        assert request.headers["x-puck-event-type"] == body["event_type"]
        bodies.append(body)
    told = sorted(body["event_type"] for body in bodies)
    assert told == sorted([*events, "finding.discovered"])
    completed = next(b for b in bodies if b["event_type"] == "investigation.completed")["data"]
    assert (completed["investigation_id"], completed["severity"], completed["finding_count"]) == (
        investigation,
        "high",
        2,
    )
    assert completed["summary"]
    assert len({r.headers["x-puck-delivery-id"] for r in receiver.requests}) == len(bodies)


def test_filters_by_severity_and_tags(service: Service, receiver: ScriptedReceiver) -> None:
    account = Account(service)
    events = ["finding.discovered", "investigation.cancelled"]
    filters = {"min_severity": "high", "tags": {"team": "platform"}}
    v1_subscribe(account, receiver, events=events, filters=filters)
    pending = account.create(evidence="pushed")["id"]
    batch = [
        new_finding("grave"),
        new_finding("light", severity="low"),
        new_finding("another team's", tags={"team": "web"}),
    ]
    assert account.post(f"/investigations/{pending}/findings", {"findings": batch}).status == 201
    assert account.delete(f"/investigations/{pending}").status == 200
    run_deliveries()
    told = sorted((b["event_type"], b["data"].get("title")) for b in (json.loads(r.body) for r in receiver.requests))
    assert told == [("finding.discovered", "grave"), ("investigation.cancelled", None)]


def test_many_findings_are_handed_out_in_portions_and_whoever_goes_on_begins_where_the_last_one_ended(
    service: Service, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hand_out_service, "PORTION", 4)
    monkeypatch.setattr(hand_out_service, "_ROUNDS", 2)
    account = Account(service)
    subscriptions = [v1_subscribe(account, receiver, events=["finding.discovered"])[0] for _ in range(2)]
    pending = account.create(evidence="pushed")["id"]
    for batch in range(2):
        findings = [new_finding(f"{batch}-{n}") for n in range(5)]
        assert account.post(f"/investigations/{pending}/findings", {"findings": findings}).status == 201
    (place, _) = messages()
    with counted_calls() as calls:
        handle(place)
    assert calls["PutItem"] == 2 * 4  # two portions, and none of their findings twice
    following = messages()
    assert place in following
    while following:
        handle(*(message for message in following if message == place))
        following = messages()
    told = [
        d["event_id"]
        for s in subscriptions
        for d in account.get(f"/webhooks/subscriptions/{s}/deliveries").json()["deliveries"]
    ]
    assert len(told) == 2 * 10
    assert len(set(told)) == 10


def test_an_investigation_that_cannot_run_is_told_as_failed(service: Service, receiver: ScriptedReceiver) -> None:
    account = Account(service)
    v1_subscribe(account, receiver, events=["investigation.failed"])
    account.create(mode="live")
    run_deliveries()
    assert json.loads(receiver.requests[0].body)["data"]["reason"] == "no_connected_agents"


# Attempts


def test_a_receiver_that_is_down_is_asked_again_and_then_it_is_dead_and_can_be_replayed(
    service: Service, receiver: ScriptedReceiver
) -> None:
    webhook, secret = subscribe(service, receiver)
    receiver.script = answering("503 Service Unavailable")
    service.post(f"/api/webhooks/{webhook}/test")
    handle(*messages())
    for number in range(2, 6):
        (pending,) = log_of(service, webhook)
        assert (pending["status"], pending["attempt_count"]) == ("pending", number - 1)
        messages()  # delayed ones are not there yet: the next attempt is handled here without the wait
        handle({"subscription_id": webhook, "delivery_id": pending["id"], "number": number})
    (dead,) = log_of(service, webhook, "?status=failed")
    assert (dead["reason"], dead["attempt_count"], len(receiver.requests)) == ("exhausted", 5, 5)
    assert [attempt["status"] for attempt in dead["attempts"]] == [503] * 5
    assert len({r.headers["webhook-id"] for r in receiver.requests}) == 1
    receiver.script = OK
    assert service.post(f"/api/webhooks/{webhook}/deliveries/{dead['id']}/replay").status == 202
    run_deliveries()
    (delivered,) = log_of(service, webhook)
    assert (delivered["status"], delivered["attempt_count"]) == ("delivered", 6)
    verified(receiver.requests[-1], secret)


def test_a_refusal_is_final(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, _ = subscribe(service, receiver)
    receiver.script = answering("410 Gone")
    service.post(f"/api/webhooks/{webhook}/test")
    run_deliveries()
    (dead,) = log_of(service, webhook)
    assert (dead["status"], dead["reason"], dead["attempt_count"]) == ("failed", "rejected", 1)


def test_messages_that_come_twice_make_one_delivery_and_one_request(
    service: Service, receiver: ScriptedReceiver
) -> None:
    webhook, _ = subscribe(service, receiver)
    end(service)
    place = messages()
    handle(*place, *place)
    attempts = messages()
    handle(*attempts, *attempts)
    assert len(attempts) == len(receiver.requests) == len(log_of(service, webhook)) == 1


def test_the_log_keeps_nothing_of_the_answer(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, _ = subscribe(service, receiver)
    receiver.script = answering("400 Bad Request", body=b"the-secret-of-the-receiver")
    service.post(f"/api/webhooks/{webhook}/test")
    run_deliveries()
    assert "the-secret-of-the-receiver" not in json.dumps(log_of(service, webhook))
    items = aws.dynamodb_client().scan(TableName=settings().webhooks_table)["Items"]
    assert "the-secret-of-the-receiver" not in str(items)


def test_a_deleted_or_paused_subscription_is_sent_nothing_more(service: Service, receiver: ScriptedReceiver) -> None:
    deleted, _ = subscribe(service, receiver)
    paused, _ = subscribe(service, receiver)
    for webhook in (deleted, paused):
        service.post(f"/api/webhooks/{webhook}/test")
    assert service.request("DELETE", f"/api/webhooks/{deleted}").status == 200
    assert service.request("PATCH", f"/api/webhooks/{paused}", {"active": False}).status == 200
    run_deliveries()
    assert receiver.requests == []
    assert service.get(f"/api/webhooks/{deleted}").status == 404
    assert log_of(service, paused)[0]["reason"] == "subscription_paused"


def test_what_fails_for_days_is_paused_until_its_owner_wants_it_again(
    service: Service, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, _ = subscribe(service, receiver)
    path = f"/api/webhooks/{webhook}"

    def told(status: str) -> Any:
        receiver.script = answering(status)
        service.post(f"{path}/test")
        run_deliveries()
        return service.get(path).json()["data"]["webhook"]

    assert told("410 Gone")["failing_since"]
    assert told("200 OK")["failing_since"] is None
    since = told("410 Gone")["failing_since"]
    assert told("410 Gone")["failing_since"] == since
    monkeypatch.setattr(subscriptions_service, "FAILING_TIME", timedelta())
    assert told("410 Gone")["active"]
    monkeypatch.setattr(subscriptions_service, "FAILURES", 4)
    paused = told("410 Gone")
    assert (paused["active"], paused["paused_reason"]) == (False, "failing")
    requests_so_far = len(receiver.requests)
    end(service)
    run_deliveries()
    assert len(receiver.requests) == requests_so_far
    again = service.request("PATCH", path, {"active": True}).json()["data"]["webhook"]
    assert (again["active"], again["paused_reason"], again["failing_since"]) == (True, None, None)


def test_a_delivery_whose_attempts_always_break_off_here_is_given_up(
    service: Service, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_service, "MOST_INTERRUPTIONS", 2)
    monkeypatch.setattr(attempt_service, "LEASE", timedelta())

    def crash(*_: Any, **__: Any) -> None:
        raise MemoryError

    webhook, _ = subscribe(service, receiver)
    service.post(f"/api/webhooks/{webhook}/test")
    (due,) = messages()
    monkeypatch.setattr(attempt_service, "deliver", crash)
    for _ in range(2):
        with pytest.raises(MemoryError):
            handle(due)
    handle(due)
    (dead,) = log_of(service, webhook)
    assert (dead["status"], dead["reason"], dead["attempt_count"]) == ("failed", "interrupted", 0)


# What is lost


def test_the_sweep_finds_events_and_deliveries_whose_messages_were_lost(
    service: Service, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, _ = subscribe(service, receiver)
    end(service)
    assert len(messages()) == 1  # lost
    ahead = now() + timedelta(minutes=2)
    monkeypatch.setattr(deliveries_service, "now", lambda: ahead)
    service.sweep()
    service.sweep()  # has no need to send it again at once
    (place,) = messages()
    handle(place)
    assert len(messages()) == 1  # lost, too
    ahead += timedelta(minutes=2)
    service.sweep()
    run_deliveries()
    assert [d["status"] for d in log_of(service, webhook)] == ["delivered"]
    ahead += timedelta(minutes=30)
    service.sweep()
    assert messages() == []


def test_a_report_ends_as_it_should_while_the_queue_is_down(
    service: Service, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(service, receiver)
    report_id = service.create(output_format="md")
    monkeypatch.setenv("QUEUE_URL_WEBHOOKS", settings().webhooks_queue_url + "-gone")
    settings.cache_clear()
    stores.cache_clear()
    service.finish(report_id)
    (place,) = stores().outbox.waiting(now(), 10)
    assert place.pk == f"R#{report_id}"


# Secrets


def test_after_a_rotation_both_secrets_sign(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, old = subscribe(service, receiver)
    new = service.post(f"/api/webhooks/{webhook}/rotate").json()["data"]["secret"]
    service.post(f"/api/webhooks/{webhook}/test")
    run_deliveries()
    for secret in (old, new):
        assert verified(receiver.requests[0], secret)["type"] == "webhook.test"
    assert new != old
    assert service.get(f"/api/webhooks/{webhook}").json()["data"]["webhook"]["secrets_valid"] == 2


def test_secrets_are_stored_sealed_and_shown_once(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, secret = subscribe(service, receiver)
    items = str(aws.dynamodb_client().scan(TableName=settings().webhooks_table)["Items"])
    assert secret.removeprefix("whsec_") not in items
    shown = service.get(f"/api/webhooks/{webhook}").body + service.get("/api/webhooks").body
    assert b"whsec_" not in shown


def test_a_sealed_secret_opens_for_its_own_subscription_only(service: Service) -> None:
    sealed = stores().secret_box.seal("whsec_x", "sub_1")
    assert stores().secret_box.open(sealed, "sub_1") == "whsec_x"
    with pytest.raises(Exception, match="InvalidCiphertext"):
        stores().secret_box.open(sealed, "sub_2")


# Who may, and what is refused


INSIDE = (
    "http://example.com/x",
    "https://2130706433/x",
    "https://[::ffff:127.0.0.1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://example.com:22/",
    "https://user@example.com/",
    "https://localhost/",
)


def test_targets_inside_are_refused_in_every_request_that_names_one(service: Service) -> None:
    account = Account(service)
    for url in INSIDE:
        answers = [
            (service.post("/api/webhooks", {"url": url, "events": EVENTS}), "details"),
            (service.post("/api/reports/", new_report(webhook_url=url)), "details"),
            (account.post("/webhooks/subscriptions", {"url": url, "events": ["investigation.queued"]}), "issues"),
        ]
        for answer, where in answers:
            assert answer.status == 400, (url, answer.body)
            (detail,) = answer.json()[where]
            assert detail["message"]


def test_malformed_subscriptions_are_refused(service: Service) -> None:
    url = "https://example.com"
    for body in ({}, {"url": url}, {"url": url, "events": ["no.such"]}, {"url": url, "events": []}, {"events": EVENTS}):
        answer = service.post("/api/webhooks", body)
        assert (answer.status, bool(answer.json().get("details"))) == (400, True), body


def test_nobody_sees_or_changes_the_subscription_of_another(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, _ = subscribe(service, receiver)
    service.post(f"/api/webhooks/{webhook}/test")
    (delivery,) = log_of(service, webhook)
    bob = service.new_key("bob")
    path = f"/api/webhooks/{webhook}"
    for method, url, body in [
        ("GET", path, None),
        ("PATCH", path, {"active": False}),
        ("DELETE", path, None),
        ("POST", f"{path}/rotate", None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/deliveries/{delivery['id']}/replay", None),
    ]:
        assert service.request(method, url, body, key=bob).status == 404, url
    account = Account(service, "alice")
    assert account.get(f"/webhooks/subscriptions/{webhook}").status == 404


def test_a_key_that_may_only_read_changes_nothing(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, _ = subscribe(service, receiver)
    reader = service.new_key("alice", ("read",))
    assert service.get(f"/api/webhooks/{webhook}", key=reader).status == 200
    assert service.post("/api/webhooks", {"url": url_of(receiver), "events": EVENTS}, key=reader).status == 403
    assert service.post(f"/api/webhooks/{webhook}/rotate", key=reader).status == 403


def test_at_most_twenty_subscriptions(service: Service, receiver: ScriptedReceiver) -> None:
    ids = [subscribe(service, receiver)[0] for _ in range(20)]
    body = {"url": url_of(receiver), "events": EVENTS}
    assert service.post("/api/webhooks", body).status == 409
    service.request("DELETE", f"/api/webhooks/{ids[0]}")
    assert service.post("/api/webhooks", body).status == 201


def test_the_same_request_twice_makes_one_subscription_and_shows_its_secret_once(
    service: Service, receiver: ScriptedReceiver
) -> None:
    key, body = {"Idempotency-Key": "sub-1"}, {"url": url_of(receiver), "events": EVENTS}
    first, second = (service.post("/api/webhooks", body, headers=key).json()["data"] for _ in range(2))
    assert first["webhook"] == second["webhook"]
    assert "secret" in first
    assert "secret" not in second
    assert service.post("/api/webhooks", body | {"events": ["report.failed"]}, headers=key).status == 409
    webhook = first["webhook"]["id"]
    rotations = [
        service.post(f"/api/webhooks/{webhook}/rotate", headers={"Idempotency-Key": "r"}).json()["data"]
        for _ in range(2)
    ]
    assert ["secret" in rotation for rotation in rotations] == [True, False]
    assert rotations[1]["webhook"]["secrets_valid"] == 2


def test_a_named_replay_or_test_is_done_once(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, _ = subscribe(service, receiver)
    name = {"Idempotency-Key": "once"}
    first, again = (
        service.post(f"/api/webhooks/{webhook}/test", headers=name).json()["data"]["delivery"] for _ in range(2)
    )
    assert first["id"] == again["id"]
    run_deliveries()
    for _ in range(2):
        answer = service.post(f"/api/webhooks/{webhook}/deliveries/{first['id']}/replay", headers=name)
        assert answer.status == 202
        run_deliveries()
    assert len(receiver.requests) == 2
    service.post(f"/api/webhooks/{webhook}/deliveries/{first['id']}/replay", headers={"Idempotency-Key": "twice"})
    run_deliveries()
    assert len(receiver.requests) == 3


def test_the_name_of_a_test_is_free_again_after_a_day(
    service: Service, receiver: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, _ = subscribe(service, receiver)
    name = {"Idempotency-Key": "once"}
    first = service.post(f"/api/webhooks/{webhook}/test", headers=name).json()["data"]["delivery"]["id"]
    tomorrow = now() + timedelta(hours=25)
    monkeypatch.setattr(deliveries_service, "now", lambda: tomorrow)
    assert service.post(f"/api/webhooks/{webhook}/test", headers=name).json()["data"]["delivery"]["id"] != first


def test_v1_subscriptions_are_listed_changed_and_deleted(service: Service, receiver: ScriptedReceiver) -> None:
    account = Account(service)
    first, _ = v1_subscribe(account, receiver)
    second, _ = v1_subscribe(account, receiver)
    assert [s["id"] for s in account.get("/webhooks/subscriptions").json()["subscriptions"]] == [second, first]
    page = account.get("/webhooks/subscriptions?limit=1").json()
    assert ([s["id"] for s in page["subscriptions"]], page["next_cursor"]) == ([second], second)
    page = account.get(f"/webhooks/subscriptions?limit=1&cursor={second}").json()
    assert ([s["id"] for s in page["subscriptions"]], page["next_cursor"]) == ([first], None)
    assert account.get("/webhooks/subscriptions?limit=0").status == 400
    assert account.get("/webhooks/subscriptions?cursor=x").status == 400
    path = f"/webhooks/subscriptions/{first}"
    changed = account.request("PATCH", path, {"filters": {"min_severity": "high"}}).json()
    assert changed["filters"] == {"min_severity": "high", "tags": {}}
    assert account.post(f"{path}/test").status == 202
    assert account.delete(path).status == 200
    assert account.get(path).status == 404
    scoped = Account(service, "acme", ("investigations:read",))
    assert scoped.get("/webhooks/subscriptions").status == 403


def test_the_log_is_paged_newest_first(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, _ = subscribe(service, receiver)
    sent = []
    for _ in range(5):
        answer = service.post(f"/api/webhooks/{webhook}/test")
        sent.append(answer.json()["data"]["delivery"]["id"])
        time.sleep(0.002)  # ids of one millisecond have no order
    seen, cursor = [], ""
    while True:
        page = service.get(f"/api/webhooks/{webhook}/deliveries?limit=2{cursor}").json()["data"]
        seen += [d["id"] for d in page["deliveries"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sent[::-1]


# Calls


def test_aws_calls(service: Service, receiver: ScriptedReceiver) -> None:
    webhook, _ = subscribe(service, receiver)
    service.post(f"/api/webhooks/{webhook}/test")
    run_deliveries()  # its secret is open from here on
    report_id = service.create(output_format="md")
    service.finish(report_id)
    (place,) = messages()
    with counted_calls() as handing_out:
        handle(place)
    (attempt,) = messages()
    with counted_calls() as attempting:
        handle(attempt)
    assert dict(handing_out) == {"GetItem": 1, "Query": 1, "PutItem": 1, "SendMessage": 1, "UpdateItem": 1}
    # The report is read, and its link noted in the audit.
    assert dict(attempting) == {"UpdateItem": 2, "GetItem": 2, "PutItem": 1}


def test_who_has_no_webhooks_pays_one_read_for_their_first_report(service: Service) -> None:
    report_id = service.create(output_format="md")
    forget_subscriptions()
    with counted_calls() as calls:
        service.post(f"/api/reports/{report_id}/cancel")
    assert (calls["Query"], calls["SendMessage"]) == (1, 0)
