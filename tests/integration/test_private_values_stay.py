"""No private value reaches the model's endpoint: every byte that is sent there is kept and looked through."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.domain import template
from chalicelib.domain.clock import now
from chalicelib.domain.finding import FindingNode, Step
from chalicelib.domain.template import CONVERSATIONAL
from chalicelib.generation.scrambling import usable_checkpoints
from chalicelib.privacy.rules import Rules
from chalicelib.privacy.token_map import CLOSING, OPENING
from chalicelib.privacy.tokens import WITHHELD
from chalicelib.services.investigation_reports import current_report
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.stores import stores
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.client_events import listening
from tests.support.investigations import ACCOUNT, completed, new_finding
from tests.support.planted_values import PLANTED, found_in
from tests.support.recording_proxy import RecordingProxy
from tests.support.scrambled import scrambled
from tests.support.service import Service, counted_calls, new_report

pytestmark = pytest.mark.timeout(120)

QUERY = (
    "Write a 900 word technical report for {person}, born on {date_of_birth} (SSN {ssn}), about the outage of "
    "{ip_address}. Contact: {email} or {phone}."
).format(**PLANTED)
CONTEXT = {
    "customer": {"name": PLANTED["person"], "card": PLANTED["payment_card"]},
    "refund to": [f"IBAN {PLANTED['iban']}"],
    "log": f"Authorization failed for token {PLANTED['secret']}\nretry from {PLANTED['ip_address']}",
}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Service, ModelServer]]:
    with pytest.MonkeyPatch.context() as patched, ModelServer() as model, service_here(patched, model) as made:
        yield made, model


@pytest.fixture
def model_server(shared: tuple[Service, ModelServer]) -> Iterator[ModelServer]:
    yield shared[1]
    shared[1].script.control({"reset": True})


@pytest.fixture
def service(shared: tuple[Service, ModelServer]) -> Iterator[Service]:
    yield shared[0]
    settings.cache_clear()  # after what a test has changed in the environment is undone


@pytest.fixture
def proxy(service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingProxy]:
    with RecordingProxy(model_server.port) as relay:
        monkeypatch.setenv("LLM_BASE_URL", relay.base_url)
        settings.cache_clear()
        yield relay


@pytest.fixture
def one_at_a_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a failure ends is then no request of another part."""
    monkeypatch.setenv("LLM_CONCURRENCY", "1")
    settings.cache_clear()


def ordered(service: Service, **parameters: Any) -> str:
    given = {"user_query": QUERY, "context": CONTEXT} | parameters
    title = f"The case of {PLANTED['person']}"
    return service.create(title, parameters=given, output_format="md", description=f"Card {PLANTED['payment_card']}")


def vaults() -> list[Any]:
    """Return what is in the vaults."""
    items: list[Any] = aws.dynamodb_client().scan(TableName=settings().vault_table)["Items"]
    return items


def downloaded(service: Service, report_id: str) -> str:
    """Return a report's Markdown, as a reader sees it."""
    return service.get(f"/api/reports/{report_id}/download").body.decode().replace("\\", "")


def test_a_whole_report_sends_none_and_shows_all(
    service: Service, model_server: ModelServer, proxy: RecordingProxy
) -> None:
    model_server.fault("marks", times=None, texts_only=True)
    report_id = ordered(service)
    report = service.finish(report_id)
    sent = proxy.sent
    assert len(model_server.requests()) >= 6
    assert "executive summary" in sent.decode()
    assert found_in(sent) == []
    assert "PERSON_1" in sent.decode()
    text = downloaded(service, report_id)
    for value in PLANTED.values():
        assert text.count(value) >= 2, value
    assert OPENING not in text
    assert CLOSING not in text
    assert WITHHELD not in text
    assert f"| {PLANTED['ip_address']} |" in text
    assert any(f"for {value}'s own file." in text for value in PLANTED.values())
    assert any(f"for **{value}**." in text for value in PLANTED.values())
    assert report["title"] == f"The case of {PLANTED['person']}"
    assert report["pii"]["by_type"] == dict.fromkeys(PLANTED, 1)
    assert report["pii"]["detected"] == len(PLANTED)
    assert report["pii"]["risk_level"] == "high"
    assert found_in(json.dumps(report["pii"]).encode()) == []
    assert vaults() == []


def test_the_next_report_of_a_conversation_sends_none_either(
    service: Service, model_server: ModelServer, proxy: RecordingProxy
) -> None:
    model_server.fault("marks", times=None, texts_only=True)
    service.finish(ordered(service, conversation_id="c"))
    follow_up = service.create(parameters={"user_query": "Write 300 words on what follows.", "conversation_id": "c"})
    service.finish(follow_up)
    assert "Earlier reports of the same conversation" in proxy.sent.decode()
    assert found_in(proxy.sent) == []


