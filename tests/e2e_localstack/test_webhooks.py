"""Webhooks of a deployment: sent by the function for them, and found by the sweep when a message is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from tests.e2e_localstack.conftest import Deployed
from tests.support.scripted_receiver import ReceivedRequest, ScriptedReceiver, answering
from tests.support.v1_callers import RemoteAccount, new_finding
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(600)]

QUEUE = "webhooks"


@pytest.fixture
def receiver() -> Iterator[ScriptedReceiver]:
    with ScriptedReceiver(answering("200 OK")) as made:
        yield made


def subscribed(deployed: Deployed, receiver: ScriptedReceiver) -> tuple[str, str]:
    body: dict[str, Any] = {"url": f"http://127.0.0.1:{receiver.port}/", "events": ["report.completed"]}
    answer = deployed.client.request("POST", "/api/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    return data["webhook"]["id"], data["secret"]


def received(receiver: ScriptedReceiver, text: str, seconds: float = 60) -> ReceivedRequest:
    found = wait_for(lambda: [r for r in list(receiver.requests) if text in r.body.decode()], seconds, text, 0.2)
    return found[0]


def test_a_finished_report_arrives_with_a_link_to_its_document(deployed: Deployed, receiver: ScriptedReceiver) -> None:
    webhook, secret = subscribed(deployed, receiver)
    report_id = deployed.client.create("Told when it is done", output_format="md")
    request = received(receiver, report_id, 120)
    event = Webhook(secret).verify(request.body, request.headers)
    document = requests.get(event["data"]["download"]["url"], timeout=10)
    assert len(document.content) == event["data"]["file_size_bytes"]
    assert deployed.client.request("DELETE", f"/api/webhooks/{webhook}").status_code == 200


def test_the_findings_of_an_investigation_arrive(deployed: Deployed, receiver: ScriptedReceiver) -> None:
    account = RemoteAccount(deployed.deployment.url, deployed.deployment.investigations_key, every=0.3)
    body = {"url": f"http://127.0.0.1:{receiver.port}/", "events": ["finding.discovered", "investigation.completed"]}
    answer = account.request("POST", "/webhooks/subscriptions", json=body)
    assert answer.status_code == 201, answer.text
    investigation = account.completed(new_finding(), seconds=120)
    received(receiver, "finding.discovered")
    assert investigation in received(receiver, "investigation.completed").body.decode()
    assert account.request("DELETE", f"/webhooks/subscriptions/{answer.json()['id']}").status_code == 200


def test_the_sweep_sends_what_was_lost(deployed: Deployed, receiver: ScriptedReceiver) -> None:
    webhook, _ = subscribed(deployed, receiver)
    account = RemoteAccount(deployed.deployment.url, deployed.deployment.investigations_key, every=0.3)
    body = {"url": f"http://127.0.0.1:{receiver.port}/", "events": ["investigation.cancelled"]}
    subscription = account.request("POST", "/webhooks/subscriptions", json=body).json()["id"]
    deployed.controls.pause_delivery(QUEUE)
    assert deployed.client.request("POST", f"/api/webhooks/{webhook}/test").status_code == 202
    report_id = deployed.client.create("Told by the sweep", output_format="md")
    deployed.client.finished(report_id, seconds=120)
    created = account.request("POST", "/investigations", json={"query": "Lost?", "evidence": "pushed"})
    investigation = created.json()["id"]
    assert account.request("DELETE", f"/investigations/{investigation}").status_code == 200
    deployed.controls.purge(QUEUE)
    wait_for(lambda: deployed.controls.count(QUEUE) >= 3, 150, "the sweep's messages", 1)
    deployed.controls.resume_delivery(QUEUE)
    received(receiver, "webhook.test")
    received(receiver, report_id)
    received(receiver, investigation)
    assert deployed.client.request("DELETE", f"/api/webhooks/{webhook}").status_code == 200
    assert account.request("DELETE", f"/webhooks/subscriptions/{subscription}").status_code == 200
