"""A worker dies between any two steps that concern private values: nothing private leaves, and all comes back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.clock import now
from chalicelib.knowledge.read_content import read_content
from chalicelib.privacy.token_map import OPENING
from chalicelib.privacy.tokens import WITHHELD
from chalicelib.services import index_documents
from chalicelib.services.abandoned import take_back
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.stores import stores
from tests.model_server import ModelServer
from tests.support.honey_jars import Jars
from tests.support.planted_values import PLANTED, found_in
from tests.support.recording_proxy import RecordingProxy
from tests.support.service import Service

pytestmark = pytest.mark.timeout(120)

QUERY = "Write 300 words for {person}, born on {date_of_birth}: {email}, {phone}, {ip_address}.".format(**PLANTED)
VALUES = [PLANTED[name] for name in ("person", "date_of_birth", "email", "phone", "ip_address")]


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed(step: str, *, done: bool) -> Iterator[list[str]]:
    """Let the worker die at its first AWS call of that name, before it is sent or once it is done."""
    seen: list[str] = []
    calling = threading.local()

    def before(params: dict[str, Any], model: Any, **_: Any) -> None:
        calling.name = _name(model.name, params)
        if seen or (calling.name == step and not done):
            seen.append(step)
            raise Killed  # and so at every later call: a dead process calls nobody

    def after(**_: Any) -> None:
        if getattr(calling, "name", "") == step and done and not seen:
            seen.append(step)
            raise Killed

    clients: list[Any] = [aws.dynamodb_client(), aws.kms_client(), aws.s3_client()]
    for client in clients:
        client.meta.events.register("provide-client-params.*.*", before)
        client.meta.events.register("after-call", after)
    try:
        yield seen
    finally:
        for client in clients:
            client.meta.events.unregister("provide-client-params.*.*", before)
            client.meta.events.unregister("after-call", after)


def _name(operation: str, params: dict[str, Any]) -> str:
    """Return what a call is known by here: what a report's worker puts where."""
    item = params.get("Item", {})
    if operation == "PutItem" and params["TableName"] == settings().vault_table:
        return "vault"
    sort_key = item.get("sk", {}).get("S", "")
    return sort_key.removeprefix("checkpoint#") if operation == "PutItem" else operation


@pytest.fixture
def proxy(service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingProxy]:
    with RecordingProxy(model_server.port) as relay:
        monkeypatch.setenv("LLM_BASE_URL", relay.base_url)
        monkeypatch.setenv("LLM_CONCURRENCY", "1")
        settings.cache_clear()
        yield relay


def test_a_report_is_finished_whenever_its_worker_died(
    service: Service, model_server: ModelServer, proxy: RecordingProxy
) -> None:
    model_server.fault("marks", times=None, texts_only=True)
    for step, done in (
        ("GenerateDataKey", True),
        ("vault", True),
        ("outline", False),
        ("section-01", False),
        ("section-01", True),
        ("TransactWriteItems", False),
        ("TransactWriteItems", True),
        ("BatchWriteItem", False),
    ):
        report_id = service.create(parameters={"user_query": QUERY}, output_format="md")
        service.permits("normal")
        body = json.dumps({"report_id": report_id})
        with killed(step, done=done) as seen, pytest.raises(Killed):
            service.deliver("normal", body)
        assert seen, step
        report = stores().reports.get(report_id)
        assert report is not None
        if report.status == "processing":
            take_back(report, now() + timedelta(hours=1))
            service.deliver("normal", body)
        shown = service.report(report_id)
        assert shown["status"] == "completed", (step, done, shown)
        assert shown["pii"]["detected"] == len(VALUES)
        text = service.get(f"/api/reports/{report_id}/download").body.decode().replace("\\", "")
        assert [value for value in VALUES if value not in text] == [], (step, done)
        assert OPENING not in text, (step, done)
        assert WITHHELD not in text, (step, done)
        assert not any("discarded" in notice for notice in shown["notices"]), (step, done)
        assert aws.dynamodb_client().scan(TableName=settings().vault_table)["Items"] == [], (step, done)
    assert found_in(proxy.sent, VALUES) == []