@pytest.mark.usefixtures("one_at_a_time")
def test_checkpoints_and_vault_hold_none_while_a_report_is_written(
    service: Service, model_server: ModelServer, proxy: RecordingProxy
) -> None:
    model_server.fault("marks", times=2, texts_only=True)
    model_server.fault("error", status=401, times=None, texts_only=True)
    report_id = ordered(service)
    service.work()
    failed = service.report(report_id)
    assert failed["status"] == "failed"
    assert failed["pii"]["detected"] == len(PLANTED)
    kept = stores().checkpoints.load(report_id, now())
    assert any(OPENING in text for name, text in kept.items() if name.startswith("section"))
    assert found_in(json.dumps(dict(kept)).encode()) == []
    (vault,) = vaults()
    assert found_in(repr(vault).encode()) == []
    assert found_in(proxy.sent) == []

    model_server.script.control({"reset": True})
    model_server.fault("marks", times=None, texts_only=True)
    with counted_calls() as calls:
        service.post(f"/api/reports/{report_id}/retry")
        service.finish(report_id)
    assert calls["Decrypt"] == 1
    assert calls["GenerateDataKey"] == 0
    text = downloaded(service, report_id)
    assert all(value in text for value in PLANTED.values())
    assert WITHHELD not in text
    assert vaults() == []