@pytest.mark.usefixtures("proxy")
def test_a_cited_report_means_the_same_sources_whenever_its_worker_died(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_documents, "read_document", read_content)  # without a process for each
    model_server.fault("cite", times=None, texts_only=True)
    jars = Jars(service)
    jar = jars.create()
    jars.add(jar, "stores.md", "# Winter stores\n\nThe keeper (emil.brandner@example.org) weighed 18 kilograms.")
    for number, (step, done) in enumerate((("sources", True), ("section-02", False))):
        query = {"user_query": "Write 300 words on the winter stores of bees."}
        report_id = service.create(parameters=query, honey_jar_id=jar, output_format="md")
        service.permits("normal")
        body = json.dumps({"report_id": report_id})
        with killed(step, done=done), pytest.raises(Killed):
            service.deliver("normal", body)
        # What is found first now was not there then.
        more = f"# Winter stores of bees\n\nWinter stores of bees: {number} and 7 kilograms."
        jars.add(jar, f"more-{number}.md", more)
        report = stores().reports.get(report_id)
        assert report is not None
        take_back(report, now() + timedelta(hours=1))
        service.deliver("normal", body)
        shown = service.report(report_id)
        assert shown["status"] == "completed", (step, shown)
        assert shown["citations"]["claims"] == shown["citations"]["supported"] > 0, (step, shown["citations"])
        text = service.get(f"/api/reports/{report_id}/download").body.decode().replace("\\", "")
        assert "The keeper (emil.brandner@example.org) weighed 18 kilograms" in text, step
        assert OPENING not in text, step
        assert f"{number} and 7 kilograms" not in text, step


def test_a_worker_that_was_overtaken_stops_when_it_would_add_a_token(
    service: Service, model_server: ModelServer
) -> None:
    """What it writes afterwards nobody could read, as the later attempt has the vault."""
    model_server.fault("marks", text="Then ask new.person@example.com about it.", times=None, texts_only=True)
    report_id = service.create(parameters={"user_query": QUERY}, output_format="md")
    service.permits("normal")
    overtaken: list[str] = []

    def overtake(params: dict[str, Any], **_: Any) -> None:
        if not overtaken and _name("PutItem", params) == "outline":
            overtaken.append(report_id)
            key = {"pk": {"S": f"R#{report_id}"}, "sk": {"S": "head"}}
            aws.dynamodb_client().update_item(
                TableName=settings().vault_table,
                Key=key,
                UpdateExpression="SET attempt = :two",
                ExpressionAttributeValues={":two": {"N": "2"}},
            )

    client: Any = aws.dynamodb_client()
    client.meta.events.register("provide-client-params.dynamodb.PutItem", overtake)
    try:
        service.deliver("normal", json.dumps({"report_id": report_id}))
    finally:
        client.meta.events.unregister("provide-client-params.dynamodb.PutItem", overtake)
    assert overtaken
    kept = stores().checkpoints.load(report_id, now())
    assert not any(name.startswith("section") for name in kept)
    assert service.report(report_id)["status"] == "processing"


def test_a_worker_that_was_overtaken_before_its_first_token_leaves_no_vault_behind_the_finished_report(
    service: Service, model_server: ModelServer
) -> None:
    report_id = service.create(parameters={"user_query": QUERY}, output_format="md")
    service.permits("normal")
    body = json.dumps({"report_id": report_id})
    overtaken: list[str] = []

    def overtake(params: dict[str, Any], **_: Any) -> None:
        if overtaken or _name("PutItem", params) != "vault":
            return
        overtaken.append(report_id)
        report = stores().reports.get(report_id)
        assert report is not None
        take_back(report, now() + timedelta(hours=1))
        service.deliver("normal", body)
        assert service.report(report_id)["status"] == "completed"

    client: Any = aws.dynamodb_client()
    client.meta.events.register("provide-client-params.dynamodb.PutItem", overtake)
    try:
        service.deliver("normal", body)
    finally:
        client.meta.events.unregister("provide-client-params.dynamodb.PutItem", overtake)
    assert overtaken
    assert service.report(report_id)["status"] == "completed"
    assert aws.dynamodb_client().scan(TableName=settings().vault_table)["Items"] == []