@pytest.mark.usefixtures("one_at_a_time")
def test_after_a_week_a_retry_begins_anew_and_says_so(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_server.fault("marks", times=2, texts_only=True)
    model_server.fault("error", status=401, times=None, texts_only=True)
    report_id = ordered(service)
    service.work()
    assert service.report(report_id)["status"] == "failed"
    later = now() + timedelta(days=7, minutes=1)
    monkeypatch.setattr("chalicelib.services.vault.now", lambda: later)
    model_server.script.control({"reset": True})
    service.post(f"/api/reports/{report_id}/retry")
    report = service.finish(report_id)
    assert any("discarded and written anew" in notice for notice in report["notices"])
    assert OPENING not in downloaded(service, report_id)
    assert vaults() == []


def test_a_mark_that_nobody_knows_is_asked_for_again_then_shown_and_counted(
    service: Service, model_server: ModelServer
) -> None:
    model_server.fault("marks", text="At the end ⟦PERSON_77⟧ was asked.", times=None, match="Write the part “Intro")
    report_id = ordered(service)
    report = service.finish(report_id)
    asked = [r.prompt for r in model_server.requests() if "Write the part “Intro" in r.prompt]
    assert len(asked) == 3
    assert "use no other mark" in asked[1]
    text = downloaded(service, report_id)
    assert text.count(WITHHELD) >= 1
    assert "PERSON_77" not in text
    assert any("a private value could not be put back" in notice for notice in report["notices"])


def test_nothing_is_sent_where_private_values_cannot_be_looked_for(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, proxy: RecordingProxy
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"cannot read {PLANTED['secret']}")

    monkeypatch.setattr(Rules, "detect", broken)
    report_id = ordered(service)
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert "could not be searched for private data" in report["error_message"]
    assert proxy.sent == b""
    assert found_in(json.dumps(report["error_message"]).encode()) == []


@pytest.mark.parametrize("service_name", ["kms", "dynamodb"])
def test_nothing_is_sent_where_the_vault_is_down(
    service: Service, model_server: ModelServer, proxy: RecordingProxy, service_name: str
) -> None:
    def down(params: Any, **_: Any) -> None:
        if service_name == "kms" or params.get("TableName") == settings().vault_table:
            raise EndpointConnectionError(endpoint_url="https://vault")

    client: Any = aws.kms_client() if service_name == "kms" else aws.dynamodb_client()
    with listening([client], "provide-client-params.*.*", down):
        report_id = ordered(service)
        service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert "under lock and key" in report["error_message"]
    assert proxy.sent == b""


def test_a_cancelled_report_leaves_no_vault(service: Service, model_server: ModelServer) -> None:
    report_id = ordered(service)
    seen: list[int] = []
    first = threading.Lock()  # of the threads that write sections, one cancels

    def cancel(params: Any, **_: Any) -> None:
        if params.get("Item", {}).get("sk", {}).get("S", "").startswith("checkpoint#section") and first.acquire(
            blocking=False
        ):
            seen.append(len(vaults()))
            assert service.post(f"/api/reports/{report_id}/cancel").status == 200

    with listening([aws.dynamodb_client()], "provide-client-params.dynamodb.PutItem", cancel):
        service.work()
    assert seen == [1]
    assert service.report(report_id)["status"] == "cancelled"
    assert vaults() == []


def test_a_report_without_private_values_costs_nothing_more(service: Service, model_server: ModelServer) -> None:
    report_id = service.create(output_format="md")
    with counted_calls() as calls:
        report = service.finish(report_id)
    assert report["pii"] == {"detected": 0, "by_type": {}, "risk_level": "none"}
    assert calls["GenerateDataKey"] == calls["Decrypt"] == 0
    assert calls["TransactWriteItems"] == 0


def test_private_values_cost_a_key_and_a_write(service: Service, model_server: ModelServer) -> None:
    """Beside that, the end is a transaction where it was an update."""
    plain, private = (
        service.create(output_format="md"),
        ordered(service, user_query=f"300 words for {PLANTED['email']}"),
    )
    counts = []
    for report_id in (plain, private):
        with counted_calls() as calls:
            service.deliver("normal", json.dumps({"priority": "normal", "report_id": report_id}))
        counts.append(calls)
    assert counts[1]["GenerateDataKey"] == 1
    assert counts[1]["TransactWriteItems"] == 1


@pytest.mark.parametrize("strict", [True, False])
def test_a_template_may_insist_and_one_that_does_not_require_it_lets_the_owner_decide(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    wanted = replace(CONVERSATIONAL, requires_scrambling=strict, strict_scrambling=strict)
    monkeypatch.setattr(template, "BUILT_IN", (wanted,))
    parameters = {"user_query": f"Write 300 words for {PLANTED['email']}."}
    body = new_report(parameters=parameters, scrambling_enabled=False, output_format="md")
    answer = service.post("/api/reports/", body)
    if strict:
        assert answer.status == 400
        assert answer.json()["details"][0]["field"] == "scrambling_enabled"
        return
    created = answer.json()["data"]
    assert created["report"]["scrambling_enabled"] is False
    assert created["warnings"] == []
    report = service.finish(created["report"]["id"])
    assert report["pii"] is None
    assert any(PLANTED["email"] in request.prompt for request in model_server.requests())
    assert vaults() == []


FINDING = new_finding(
    "Sign-in from an unknown country",
    summary=f"The account of {PLANTED['person']} ({PLANTED['email']}) signed in from {PLANTED['ip_address']}.",
    nodes=(FindingNode("n-1", "ip", PLANTED["ip_address"]), FindingNode("n-2", "host", "fin-lap-07")),
    tags={"owner": PLANTED["person"], "phone": PLANTED["phone"]},
    reasoning_chain=(Step(1, f"The token {PLANTED['secret']} was used on fin-lap-07 for CVE-2024-3094."),),
)
SECTION = (
    "The account of ⟦PERSON_1⟧ signed in from ⟦IP_1⟧ on fin-lap-07 [F1]. "
    "The sign-in from an unknown country used the account of [Person 1] on the host fin-lap-07 [F1]."
)


def test_a_narrative_sends_none_and_shows_what_holds(
    service: Service, model_server: ModelServer, proxy: RecordingProxy
) -> None:
    model_server.fault("text", text=SECTION, match="Write the section “What happened”", times=None)
    model_server.fault("text", text=f"{SECTION} The host ⟦IP_55⟧ is open [F1].", match="section “Where”", times=None)
    stored: dict[str, str] = {}

    def keep(params: Any, **_: Any) -> None:
        item = params.get("Item", {})
        if item.get("sk", {}).get("S", "").startswith("checkpoint#"):
            stored[item["sk"]["S"]] = item["text"]["S"]

    with listening([aws.dynamodb_client()], "provide-client-params.dynamodb.PutItem", keep):
        investigation = completed(service, query=f"Who is {PLANTED['person']}?", findings=(FINDING,))
    assert any("PERSON_1" in text for text in stored.values())
    assert found_in(json.dumps(stored).encode()) == []
    # An attempt that has other tokens, or none, does not take these for its own.
    assert usable_checkpoints(stored, scrambled()) is None
    sent = proxy.sent
    assert found_in(sent) == []
    for kept in ("fin-lap-07", "CVE-2024-3094", "unknown country", "⟦IP_1⟧", "⟦EMAIL_1⟧"):
        assert kept in sent.decode() or kept.encode("unicode_escape") in sent, kept
    asked_again = [r.prompt for r in model_server.requests() if "that the findings do not support" in r.prompt]
    assert any("stands for nothing" in prompt for prompt in asked_again)
    report = current_report(ACCOUNT, investigation.id).report
    assert (
        f"The account of {PLANTED['person']} signed in from {PLANTED['ip_address']} on fin-lap-07" in report.narrative
    )
    assert OPENING not in report.narrative
    assert WITHHELD not in report.narrative
    assert vaults() == []
